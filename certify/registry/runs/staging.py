"""Working files of a run: tables between one step and the next, sealed, so that a killed run goes on where it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.private_file import write_private
from certify.storage.keys import seal, unseal


class Staging:
    """The folder of one run. Files are Parquet under AES-GCM; the key lies wrapped in the run's row, and goes with it.

    Only the machine that read the feed's file has them: a run is carried on there.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key

    def write(self, name: str, table: pa.Table) -> None:
        """Write a table whole or not at all."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        sealed = seal(self._key, sink.getvalue().to_pybytes(), name.encode())
        write_private(self._folder / f"{name}.sealed", sealed)

    def read(self, name: str) -> pa.Table:
        """Read a table. Raises Unavailable when it is not here."""
        try:
            sealed = (self._folder / f"{name}.sealed").read_bytes()
        except FileNotFoundError:
            raise Unavailable(
                "The working files of this run are not on this machine.",
                hint="Carry it on where its file was read, or refuse it and import the file here.",
                code=ErrorCode.RUN_ELSEWHERE,
            ) from None
        return pq.read_table(pa.BufferReader(unseal(self._key, sealed, name.encode())))

    def read_all(self, prefix: str) -> Iterator[pa.Table]:
        """Read the tables ``prefix-00000``, ``prefix-00001`` and so on, one at a time."""
        number = 0
        while (self._folder / f"{prefix}-{number:05d}.sealed").exists():
            yield self.read(f"{prefix}-{number:05d}")
            number += 1
        if number == 0:
            self.read(f"{prefix}-00000")

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

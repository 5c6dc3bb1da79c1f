"""Working files of a run: sealed tables between its steps, so that an interrupted run continues where it stopped."""

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
    """The folder of one run. Files are Parquet under AES-GCM; the wrapped key is in the run's row and deleted with it.

    Only the machine that read the feed's file has these files, so the run continues there.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key

    def write(self, name: str, table: pa.Table) -> None:
        """Write a table, completely or not at all."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        sealed = seal(self._key, sink.getvalue().to_pybytes(), name.encode())
        write_private(self._folder / f"{name}.sealed", sealed)

    def read(self, name: str) -> pa.Table:
        """Read a table.

        Args:
            name: name of the table.

        Returns:
            The table.

        Raises:
            Unavailable: the file is not on this machine (``run_elsewhere``).
        """
        try:
            sealed = (self._folder / f"{name}.sealed").read_bytes()
        except FileNotFoundError:
            raise Unavailable(
                "The working files of this run are not on this machine.",
                hint="Continue the run on the machine that read its file, or refuse it and import the file here.",
                code=ErrorCode.RUN_ELSEWHERE,
            ) from None
        return pq.read_table(pa.BufferReader(unseal(self._key, sealed, name.encode())))

    def has(self, name: str) -> bool:
        """Return whether a table of this name was written."""
        return (self._folder / f"{name}.sealed").exists()

    def read_all(self, prefix: str) -> Iterator[pa.Table]:
        """Read the tables ``prefix-00000``, ``prefix-00001`` and so on, one at a time."""
        number = 0
        while (self._folder / f"{prefix}-{number:05d}.sealed").exists():
            yield self.read(f"{prefix}-{number:05d}")
            number += 1
        if number == 0:
            self.read(f"{prefix}-00000")

    def remove(self) -> None:
        """Delete the folder with all files."""
        shutil.rmtree(self._folder, ignore_errors=True)

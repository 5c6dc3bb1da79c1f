"""Rows that did not go in, written to a CSV file that only its owner can read, with the reasons in front."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.files.people_rows import QUARANTINE_COLUMNS, BadRow

_BOM = b"\xef\xbb\xbf"  # or spreadsheets take UTF-8 for something else
_START = _BOM + QUARANTINE_COLUMNS[0].encode()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Quarantine:
    """The quarantine file of one import. An earlier one is replaced; it is removed when nothing had to go in.

    Raises Invalid rather than overwrite anything that is not a quarantine file.
    """

    def __init__(self, path: Path, header: tuple[str, ...]) -> None:
        self.path = path
        self._header = [name for name in header if name not in QUARANTINE_COLUMNS]
        self._kept = [index for index, name in enumerate(header) if name not in QUARANTINE_COLUMNS]
        self.count = 0
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise Invalid(
                f"The quarantine file {path} cannot be written: {error.strerror}.", code=ErrorCode.QUARANTINE_PATH
            ) from error
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        if self._file.read(len(_START)) not in (b"", _START):
            self._file.close()
            raise Invalid(
                f"{path} exists and is not a quarantine file.", hint="Name another.", code=ErrorCode.QUARANTINE_PATH
            )
        os.fchmod(descriptor, 0o600)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(_BOM)
        self._write([(*QUARANTINE_COLUMNS, *self._header)])

    def add(self, bad: Iterable[BadRow]) -> None:
        """Write rows, in the order of their lines."""
        rows = sorted(bad, key=lambda entry: entry.row.line)
        self._write((str(b.row.line), b.code, b.reason, *map(harmless, self._cells(b))) for b in rows)
        self.count += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self.count == 0:
            self.path.unlink(missing_ok=True)

    def _cells(self, bad: BadRow) -> list[str]:
        cells = bad.row.cells
        if bad.row.problem:  # cells and columns may not fit each other: keep them all, as they came
            return list(cells)
        return [cells[index] for index in self._kept]

    def _write(self, rows: Iterable[tuple[str, ...]]) -> None:
        text = _Text()
        csv.writer(text, lineterminator="\n").writerows(rows)
        # Bytes that could not be read are written as \udc.. so that the file itself can be.
        self._file.write("".join(text.parts).encode("utf-8", "backslashreplace"))


class _Text:
    """What csv.writer writes to."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)


def harmless(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell

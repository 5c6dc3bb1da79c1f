"""Write rejected rows to a CSV file, with the reasons in front. Only the owner of the file can read it."""

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

_BOM = b"\xef\xbb\xbf"  # without it, spreadsheets do not recognise UTF-8
_START = _BOM + QUARANTINE_COLUMNS[0].encode()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Quarantine:
    """The quarantine file of one import. It replaces an earlier one, and is deleted if no row was rejected.

    Args:
        path: path of the file.
        header: names of the columns of the imported file.

    Raises:
        Invalid: the path cannot be written, or holds a file that is not a quarantine file (``quarantine_path``).
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
                f"{path} exists and is not a quarantine file.",
                hint="Name another file.",
                code=ErrorCode.QUARANTINE_PATH,
            )
        os.fchmod(descriptor, 0o600)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(_BOM)
        self._write([(*QUARANTINE_COLUMNS, *self._header)])

    def add(self, bad: Iterable[BadRow]) -> None:
        """Write rejected rows, in the order of their lines."""
        rows = sorted(bad, key=lambda entry: entry.row.line)
        self._write((str(b.row.line), b.code, b.reason, *map(escape_formula, self._cells(b))) for b in rows)
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
        if bad.row.problem:  # the cells may not fit the columns, so all of them are kept as they came
            return list(cells)
        return [cells[index] for index in self._kept]

    def _write(self, rows: Iterable[tuple[str, ...]]) -> None:
        text = _Text()
        csv.writer(text, lineterminator="\n").writerows(rows)
        # Unreadable bytes are written as the text \udc.., so that the quarantine file itself is readable.
        self._file.write("".join(text.parts).encode("utf-8", "backslashreplace"))


class _Text:
    """Collects the text that ``csv.writer`` writes."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)


def escape_formula(cell: str) -> str:
    """Return a cell that a spreadsheet does not run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell

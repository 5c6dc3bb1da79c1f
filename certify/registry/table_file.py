"""Reading a CSV or Parquet file of text cells, one row at a time, whatever its size.

CSV is read line by line with the standard library rather than in blocks: only so does every row keep its line number,
and a stray quotation mark or an unreadable byte spoils its own line and nothing else. No column here can hold a line
break, so a row is a line.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from certify.errors import Invalid

_MAX_LINE = 65_536
"""Characters of a CSV line; a longer one is refused as a row, and never held in memory."""
_BATCH = 1_000
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it lies in the file. ``line`` is 1-based: the line of a CSV file, the row of a Parquet file.

    ``problem`` says why the row could not be read as cells of the columns, if so.
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a file may have, and which it must."""

    known: Sequence[str]
    required: Sequence[str]
    ignored: Sequence[str] = field(default=())


class TableFile:
    """A file of rows. Raises Invalid when it cannot be read or its columns are not those expected."""

    def __init__(self, path: Path, columns: Columns, *, encoding: str = "utf-8", separator: str | None = None) -> None:
        self.path = path
        self._columns = columns
        self.parquet = _is_parquet(path)
        if self.parquet:
            self.header = self._parquet_header()
            return
        try:
            self._encoding = codecs.lookup(encoding).name
            if self._encoding == "utf-8":
                self._encoding = "utf-8-sig"  # spreadsheets write a byte order mark
            with self._open() as file:
                first = file.readline(_MAX_LINE)
        except LookupError as error:
            raise Invalid(
                f"The encoding '{encoding}' is not known.", hint="Try utf-8, gb18030 or latin-1.", code="file_encoding"
            ) from error
        except UnicodeError as error:
            raise _not_a_table(path, str(error)) from error
        self._separator = separator or max(_SEPARATORS, key=lambda s: self._recognised(first, s))
        self.header = self._checked(_cells(first, self._separator) or ())

    def count(self) -> int:
        """Return the number of rows: exact for Parquet, for CSV the number of lines below the header."""
        if self.parquet:
            with pq.ParquetFile(self.path) as file:
                return int(file.metadata.num_rows)
        with self.path.open("rb") as file:
            lines, last = 0, b"\n"
            while block := file.read(1 << 20):
                lines += block.count(b"\n")
                last = block[-1:]
        return max(lines + (last != b"\n") - 1, 0)

    def rows(self) -> Iterator[Row]:
        """Read the rows in the file's order; empty lines are passed over."""
        try:
            yield from self._parquet_rows() if self.parquet else self._csv_rows()
        except (UnicodeError, OSError, pa.ArrowException) as error:  # what single rows cannot answer for
            raise _not_a_table(self.path, str(error)) from error

    def _open(self) -> TextIO:
        # An unreadable byte becomes a lone surrogate, which no valid cell contains: its row is refused, not the file.
        return self.path.open(encoding=self._encoding, errors="surrogateescape")

    def _csv_rows(self) -> Iterator[Row]:
        with self._open() as file:
            for number, (line, whole) in enumerate(_lines(file), start=1):
                if number == 1 or not line.strip():
                    continue
                cells = _cells(line, self._separator)
                if not whole:
                    yield Row(number, (line[:200],), "The line is far too long.")
                elif cells is None:
                    yield Row(
                        number, (line.rstrip("\n"),), "A quotation mark is not closed or stands in a wrong place."
                    )
                elif len(cells) != len(self.header):
                    problem = f"The row has {len(cells)} cells, the header {len(self.header)}."
                    yield Row(number, cells, problem)
                elif any("\ud800" <= character <= "\udfff" for character in line):
                    yield Row(number, cells, f"The row has bytes that are not {self._encoding.removesuffix('-sig')}.")
                else:
                    yield Row(number, cells)

    def _parquet_header(self) -> tuple[str, ...]:
        try:
            with pq.ParquetFile(self.path) as file:
                schema = file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise _not_a_table(self.path, str(error)) from error
        for column in schema:
            if not _is_textual(column.type):
                raise Invalid(
                    f"The column '{column.name}' has the type {column.type}.",
                    hint="Write text, whole numbers or dates.",
                    code="column_type",
                )
        return self._checked(tuple(schema.names))

    def _parquet_rows(self) -> Iterator[Row]:
        number = 0
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                texts = [column.cast(pa.string()).to_pylist() for column in batch.columns]
                for values in zip(*texts, strict=True):
                    number += 1
                    yield Row(number, tuple("" if value is None else value for value in values))

    def _recognised(self, line: str, separator: str) -> int:
        names = _names(_cells(line, separator) or ())
        return len(set(names) & {*self._columns.known, *self._columns.ignored})

    def _checked(self, cells: Sequence[str]) -> tuple[str, ...]:
        header = _names(cells)
        known = [*self._columns.known, *self._columns.ignored]
        hint = f"Known columns: {', '.join(self._columns.known)}."
        if self._columns.required:
            hint += f" Required: {', '.join(self._columns.required)}."
        for code, problem, names in (
            ("column_unknown", "unknown columns", [name for name in header if name not in known]),
            ("column_missing", "no columns", [name for name in self._columns.required if name not in header]),
            ("column_twice", "more than once the columns", sorted({n for n in header if header.count(n) > 1})),
        ):
            if names:
                shown = ", ".join(f"'{name[:40]}'" for name in names[:10])
                raise Invalid(f"The file has {problem} {shown}.", hint=hint, code=code)
        return header


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise _not_a_table(path, error.strerror or "it cannot be opened") from error
    if start == b"PK\x03\x04":
        raise _not_a_table(path, "it is a spreadsheet or archive")
    return start == b"PAR1"


def _is_textual(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_textual(kind.value_type)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in (*tests, pa.types.is_integer, pa.types.is_date))


def _names(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.removeprefix("\ufeff").strip().lower() for cell in cells)


def _cells(line: str, separator: str) -> tuple[str, ...] | None:
    """Split a line; None when its quotation marks do not fit."""
    try:
        return tuple(next(csv.reader((line,), delimiter=separator, strict=True), ()))
    except csv.Error:
        return None


def _lines(file: TextIO) -> Iterator[tuple[str, bool]]:
    """Return each line and whether it is whole; of one that is too long only the beginning is kept."""
    while line := file.readline(_MAX_LINE):
        whole, rest = True, line
        while len(rest) == _MAX_LINE and not rest.endswith("\n") and (rest := file.readline(_MAX_LINE)):
            whole = False
        yield line, whole


def _not_a_table(path: Path, why: str) -> Invalid:
    return Invalid(
        f"The file {path.name} cannot be read: {why}.", hint="Save it as CSV or Parquet.", code="file_format"
    )

"""Read a CSV or Parquet file of any size as rows of text cells, one row at a time.

CSV is read line by line with the standard library and not in blocks. So every row keeps its line number, and a wrong
quotation mark or an unreadable byte spoils only its own line. No column here can contain a line break, so a row is a
line.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

_MAX_LINE = 65_536
"""Characters of a CSV line. A longer line is refused and never held in memory."""
_BATCH = 1_000  # rows of a Parquet file read at a time
_SEPARATORS = (",", ";", "\t")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file.

    Attributes:
        line: line of a CSV file or row of a Parquet file, counted from 1.
        cells: the cells, as texts.
        problem: why the row cannot be split into the cells of the columns; empty if it can.
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file may have, must have, and may have without being read."""

    known: Sequence[str]
    required: Sequence[str]
    ignored: Sequence[str] = field(default=())


class TableFile:
    """A file of rows.

    Args:
        path: the file.
        columns: the expected columns.
        encoding: encoding of a CSV file.
        separator: separator of a CSV file; by default the one by which most columns are recognised.

    Raises:
        Invalid: the file cannot be read (``file_format``), its encoding is not known (``file_encoding``), or a column
            is unknown, missing, repeated or of a wrong type (``column_unknown``, ``column_missing``, ``column_twice``,
            ``column_type``).
    """

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
                f"The encoding '{encoding}' is not known.",
                hint="Try utf-8, gb18030 or latin-1.",
                code=ErrorCode.FILE_ENCODING,
            ) from error
        except UnicodeError as error:
            raise _not_a_table(path, str(error)) from error
        self._separator = separator or max(_SEPARATORS, key=lambda s: self._recognised(first, s))
        self.header = self._checked(_cells(first, self._separator) or ())

    def count(self) -> int:
        """Return the number of rows; for CSV, it is the number of lines below the header, empty lines included."""
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
        """Yield the rows in the order of the file, without empty lines.

        Raises:
            Invalid: the file as a whole cannot be read (``file_format``).
        """
        try:
            yield from self._parquet_rows() if self.parquet else self._csv_rows()
        except (UnicodeError, OSError, pa.ArrowException) as error:  # errors of the file and not of one row
            raise _not_a_table(self.path, str(error)) from error

    def _open(self) -> TextIO:
        # An unreadable byte becomes a lone surrogate, which no valid cell contains, so only its row is refused.
        return self.path.open(encoding=self._encoding, errors="surrogateescape")

    def _csv_rows(self) -> Iterator[Row]:
        with self._open() as file:
            for number, (line, whole) in enumerate(_lines(file), start=1):
                if number == 1 or not line.strip():
                    continue
                cells = _cells(line, self._separator)
                if not whole:
                    yield Row(number, (line[:200],), "The line is too long.")
                elif cells is None:
                    yield Row(
                        number, (line.rstrip("\n"),), "A quotation mark is not closed or stands in a wrong place."
                    )
                elif len(cells) != len(self.header):
                    problem = f"The row has {len(cells)} cells, the header {len(self.header)}."
                    yield Row(number, cells, problem)
                elif _SURROGATE.search(line):
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
                    code=ErrorCode.COLUMN_TYPE,
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
            (ErrorCode.COLUMN_UNKNOWN, "unknown columns", [name for name in header if name not in known]),
            (ErrorCode.COLUMN_MISSING, "no columns", [name for name in self._columns.required if name not in header]),
            (ErrorCode.COLUMN_TWICE, "more than once the columns", sorted({n for n in header if header.count(n) > 1})),
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
    """Split a line into cells; return None if its quotation marks are wrong."""
    try:
        return tuple(next(csv.reader((line,), delimiter=separator, strict=True), ()))
    except csv.Error:
        return None


def _lines(file: TextIO) -> Iterator[tuple[str, bool]]:
    """Yield each line and whether it is complete; only the beginning of a line that is too long is kept."""
    while line := file.readline(_MAX_LINE):
        whole, rest = True, line
        while len(rest) == _MAX_LINE and not rest.endswith("\n") and (rest := file.readline(_MAX_LINE)):
            whole = False
        yield line, whole


def _not_a_table(path: Path, why: str) -> Invalid:
    return Invalid(
        f"The file {path.name} cannot be read: {why}.", hint="Save it as CSV or Parquet.", code=ErrorCode.FILE_FORMAT
    )

"""Read a file of templates (CSV, Parquet, .npz, or .npy with a file of people) as rows whose template is one text cell.

Programs write a template into one column (often over several lines), into two columns (the halves of two cubes), or
into 128 columns. All become one cell, ``encoding``, so that a quarantine file can be corrected and imported again.
"""

from __future__ import annotations

import base64
import csv
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.files.people_rows import QUARANTINE_COLUMNS
from certify.files.table_file import Columns, Row
from models.face.foreign_form import LENGTH

ENCODING = "encoding"
NAMING = ("national_id", "card_number")
TEMPLATE_COLUMNS = Columns(
    known=(*NAMING, "taken_on", "source", ENCODING), required=("taken_on", "source"), ignored=QUARANTINE_COLUMNS
)
_OTHER_NAMES = (
    "face_encoding",
    "face_encodings",
    "encodings",
    "embedding",
    "descriptor",
    "face_descriptor",
    "template",
)
_HALVES = (("encoding_low", "encoding_high"), ("vec_low", "vec_high"))
_NUMBERED = re.compile(r"([a-z_]*?)_?(\d{1,3})")
_MOST_LINES = 2 * LENGTH
"""Lines of one CSV row. numpy prints a template over 22 to 64 lines, and some programs one value a line."""
_MOST_CHARACTERS = 16_384
"""Characters of one CSV row: 128 numbers in full precision have 3,000, and the bytes that Python prints 4,100."""
_SEPARATORS = (",", ";", "\t")
_BATCH = 1_000


class TemplateFile:
    """A file of templates.

    Args:
        path: CSV with a header, Parquet, ``.npz``, or ``.npy``.
        encoding: encoding of a CSV file.
        people: a CSV file that says whom each row of an ``.npy`` file is about, in the same order; None otherwise.

    Raises:
        Invalid: the file cannot be read, is pickled (``file_format``), its encoding is not known (``file_encoding``),
            or a column is unknown, missing or repeated (``column_unknown``, ``column_missing``, ``column_twice``).
    """

    def __init__(self, path: Path, *, encoding: str = "utf-8", people: Path | None = None) -> None:
        self.path = path
        self.header: tuple[str, ...]
        kind = _kind_of(path)
        if (kind == "npy") != (people is not None):
            raise Invalid(
                "An .npy file has templates only.",
                hint="Name with --people a CSV file with national_id, taken_on and source, one row for each template.",
                code=ErrorCode.FILE_FORMAT,
            )
        try:
            "".encode(encoding)
        except LookupError as error:
            raise Invalid(
                f"The encoding '{encoding}' is not known.", hint="Try utf-8.", code=ErrorCode.FILE_ENCODING
            ) from error
        self._raw: Iterator[tuple[int, tuple[str, ...], str]]
        if kind == "parquet":
            names, self._total, self._raw = _parquet(path)
        elif kind == "npz":
            names, self._total, self._raw = _arrays(_load(path), path)
        elif people is not None:
            names, self._total, self._raw = _with_people(_load(path), path, people, encoding)
        else:
            names, self._total, self._raw = _csv(path, encoding)
        self._names = names
        self.header, self._join = _layout(names)

    def count(self) -> int:
        """Return the number of rows; for CSV the number of lines below the header, an upper bound."""
        return self._total

    def rows(self) -> Iterator[Row]:
        """Yield the rows in the order of the file.

        Raises:
            Invalid: the file as a whole cannot be read (``file_format``).
        """
        try:
            for line, cells, problem in self._raw:
                if problem:
                    yield Row(line, cells, problem)
                elif len(cells) != len(self._names):
                    yield Row(line, cells, f"The row has {len(cells)} cells, the header {len(self._names)}.")
                else:
                    yield Row(line, self._joined(cells))
        except (UnicodeError, OSError, pa.ArrowException) as error:
            raise _not_templates(self.path, str(error)) from error

    def _joined(self, cells: tuple[str, ...]) -> tuple[str, ...]:
        """Put the columns of the template into one cell at the end."""
        if len(self._join) == 1:
            text = cells[self._join[0]]
        else:
            parts = [cells[place].strip().strip("()[]{} ") for place in self._join]
            text = f"[{', '.join(parts)}]" if any(parts) else ""
        taken = set(self._join)
        return (*(cell for place, cell in enumerate(cells) if place not in taken), text)


def _layout(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the header with one column for the template, and the places of the columns that make it.

    Raises:
        Invalid: a column is unknown, missing or repeated.
    """
    known = [*TEMPLATE_COLUMNS.known, *TEMPLATE_COLUMNS.ignored]
    places = {name: place for place, name in enumerate(names)}
    twice = sorted({name for name in names if names.count(name) > 1})
    rest = [name for name in names if name not in known or name == ENCODING]
    single = [name for name in rest if name == ENCODING or name in _OTHER_NAMES]
    join: tuple[int, ...] = ()
    if len(single) == 1 and len(rest) == 1:
        join = (places[single[0]],)
    elif tuple(sorted(rest)) in {tuple(sorted(halves)) for halves in _HALVES}:
        join = tuple(places[name] for halves in _HALVES if halves[0] in rest for name in halves)
    elif (numbered := _numbered(rest)) is not None:
        join = tuple(places[name] for name in numbered)
    missing = [name for name in TEMPLATE_COLUMNS.required if name not in names]
    if not set(NAMING) & set(names):
        missing.insert(0, "national_id")
    if not join and not rest:
        missing.append(ENCODING)
    hint = (
        "Columns: national_id or card_number, taken_on, source, and the template in 'encoding', in 'vec_low' and "
        f"'vec_high', or in {LENGTH} numbered columns."
    )
    for code, said, wrong in (
        (ErrorCode.COLUMN_TWICE, "more than once the columns", twice),
        (ErrorCode.COLUMN_MISSING, "no columns", missing),
        (ErrorCode.COLUMN_UNKNOWN, "unknown columns", [] if join else rest),
    ):
        if wrong:
            shown = ", ".join(f"'{name[:40]}'" for name in wrong[:10])
            raise Invalid(f"The file has {said} {shown}.", hint=hint, code=code)
    taken = {names[place] for place in join}
    return (*(name for name in names if name not in taken), ENCODING), join


def _numbered(names: Sequence[str]) -> list[str] | None:
    """Return 128 names of one word and a number in the order of the numbers, from 0 or from 1; None if they are not."""
    found = [(match[1], int(match[2]), name) for name in names if (match := _NUMBERED.fullmatch(name))]
    if len(found) != len(names) or len(found) != LENGTH or len({word for word, _, _ in found}) != 1:
        return None
    found.sort(key=lambda entry: entry[1])
    numbers = [number for _, number, _ in found]
    return [name for _, _, name in found] if numbers in (list(range(LENGTH)), list(range(1, LENGTH + 1))) else None


def _kind_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(6)
    except OSError as error:
        raise _not_templates(path, error.strerror or "it cannot be opened") from error
    if start == b"\x93NUMPY":
        return "npy"
    if start[:4] == b"PAR1":
        return "parquet"
    if start[:4] == b"PK\x03\x04":
        return "npz"
    if start[:1] == b"\x80" or path.suffix.lower() in (".pkl", ".pickle"):
        raise _pickled(path)
    return "csv"


def _load(path: Path) -> Any:
    """Open arrays. Objects are refused: they are pickled, and to read a pickle is to run the program that it holds."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            return {name.lower(): found[name] for name in found.files}
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise _pickled(path) from error
        raise _not_templates(path, str(error)) from error
    except (OSError, EOFError, KeyError) as error:
        raise _not_templates(path, str(error)) from error


def _arrays(arrays: dict[str, NDArray[Any]], path: Path) -> tuple[tuple[str, ...], int, Iterator[Any]]:
    lengths = {name: len(values) for name, values in arrays.items() if values.ndim}
    if len(set(lengths.values())) != 1 or len(lengths) != len(arrays):
        raise _not_templates(path, f"its arrays do not have one length ({lengths})")
    names = tuple(arrays)

    def rows() -> Iterator[tuple[int, tuple[str, ...], str]]:
        for number in range(next(iter(lengths.values()))):
            yield number + 1, tuple(_text(arrays[name][number]) for name in names), ""

    return names, next(iter(lengths.values())), rows()


def _with_people(found: Any, path: Path, people: Path, encoding: str) -> tuple[tuple[str, ...], int, Iterator[Any]]:
    names, _, rows = _csv(people, encoding)
    listed = list(rows)
    if not isinstance(found, np.ndarray) or found.ndim != 2 or len(found) != len(listed):
        shape = getattr(found, "shape", None)
        raise _not_templates(path, f"it has the shape {shape}, and {people.name} has {len(listed)} rows")

    def joined() -> Iterator[tuple[int, tuple[str, ...], str]]:
        for (line, cells, problem), vector in zip(listed, found, strict=True):
            yield line, (*cells, _text(vector)), problem

    return (*names, ENCODING), len(listed), joined()


def _parquet(path: Path) -> tuple[tuple[str, ...], int, Iterator[Any]]:
    try:
        with pq.ParquetFile(path) as file:
            names, total = tuple(name.strip().lower() for name in file.schema_arrow.names), file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise _not_templates(path, str(error)) from error

    def rows() -> Iterator[tuple[int, tuple[str, ...], str]]:
        number = 0
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, tuple(_text(value) for value in values), ""

    return names, int(total), rows()


def _csv(path: Path, encoding: str) -> tuple[tuple[str, ...], int, Iterator[Any]]:
    used = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    try:
        with path.open(encoding=used, errors="surrogateescape") as file:
            first = file.readline(_MOST_CHARACTERS)
            total = sum(1 for line in file if line.strip())
    except (OSError, UnicodeError) as error:
        raise _not_templates(path, str(error)) from error
    separator = max(_SEPARATORS, key=lambda mark: len(set(_split(first, mark) or ()) & set(TEMPLATE_COLUMNS.known)))
    names = tuple(name.strip().lower() for name in _split(first, separator) or ())
    return names, total, _csv_rows(path, used, separator)


def _csv_rows(path: Path, encoding: str, separator: str) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Yield line, cells and problem. A wrong quotation mark spoils its own line, and no line is lost with it."""
    with path.open(encoding=encoding, errors="surrogateescape") as file:
        file.readline()
        number, waiting = 1, deque[str]()
        while waiting or (more := file.readline()):
            lines = [waiting.popleft() if waiting else more]
            if not lines[0].strip():
                number += 1
                continue
            while (
                "".join(lines).count('"') % 2 and len(lines) < _MOST_LINES and sum(map(len, lines)) < _MOST_CHARACTERS
            ):
                following = waiting.popleft() if waiting else file.readline()
                if not following:
                    break
                lines.append(following)
            start, text = number + 1, "".join(lines)
            cells = _split(text, separator)
            if cells is None or len(text) > _MOST_CHARACTERS:
                waiting.extendleft(reversed(lines[1:]))
                number += 1
                problem = "A quotation mark is not closed or stands in a wrong place, or the line is too long."
                yield start, (lines[0].rstrip("\n")[:_MOST_CHARACTERS],), problem
                continue
            number += len(lines)
            unreadable = any("\ud800" <= character <= "\udfff" for character in text)
            yield start, cells, f"The row has bytes that are not {encoding}." if unreadable else ""


def _split(text: str, separator: str) -> tuple[str, ...] | None:
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return tuple(rows[0]) if len(rows) == 1 else None


def _text(value: Any) -> str:
    """Return a value of Parquet or numpy as the text of a cell; bytes as base64."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return json.dumps([None if one is None else one for one in value])
    return str(value)


def _pickled(path: Path) -> Invalid:
    return Invalid(
        f"The file {path.name} is pickled. Reading it would run the program that it holds.",
        hint="Where it was made, write the numbers with numpy.save or numpy.savez, or as CSV.",
        code=ErrorCode.FILE_FORMAT,
    )


def _not_templates(path: Path, why: str) -> Invalid:
    return Invalid(
        f"The file {path.name} cannot be read: {why}.",
        hint="Save it as CSV, Parquet, .npz, or .npy with --people.",
        code=ErrorCode.FILE_FORMAT,
    )

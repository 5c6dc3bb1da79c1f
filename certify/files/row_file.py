"""Import the rows of a file about people: find the person of each row, carry out valid rows, quarantine the rest.

A chunk of rows is one transaction. Rows that would change nothing are skipped, so an import that was interrupted, or
whose file was corrected, can be repeated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.files.people_rows import BadRow
from certify.files.quarantine import Quarantine
from certify.files.table_file import Columns, Row, TableFile
from certify.people.national_id import normalise_id
from certify.service import Service, Unit
from certify.storage.people import people_by_number

CHUNK = 1_000
NAMING = ("visit", "national_id", "card_number")
"""Columns that can say whom a row is about."""

Progress = Callable[[int, int | None], None]
Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileReport:
    """The result of an import. ``rows`` is the sum of rows done, unchanged and quarantined."""

    rows: int
    done: int
    unchanged: int
    quarantined: int
    quarantine_path: Path | None


@dataclass(slots=True)
class ChunkResult:
    """What the import of one chunk did."""

    done: int = 0
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)


CarryOut = Callable[[Unit, Sequence[tuple[Row, Cells]]], ChunkResult]
"""Carries out the rows of one chunk in a transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSource:
    """A file to import.

    Attributes:
        path: the file.
        quarantine: path of the quarantine file; by default beside the file.
        encoding: encoding of a CSV file.
        actor: in whose name the changes are made.
    """

    path: Path
    quarantine: Path | None = None
    encoding: str = "utf-8"
    actor: str = "service"


def no_progress(_done: int, _total: int | None) -> None:
    """Show nothing."""


def import_rows(
    service: Service, source: ImportSource, columns: Columns, carry_out: CarryOut, progress: Progress
) -> FileReport:
    """Carry out the rows of a file, chunk by chunk.

    Args:
        service: the service.
        source: the file.
        columns: columns that the file may have and must have.
        carry_out: carries out the valid rows of one chunk.
        progress: called after every chunk with the number of rows done and the number of all rows.

    Raises:
        Invalid: nothing is changed, because the file cannot be read (``file_format``, ``file_encoding``), a column is
            unknown, missing, repeated or of a wrong type (``column_unknown``, ``column_missing``, ``column_twice``,
            ``column_type``), or the quarantine path cannot be used (``quarantine_path``).
    """
    table = TableFile(source.path, columns, encoding=source.encoding)
    if not set(NAMING) & set(columns.known) & set(table.header):
        hint = f"Known columns: {', '.join(columns.known)}."
        raise Invalid("The file does not say whom its rows are about.", hint=hint, code=ErrorCode.COLUMN_MISSING)
    return import_table(service, source, table, carry_out, progress)


class RowTable(Protocol):
    """A file that was opened: its columns, how many rows it may have, and the rows."""

    header: tuple[str, ...]

    def count(self) -> int:
        """Return the number of rows, or an upper bound."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield the rows in the order of the file."""
        ...


def import_table(
    service: Service, source: ImportSource, table: RowTable, carry_out: CarryOut, progress: Progress
) -> FileReport:
    """Carry out the rows of a file that was opened, chunk by chunk.

    Args:
        service: the service.
        source: the file.
        table: its rows.
        carry_out: carries out the valid rows of one chunk.
        progress: called after every chunk with the number of rows done and the number of all rows.

    Raises:
        Invalid: the quarantine path cannot be used (``quarantine_path``), or the file cannot be read to its end
            (``file_format``); the chunks before stay.
    """
    target = source.quarantine or source.path.with_name(f"{source.path.stem}.quarantine.csv")
    if target.exists() and target.samefile(source.path):
        raise Invalid("The quarantine file cannot be the file that is imported.", code=ErrorCode.QUARANTINE_PATH)
    total = table.count()
    rows = done = unchanged = 0
    with Quarantine(target, table.header) as bad_rows:
        read = table.rows()
        while batch := list(islice(read, CHUNK)):
            good = [(row, _cells(table.header, row)) for row in batch if not row.problem]
            with service.unit(source.actor) as unit:
                chunk = carry_out(unit, good)
            bad_rows.add(
                [*(BadRow(row, ErrorCode.ROW_UNREADABLE, row.problem) for row in batch if row.problem), *chunk.bad]
            )
            rows, done, unchanged = rows + len(batch), done + chunk.done, unchanged + chunk.unchanged
            progress(rows, max(total, rows))
        quarantined = bad_rows.count
    return FileReport(rows, done, unchanged, quarantined, target if quarantined else None)


def people_of(unit: Unit, rows: Sequence[tuple[Row, Cells]], result: ChunkResult) -> dict[int, UUID | None]:
    """Return the person of each row, by line.

    Args:
        unit: the transaction.
        rows: the rows of a chunk.
        result: rows with an invalid or unknown number are added to its ``bad`` rows.

    Returns:
        The person by line; None if the row has neither a national id nor a card number. Bad rows are omitted.
    """
    keys: dict[int, tuple[str, bytes] | None] = {}
    for row, cells in rows:
        try:
            keys[row.line] = _key(unit, cells)
        except Invalid as invalid:
            result.bad.append(BadRow(row, invalid.code, invalid.message))
    found = _find(unit, "national_id", keys) | _find(unit, "card", keys)
    people: dict[int, UUID | None] = {}
    for row, _ in rows:
        key = keys.get(row.line)
        if key is not None and key not in found:
            result.bad.append(BadRow(row, ErrorCode.BENEFICIARY_NOT_FOUND, "No person with this number is enrolled."))
        elif row.line in keys:
            people[row.line] = None if key is None else found[key]
    return people


def _key(unit: Unit, cells: Cells) -> tuple[str, bytes] | None:
    vault, fmt = unit.service.vault, unit.service.settings.national_id_format
    if number := cells.get("national_id"):
        return "national_id", vault.lookup_hash(unit.db, "national_id", normalise_id(number, fmt))
    if number := cells.get("card_number"):
        return "card", vault.lookup_hash(unit.db, "card", normalise_id(number))
    return None


def _find(unit: Unit, kind: str, keys: Mapping[int, tuple[str, bytes] | None]) -> dict[tuple[str, bytes], UUID]:
    hashes = [key[1] for key in keys.values() if key is not None and key[0] == kind]
    return {(kind, value): person for value, person in people_by_number(unit.db, kind, hashes).items()}


def _cells(header: Sequence[str], row: Row) -> Cells:
    texts = (unicodedata.normalize("NFC", cell).strip() for cell in row.cells)
    return dict(zip(header, texts, strict=True))

"""Import where people live, from a CSV file of the fund."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.doorstep.homes import Home, checked_home, set_homes
from certify.errors import Invalid
from certify.files.people_rows import QUARANTINE_COLUMNS, BadRow
from certify.files.row_file import (
    Cells,
    ChunkResult,
    FileReport,
    ImportSource,
    Progress,
    import_rows,
    no_progress,
    people_of,
)
from certify.files.table_file import Columns, Row
from certify.service import Service, Unit

HOME_COLUMNS = Columns(
    known=("national_id", "card_number", "address", "directions", "latitude", "longitude"),
    required=("address",),
    ignored=QUARANTINE_COLUMNS,
)


def import_homes(service: Service, source: ImportSource, *, progress: Progress = no_progress) -> FileReport:
    """Import homes from a file. A row replaces the whole stored home, with its directions and coordinates.

    Args:
        service: the service.
        source: the file.
        progress: called after every chunk of rows.

    Returns:
        How many rows were stored and quarantined.

    Raises:
        Invalid: the file, its columns or the quarantine path cannot be used. Then nothing is changed.
    """
    return import_rows(service, source, HOME_COLUMNS, partial(_carry_out, set()), progress)


def _carry_out(seen: set[UUID], unit: Unit, rows: Sequence[tuple[Row, Cells]]) -> ChunkResult:
    done = ChunkResult()
    people = people_of(unit, rows, done)
    homes: dict[UUID, Home] = {}
    for row, cells in rows:
        if row.line not in people:
            continue
        try:
            person = _new(people[row.line], seen)
            homes[person] = _home(cells)
        except Invalid as invalid:
            done.bad.append(BadRow(row, invalid.code, invalid.message))
        else:
            seen.add(person)
    done.done = len(set_homes(unit, homes))
    return done


def _new(person: UUID | None, seen: set[UUID]) -> UUID:
    if person is None:
        raise Invalid("The row names no person.", code=ErrorCode.PERSON_MISSING)
    if person in seen:
        raise Invalid("This person's home came in an earlier row.", code=ErrorCode.DUPLICATE_ROW)
    return person


def _home(cells: Cells) -> Home:
    latitude, longitude = (_degrees(cells, column) for column in ("latitude", "longitude"))
    return checked_home(Home(cells["address"], cells.get("directions", ""), latitude, longitude))


def _degrees(cells: Cells, column: str) -> float | None:
    text = cells.get(column, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise Invalid(f"'{column}' is not a number such as -23.5505.", code=ErrorCode.HOME_INVALID) from None

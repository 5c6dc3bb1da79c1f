"""Import contact details of people from a file of the fund."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError, Invalid
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
from certify.people.contact import contact_of, set_contact
from certify.service import Service, Unit

_CHANGES = ("phone", "email", "language", "reminders", "quiet_from", "quiet_to", "timezone")
CONTACT_COLUMNS = Columns(known=("national_id", "card_number", *_CHANGES), required=(), ignored=QUARANTINE_COLUMNS)
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def import_contacts(service: Service, source: ImportSource, *, progress: Progress = no_progress) -> FileReport:
    """Store the contact details of people. An empty cell changes nothing.

    Args:
        service: the service.
        source: the file.
        progress: called after every chunk with the number of rows done and the number of all rows.

    Raises:
        Invalid: the file, its columns or the quarantine path cannot be used. Nothing is changed then. The codes are
            those of ``import_rows``.
    """
    return import_rows(service, source, CONTACT_COLUMNS, _carry_out, progress)


def _carry_out(unit: Unit, rows: Sequence[tuple[Row, Cells]]) -> ChunkResult:
    result = ChunkResult()
    people = people_of(unit, rows, result)
    named = [(people[row.line], row, cells) for row, cells in rows if row.line in people]
    # People are always locked in the order of their ids. If a person has several rows, the last one counts.
    for person, row, cells in sorted(named, key=lambda entry: str(entry[0])):
        try:
            changed = _change(unit, person, cells)
        except CertifyError as error:
            result.bad.append(BadRow(row, error.code, error.message))
        else:
            result.done += changed
            result.unchanged += not changed
    return result


def _change(unit: Unit, person: UUID | None, cells: Cells) -> bool:
    """Store what a row says; return whether it differs from what was stored."""
    if person is None:
        raise Invalid("The row names no person.", code=ErrorCode.PERSON_MISSING)
    changes: dict[str, Any] = {name: cells[name] for name in _CHANGES if cells.get(name)}
    if "reminders" in changes:
        changes["reminders"] = _yes(changes["reminders"])
    for name in ("quiet_from", "quiet_to"):
        if name in changes:
            changes[name] = _hour(changes[name])
    return set_contact(unit, person, replace(contact_of(unit, person), **changes))


def _yes(text: str) -> bool:
    try:
        return _ANSWERS[text.lower()]
    except KeyError:
        raise Invalid("The column 'reminders' takes yes or no.", code=ErrorCode.CONTACT_INVALID) from None


def _hour(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Invalid("Quiet hours are whole numbers.", code=ErrorCode.CONTACT_INVALID) from None

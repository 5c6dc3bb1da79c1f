"""Import the terms of pensions that are stored already: a rise of the amount, an end of the award, a review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from certify.decision.determine import determine_many
from certify.domain.codec import digest
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.terms import Terms, read_terms, write_terms
from certify.errors import CertifyError, Invalid
from certify.files import terms_columns
from certify.files.people_rows import QUARANTINE_COLUMNS, BadRow, read_date
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
from certify.storage.dossiers import lock_people
from certify.storage.people import entitlements_of

TERMS_COLUMNS = Columns(
    known=("national_id", "card_number", "scheme", *terms_columns.COLUMNS),
    required=("scheme",),
    ignored=QUARANTINE_COLUMNS,
)
_FIELDS = {"monthly_amount": ("amounts", "currency"), "review_on": ("review_on", "permanent"), "currency": ()}


def import_terms(service: Service, source: ImportSource, *, progress: Progress = no_progress) -> FileReport:
    """State the terms of pensions. An empty cell changes nothing.

    Args:
        service: the service.
        source: the file.
        progress: called after every chunk with the number of rows done and the number of all rows.

    Raises:
        Invalid: the file, its columns or the quarantine path cannot be used. Nothing is changed then. The codes are
            those of ``import_rows``.
    """
    return import_rows(service, source, TERMS_COLUMNS, _carry_out, progress)


def _carry_out(unit: Unit, rows: Sequence[tuple[Row, Cells]]) -> ChunkResult:
    result = ChunkResult()
    people = people_of(unit, rows, result)
    named = [(person, row, cells) for row, cells in rows if (person := people.get(row.line)) is not None]
    lock_people(unit.db, {person for person, _, _ in named})
    changed: set[UUID] = set()
    for person, row, cells in named:
        try:
            if _change(unit, person, cells):
                changed.add(person)
                result.done += 1
            else:
                result.unchanged += 1
        except CertifyError as error:
            result.bad.append(BadRow(row, error.code, error.message))
    nameless = [row for row, _ in rows if row.line in people and people[row.line] is None]
    result.bad += [BadRow(row, ErrorCode.PERSON_MISSING, "The row names no person.") for row in nameless]
    unit.db.flush()
    determine_many(unit, changed)
    return result


def _change(unit: Unit, person: UUID, cells: Cells) -> bool:
    """Store what a row states of a pension; return whether it differs from what was stored."""
    pension = next((row for row in entitlements_of(unit.db, person) if row.scheme == cells["scheme"]), None)
    if pension is None:
        raise Invalid("The person has no pension of this scheme.", code=ErrorCode.UNKNOWN_SCHEME)
    stated = terms_columns.read_columns(cells, pension.starts_on, partial(read_date, dict(cells)))
    named = [field for column in terms_columns.COLUMNS if cells.get(column) for field in _FIELDS.get(column, (column,))]
    changes: dict[str, Any] = {name: getattr(stated, name) for name in named}
    before: Terms = read_terms(pension.terms)
    terms = write_terms(replace(before, **changes))
    if terms == pension.terms:
        return False
    pension.terms = terms
    unit.ledger(LedgerEvent.TERMS_STATED, person, entitlement=str(pension.id), terms=digest(terms).hex())
    return True

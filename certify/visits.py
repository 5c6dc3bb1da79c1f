"""Wishes for a visit at home: asked for by the person, seen by whoever plans the agents' days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from certify.determine import add_case
from certify.domain.schedule import latest_date
from certify.errors import Invalid, NotFound
from certify.service import Unit
from certify.storage.doorstep_tables import VisitRow
from certify.storage.people import get_beneficiary
from certify.storage.reviews import open_case_of

Part = Literal["morning", "afternoon"]

SOONEST, LATEST = timedelta(days=2), timedelta(days=60)
"""Days from today between which a visit can be wished for. A starting value; the agents' plan decides in the end."""
CASE = "visit"
"""Kind of the case by which somebody arranges the visit, as attempts used up open it."""


def ask_for_visit(unit: Unit, beneficiary_id: UUID, *, on: date, part: Part) -> VisitRow:
    """Note when a person wishes to be visited; a new wish takes the place of the last. Raises NotFound, Invalid."""
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    require_day(unit, on)
    known = visit_of(unit, beneficiary_id)
    if known is not None:
        if (known.wanted_on, known.part) == (on, part):
            return known
        _end(unit, known)
    row = VisitRow(
        id=unit.service.new_id(),
        beneficiary_id=beneficiary_id,
        state="asked",
        wanted_on=on,
        part=part,
        asked_at=unit.now,
    )
    unit.db.add(row)
    if open_case_of(unit.db, beneficiary_id, CASE) is None:
        add_case(unit, beneficiary_id, CASE, None)
    unit.db.flush()
    unit.ledger("visit_asked", beneficiary_id, visit=str(row.id))
    return row


def require_day(unit: Unit, on: date) -> None:
    """Refuse a day that is too soon or too far away. Raises Invalid (``visit_day``)."""
    today = latest_date(unit.now)
    if not today + SOONEST <= on <= today + LATEST:
        raise Invalid(
            "A visit cannot be planned for this day.",
            hint=f"Choose a day between {today + SOONEST} and {today + LATEST}.",
            code="visit_day",
        )


def cancel_visit(unit: Unit, beneficiary_id: UUID) -> None:
    """Take the wish back. Raises NotFound when there is none."""
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    row = visit_of(unit, beneficiary_id)
    if row is None:
        raise NotFound("No visit was asked for.", code="visit_not_found")
    _end(unit, row)
    unit.ledger("visit_cancelled", beneficiary_id, visit=str(row.id))


def visit_of(unit: Unit, beneficiary_id: UUID) -> VisitRow | None:
    """Return the visit a person has asked for and not had yet."""
    query = select(VisitRow).where(VisitRow.beneficiary_id == beneficiary_id, VisitRow.state == "asked")
    return unit.db.scalars(query.order_by(VisitRow.asked_at.desc()).limit(1)).one_or_none()


def _end(unit: Unit, row: VisitRow) -> None:
    row.state, row.ended_at = "cancelled", unit.now
    unit.db.flush()

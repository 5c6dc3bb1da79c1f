"""Wishes for a visit at home: asked for by the person, seen by whoever plans the agents' days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import func, select

from certify.decision.cases import ensure_case
from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.schedule import latest_date
from certify.domain.states import VisitState
from certify.errors import Invalid, NotFound
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import VisitRow

Part = Literal["morning", "afternoon"]

SOONEST, LATEST = timedelta(days=2), timedelta(days=60)
"""Days from today between which a visit can be wished for. A starting value; the agents' plan decides in the end."""
OPEN = (VisitState.ASKED, VisitState.PLANNED)
"""States of a visit that is not over. A person has one such visit at most, for whatever reasons."""


@dataclass(frozen=True, slots=True)
class ShownVisit:
    """A visit as the person sees it: the day planned, or else wished for."""

    wanted_on: date
    part: Part
    asked_at: datetime


def ask_for_visit(unit: Unit, beneficiary_id: UUID, *, on: date, part: Part, recognised: bool = True) -> VisitRow:
    """Note when a person wishes to be visited; a new wish takes the place of the last. Raises NotFound, Invalid.

    Where a visit is open for any other reason, the wish is put onto it: nobody is visited twice for two reasons. If it
    was planned for another day, it is planned anew. Whoever has shown neither face nor code nor letter (``recognised``)
    can wish for a day where there is none yet, but moves nothing that somebody else arranged.
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    require_day(unit, on)
    row = visit_of(unit, beneficiary_id, lock=True)
    if row is not None and (row.wanted_on, row.part) == (on, part):
        return row
    if row is not None and not recognised and (row.wanted_on or row.planned_on) is not None:
        return row
    if row is None:
        row = VisitRow(
            id=unit.service.new_id(),
            beneficiary_id=beneficiary_id,
            state=VisitState.ASKED,
            reason=VisitState.ASKED,
            asked_at=unit.now,
        )
        unit.db.add(row)
    row.wanted_on, row.part = on, part
    if row.planned_on not in (None, on):
        put_back(row)
    if row.reason == "asked":
        ensure_case(unit, beneficiary_id, CaseKind.VISIT)
    unit.db.flush()
    unit.ledger(LedgerEvent.VISIT_ASKED, beneficiary_id, visit=str(row.id))
    return row


def require_day(unit: Unit, on: date) -> None:
    """Refuse a day that is too soon or too far away. Raises Invalid (``visit_day``)."""
    today = latest_date(unit.now)
    if not today + SOONEST <= on <= today + LATEST:
        raise Invalid(
            "A visit cannot be planned for this day.",
            hint=f"Choose a day between {today + SOONEST} and {today + LATEST}.",
            code=ErrorCode.VISIT_DAY,
        )


def cancel_visit(unit: Unit, beneficiary_id: UUID) -> None:
    """Take the wish back. Raises NotFound when there is none.

    A visit that only the wish called for is called off; one needed for another reason loses the wish, and stays.
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    row = visit_of(unit, beneficiary_id, lock=True)
    if row is None or (row.reason != "asked" and row.wanted_on is None):
        raise NotFound("No visit was asked for.", code=ErrorCode.VISIT_NOT_FOUND)
    if row.reason == "asked":
        _end(unit, row)
        unit.ledger(LedgerEvent.VISIT_CANCELLED, beneficiary_id, visit=str(row.id))
        return
    row.wanted_on = row.part = None
    unit.db.flush()
    unit.ledger(LedgerEvent.VISIT_WISH_WITHDRAWN, beneficiary_id, visit=str(row.id))


def visit_of(unit: Unit, beneficiary_id: UUID, *, lock: bool = False) -> VisitRow | None:
    """Return the visit of a person that is asked for or planned and was not made yet, for whatever reason."""
    query = select(VisitRow).where(VisitRow.beneficiary_id == beneficiary_id, VisitRow.state.in_(OPEN))
    return unit.db.scalars(query.with_for_update() if lock else query).one_or_none()


def shown_visit(unit: Unit, row: VisitRow) -> ShownVisit | None:
    """Return a visit as the person sees it; None when it is neither wished for nor planned yet: that is for us to do.

    Of a planned one without a wish, the half of the day follows from its place in the agent's day, as the order stands.
    """
    on = row.planned_on if row.state == VisitState.PLANNED else row.wanted_on
    if on is None:
        return None
    return ShownVisit(on, cast("Part | None", row.part) or _half_of(unit, row), row.asked_at)


def put_back(row: VisitRow) -> None:
    """Take a visit out of an agent's day; it waits to be planned anew."""
    row.state, row.agent_id, row.planned_on, row.place = VisitState.ASKED, None, None, None


def end_visits_of(unit: Unit, beneficiary_id: UUID) -> Sequence[UUID]:
    """Call off what is open for a person who is erased: nobody is sent to them. Return the ids."""
    row = visit_of(unit, beneficiary_id, lock=True)
    if row is None:
        return []
    _end(unit, row)
    return [row.id]


def _half_of(unit: Unit, row: VisitRow) -> Part:
    day = select(func.count()).where(VisitRow.agent_id == row.agent_id, VisitRow.planned_on == row.planned_on)
    return "morning" if 2 * (row.place or 1) <= (unit.db.scalar(day) or 0) + 1 else "afternoon"


def _end(unit: Unit, row: VisitRow) -> None:
    row.state, row.ended_at = VisitState.CANCELLED, unit.now
    unit.db.flush()

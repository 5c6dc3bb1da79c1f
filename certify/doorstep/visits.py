"""Wishes for a visit at home: the person asks for a day, and supervisors see the wish when they plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from certify.decision.cases import ensure_case
from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.route import Part
from certify.domain.schedule import latest_date
from certify.domain.states import VisitState
from certify.errors import Invalid, NotFound
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import VisitRow
from certify.storage.visits import count_visits_on, visit_of

SOONEST, LATEST = timedelta(days=2), timedelta(days=60)
"""Days from today between which a person can wish for a visit. A starting value; the planning decides in the end."""


@dataclass(frozen=True, slots=True)
class ShownVisit:
    """A visit as the person sees it: the planned day, or the wished one when none is planned."""

    wanted_on: date
    part: Part
    asked_at: datetime


def ask_for_visit(unit: Unit, beneficiary_id: UUID, *, on: date, part: Part, recognised: bool = True) -> VisitRow:
    """Record the day on which a person wishes to be visited; it replaces an earlier wish.

    If a visit is open for another reason, the wish is added to it, so that one visit serves both reasons. If it is
    planned for another day, it is planned again.

    Args:
        unit: the transaction.
        beneficiary_id: id of the person.
        on: the day.
        part: the half of the day.
        recognised: whether the caller proved by face, code or letter that they act for the person. Otherwise they can
            wish for a day where there is none yet, but change nothing that was arranged before.

    Returns:
        The open visit.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Invalid: the day is too soon or too far away (``visit_day``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    require_day(unit, on)
    row = visit_of(unit.db, beneficiary_id, lock=True)
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
        unplan(row)
    if row.reason == "asked":
        ensure_case(unit, beneficiary_id, CaseKind.VISIT)
    unit.db.flush()
    unit.ledger(LedgerEvent.VISIT_ASKED, beneficiary_id, visit=str(row.id))
    return row


def require_day(unit: Unit, on: date) -> None:
    """Refuse a day that is too soon or too far away.

    Args:
        unit: the transaction.
        on: the day that is wished for.

    Raises:
        Invalid: the day is not between ``SOONEST`` and ``LATEST`` from today (``visit_day``).
    """
    today = latest_date(unit.now)
    if not today + SOONEST <= on <= today + LATEST:
        raise Invalid(
            "A visit cannot be planned for this day.",
            hint=f"Choose a day between {today + SOONEST} and {today + LATEST}.",
            code=ErrorCode.VISIT_DAY,
        )


def cancel_visit(unit: Unit, beneficiary_id: UUID) -> None:
    """Take the wish of a person back.

    A visit that was needed only because of the wish is cancelled. A visit that is needed for another reason stays, and
    loses the wish.

    Args:
        unit: the transaction.
        beneficiary_id: id of the person.

    Raises:
        NotFound: no such person (``beneficiary_not_found``), or no wish is open (``visit_not_found``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    row = visit_of(unit.db, beneficiary_id, lock=True)
    if row is None or (row.reason != "asked" and row.wanted_on is None):
        raise NotFound("No visit was asked for.", code=ErrorCode.VISIT_NOT_FOUND)
    if row.reason == "asked":
        _end(unit, row)
        unit.ledger(LedgerEvent.VISIT_CANCELLED, beneficiary_id, visit=str(row.id))
        return
    row.wanted_on = row.part = None
    unit.db.flush()
    unit.ledger(LedgerEvent.VISIT_WISH_WITHDRAWN, beneficiary_id, visit=str(row.id))


def shown_visit(unit: Unit, row: VisitRow) -> ShownVisit | None:
    """Return a visit as the person sees it.

    A visit that is neither wished for nor planned yet is not shown: the service still has to arrange it. If a visit is
    planned without a wish, its half of the day follows from its place in the agent's day, as the order is now.

    Args:
        unit: the transaction.
        row: an open visit.

    Returns:
        The visit; None when it is not shown.
    """
    on = row.planned_on if row.state == VisitState.PLANNED else row.wanted_on
    if on is None:
        return None
    return ShownVisit(on, cast("Part | None", row.part) or _half_of(unit, row), row.asked_at)


def unplan(row: VisitRow) -> None:
    """Take a visit out of an agent's day; it waits to be planned again."""
    row.state, row.agent_id, row.planned_on, row.place = VisitState.ASKED, None, None, None


def end_visits_of(unit: Unit, beneficiary_id: UUID) -> Sequence[UUID]:
    """Cancel the open visit of a person who is erased; return the ids of what was cancelled."""
    row = visit_of(unit.db, beneficiary_id, lock=True)
    if row is None:
        return []
    _end(unit, row)
    return [row.id]


def _half_of(unit: Unit, row: VisitRow) -> Part:
    visits = count_visits_on(unit.db, row.agent_id, row.planned_on)
    return "morning" if 2 * (row.place or 1) <= visits + 1 else "afternoon"


def _end(unit: Unit, row: VisitRow) -> None:
    row.state, row.ended_at = VisitState.CANCELLED, unit.now
    unit.db.flush()

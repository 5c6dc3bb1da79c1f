"""Find visits at home by person, agent and day, and lock those that a planning moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.domain.case_kinds import CaseKind
from certify.domain.states import CaseState, VisitReason, VisitState
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.doorstep import AgentRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow

OPEN = (VisitState.ASKED, VisitState.PLANNED)
"""States of a visit that is not over. A person has one such visit at most, for all reasons together."""

WAIT_FOR_OFFICER = (CaseKind.VISIT_NOT_FOUND, CaseKind.VISIT_MOVED, CaseKind.VISIT_REFUSED)
"""Kinds of review cases about a visit that was made. Until an officer has decided one, the person is visited again only
if they ask for it."""

_OPEN_INDEX = text("state in ('asked', 'planned')")
"""The condition of the index of open visits, word for word. If it had parameters, PostgreSQL would not find the index
once the statement is prepared; the driver prepares a statement from its sixth execution on."""


def waits_for_officer() -> ColumnElement[bool]:
    """Return the condition that an officer still has to decide about the person's last visit."""
    case = ReviewCaseRow
    return exists().where(
        case.beneficiary_id == BeneficiaryRow.id, case.state == CaseState.OPEN, case.kind.in_(WAIT_FOR_OFFICER)
    )


class PlanRow(NamedTuple):
    """A visit in the exported plan, with the badge of its agent and the person."""

    visit: VisitRow
    badge: str | None
    person: BeneficiaryRow


class DayLoad(NamedTuple):
    """How full an agent's day is: how many visits are planned, and the last place that one has (0 for none)."""

    visits: int
    last_place: int


def visit_of(db: Session, beneficiary_id: UUID, *, lock: bool = False) -> VisitRow | None:
    """Return the open visit of a person, for whatever reason it is needed; None when there is none."""
    query = select(VisitRow).where(VisitRow.beneficiary_id == beneficiary_id, VisitRow.state.in_(OPEN))
    return db.scalars(query.with_for_update() if lock else query).one_or_none()


def open_visits_of(db: Session, people: Collection[UUID]) -> dict[UUID, VisitRow]:
    """Return the open visits of many people, by person."""
    query = select(VisitRow).where(VisitRow.beneficiary_id.in_(people), VisitRow.state.in_(OPEN))
    return {row.beneficiary_id: row for row in db.scalars(query)}


def count_visits_on(db: Session, agent_id: UUID | None, day: date | None) -> int:
    """Count the visits of an agent on a day, in any state."""
    query = select(func.count()).where(VisitRow.agent_id == agent_id, VisitRow.planned_on == day)
    return db.scalar(query) or 0


def visits_of_agent(db: Session, agent_id: UUID, first_day: date, last_day: date) -> Sequence[VisitRow]:
    """Return the visits of an agent on these days that are planned, made or missed, by day and place; 300 at most."""
    query = (
        select(VisitRow)
        .where(
            VisitRow.agent_id == agent_id,
            VisitRow.state.in_((VisitState.PLANNED, VisitState.MADE, VisitState.MISSED)),
            VisitRow.planned_on.between(first_day, last_day),
        )
        .order_by(VisitRow.planned_on, VisitRow.place, VisitRow.id)
    )
    return db.scalars(query.limit(300)).all()


def lock_planned_of_agent(db: Session, agent_id: UUID) -> Sequence[VisitRow]:
    """Lock all visits that are planned for an agent, and return them."""
    query = select(VisitRow).where(VisitRow.agent_id == agent_id, VisitRow.state == VisitState.PLANNED)
    return db.scalars(query.with_for_update()).all()


def lock_late_visits(db: Session, before: date) -> Sequence[VisitRow]:
    """Lock the visits that were planned for a day before this one and not made, and return them."""
    query = select(VisitRow).where(VisitRow.state == VisitState.PLANNED, VisitRow.planned_on < before)
    return db.scalars(query.order_by(VisitRow.id).with_for_update()).all()


def lock_planned_visits(db: Session, first_day: date, end: date) -> Sequence[VisitRow]:
    """Lock the visits that are planned from a day on and before another, and return them."""
    query = select(VisitRow).where(
        VisitRow.state == VisitState.PLANNED, VisitRow.planned_on >= first_day, VisitRow.planned_on < end
    )
    return db.scalars(query.order_by(VisitRow.id).with_for_update()).all()


def lock_visits_to_plan(db: Session) -> Sequence[VisitRow]:
    """Lock the visits that can be planned now, and return them.

    A visit waits while an officer decides about the last visit, unless the person wishes for it. A second visit does
    not wait: otherwise the agent whom it checks could delay it by what they report.
    """
    query = select(VisitRow).join(BeneficiaryRow, BeneficiaryRow.id == VisitRow.beneficiary_id)
    query = query.where(
        VisitRow.state == VisitState.ASKED,
        BeneficiaryRow.erased_at.is_(None),
        or_(VisitRow.wanted_on.is_not(None), VisitRow.reason == VisitReason.RECHECK, ~waits_for_officer()),
    )
    return db.scalars(query.order_by(VisitRow.id).with_for_update(of=VisitRow)).all()


def lock_visits_or_open_of(db: Session, ids: Collection[UUID], people: Collection[UUID]) -> Sequence[VisitRow]:
    """Lock the visits with these ids, in any state, and the open visits of these people; return them."""
    query = select(VisitRow).where(
        or_(VisitRow.id.in_(ids), and_(VisitRow.beneficiary_id.in_(people), VisitRow.state.in_(OPEN)))
    )
    return db.scalars(query.order_by(VisitRow.id).with_for_update()).all()


def add_visits(db: Session, rows: Sequence[Mapping[str, Any]]) -> list[tuple[UUID, UUID]]:
    """Store open visits, except for people who have one; return visit and person of each that is new."""
    new = insert(VisitRow).values(list(rows))
    new = new.on_conflict_do_nothing(index_elements=[VisitRow.beneficiary_id], index_where=_OPEN_INDEX)
    return list(db.execute(new.returning(VisitRow.id, VisitRow.beneficiary_id)))


def load_of_days(
    db: Session, agents: Collection[UUID], days: Collection[date]
) -> dict[tuple[UUID | None, date | None], DayLoad]:
    """Return how full the days of agents are, by agent and day; days without a planned visit are left out."""
    query = select(VisitRow.agent_id, VisitRow.planned_on, func.count(), func.max(VisitRow.place)).where(
        VisitRow.state == VisitState.PLANNED, VisitRow.agent_id.in_(agents), VisitRow.planned_on.in_(days)
    )
    rows = db.execute(query.group_by(VisitRow.agent_id, VisitRow.planned_on))
    return {(agent, day): DayLoad(visits, last or 0) for agent, day, visits, last in rows}


def plan_rows(
    db: Session, states: Collection[str], *, first_day: date | None, last_day: date | None
) -> Sequence[PlanRow]:
    """Return visits to people who are not erased: by day, agent and place, then those without a day.

    Args:
        db: the session.
        states: states of the visits.
        first_day: planned ones only from this day on; None for no bound.
        last_day: planned ones only up to this day; None for no bound.

    Returns:
        The visits, each with its agent's badge and the person.
    """
    query = (
        select(VisitRow, AgentRow.badge, BeneficiaryRow)
        .join(BeneficiaryRow, BeneficiaryRow.id == VisitRow.beneficiary_id)
        .outerjoin(AgentRow, AgentRow.id == VisitRow.agent_id)
        .where(VisitRow.state.in_(states), BeneficiaryRow.erased_at.is_(None))
        .order_by(VisitRow.planned_on.nulls_last(), AgentRow.badge, VisitRow.place, VisitRow.asked_at, VisitRow.id)
    )
    if first_day is not None:
        query = query.where(or_(VisitRow.state == VisitState.ASKED, VisitRow.planned_on >= first_day))
    if last_day is not None:
        query = query.where(or_(VisitRow.state == VisitState.ASKED, VisitRow.planned_on <= last_day))
    return [PlanRow(*row) for row in db.execute(query)]

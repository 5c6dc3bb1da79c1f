"""Count visits and capacity for the figures of the backlog."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certify.domain.states import AgentState, VisitState
from certify.storage.tables.doorstep import AgentRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.visits import OPEN


class RegionCount(NamedTuple):
    """How many visits of a state there are in a region; an unknown region is ""."""

    region: str
    state: str
    visits: int


def capacity_by_area(db: Session) -> dict[str, int]:
    """Return how many visits a day the working agents of each area can make."""
    query = select(AgentRow.area, func.sum(AgentRow.capacity)).where(AgentRow.state == AgentState.ACTIVE)
    return {area: int(capacity) for area, capacity in db.execute(query.group_by(AgentRow.area))}


def count_by_region(db: Session, days: Collection[date]) -> list[RegionCount]:
    """Count the visits that were asked for, and those planned on these days, by region and state."""
    region = func.coalesce(BeneficiaryRow.region, "")
    query = (
        select(region, VisitRow.state, func.count())
        .join(BeneficiaryRow, BeneficiaryRow.id == VisitRow.beneficiary_id)
        .where(
            (VisitRow.state == VisitState.ASKED)
            | ((VisitRow.state == VisitState.PLANNED) & VisitRow.planned_on.in_(days))
        )
        .group_by(region, VisitRow.state)
    )
    return [RegionCount(*row) for row in db.execute(query)]


def count_by_reason(db: Session) -> dict[str, int]:
    """Count the open visits by reason, in the order of the reasons."""
    query = select(VisitRow.reason, func.count()).where(VisitRow.state.in_(OPEN)).group_by(VisitRow.reason)
    return dict(sorted(db.execute(query).all()))


def count_planned_by_day(db: Session, days: Collection[date]) -> dict[date | None, int]:
    """Count the visits planned on these days, by day; days without a visit are left out."""
    query = select(VisitRow.planned_on, func.count()).where(
        VisitRow.state == VisitState.PLANNED, VisitRow.planned_on.in_(days)
    )
    return dict(db.execute(query.group_by(VisitRow.planned_on)).all())


def count_asked_by_day(db: Session) -> list[tuple[datetime, int]]:
    """Count the visits without a day, by the day (UTC) on which they were asked for."""
    day = func.date_trunc("day", VisitRow.asked_at, "UTC")
    query = select(day, func.count()).where(VisitRow.state == VisitState.ASKED).group_by(day)
    return [(asked_on, visits) for asked_on, visits in db.execute(query)]

"""How many visits wait, and how many can be made: what whoever hires and sends agents wants to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from certify.domain.states import AgentState, VisitState
from certify.doorstep.calendar import today_of
from certify.doorstep.planning import WORKDAYS, working_days
from certify.doorstep.visits import OPEN
from certify.service import Unit
from certify.storage.tables.doorstep import AgentRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow

NO_AGENT = "no agent"
"""Stands for the areas in which nobody works."""

WAITS: tuple[tuple[str, int | None], ...] = (
    ("up to 1 week", 7),
    ("1 to 2 weeks", 14),
    ("2 to 4 weeks", 28),
    ("4 to 8 weeks", 56),
    ("longer", None),
)
"""How waiting is shown: a name, and below how many days."""


@dataclass(frozen=True, slots=True)
class AreaLoad:
    """An agents' area: visits asked for without a day, planned on the days shown, and what can be made on them."""

    area: str
    asked: int
    planned: int
    capacity: int


@dataclass(frozen=True, slots=True)
class DayLoad:
    """A working day: visits planned, and what all agents can make."""

    day: date
    planned: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """The figures. ``reasons``: open visits by why they are needed. ``waits``: those without a day, by how long."""

    as_of: date
    days: Sequence[DayLoad]
    areas: Sequence[AreaLoad]
    reasons: Mapping[str, int]
    waits: Mapping[str, int]

    @property
    def asked(self) -> int:
        """Return how many have no day."""
        return sum(load.asked for load in self.areas)


def backlog(unit: Unit, first_day: date, days: int, *, workdays: Collection[int] = WORKDAYS) -> Backlog:
    """Return the figures for the working days among so many calendar days from the first on.

    A person's visits count in the longest area that fits where they live; agents of a wider area may come too.
    """
    every = working_days(first_day, days, workdays)
    agents = select(AgentRow.area, func.sum(AgentRow.capacity)).where(AgentRow.state == AgentState.ACTIVE)
    capacity = {area: int(number) for area, number in unit.db.execute(agents.group_by(AgentRow.area))}
    asked, planned = _by_area(unit, every, capacity)
    reasons = select(VisitRow.reason, func.count()).where(VisitRow.state.in_(OPEN)).group_by(VisitRow.reason)
    on_day = _planned_by_day(unit, every)
    return Backlog(
        as_of=today_of(unit),
        days=[DayLoad(day, on_day.get(day, 0), sum(capacity.values())) for day in every],
        areas=[
            AreaLoad(area, asked[area], planned[area], capacity.get(area, 0) * len(every))
            for area in sorted({*capacity, *asked, *planned})
        ],
        reasons=dict(sorted(unit.db.execute(reasons).all())),
        waits=_waits(unit),
    )


def _by_area(unit: Unit, days: Sequence[date], capacity: Collection[str]) -> tuple[Counter[str], Counter[str]]:
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
    asked: Counter[str] = Counter()
    planned: Counter[str] = Counter()
    longest_first = sorted(capacity, key=len, reverse=True)
    for place, state, number in unit.db.execute(query):
        area = next((area for area in longest_first if place.startswith(area)), NO_AGENT)
        (asked if state == VisitState.ASKED else planned)[area] += number
    return asked, planned


def _planned_by_day(unit: Unit, days: Sequence[date]) -> dict[date | None, int]:
    query = select(VisitRow.planned_on, func.count()).where(
        VisitRow.state == VisitState.PLANNED, VisitRow.planned_on.in_(days)
    )
    return dict(unit.db.execute(query.group_by(VisitRow.planned_on)).all())


def _waits(unit: Unit) -> dict[str, int]:
    found = dict.fromkeys((name for name, _ in WAITS), 0)
    day = func.date_trunc("day", VisitRow.asked_at, "UTC")
    query = select(day, func.count()).where(VisitRow.state == VisitState.ASKED).group_by(day)
    for asked_on, number in unit.db.execute(query):
        waited = unit.now - asked_on
        found[next(name for name, limit in WAITS if limit is None or waited < timedelta(days=limit))] += number
    return found

"""The backlog of visits against the capacity of agents, for staffing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from certify.domain.states import VisitState
from certify.doorstep.calendar import today_of
from certify.doorstep.planning import WORKDAYS, working_days
from certify.service import Unit
from certify.storage.backlog import (
    capacity_by_area,
    count_asked_by_day,
    count_by_reason,
    count_by_region,
    count_planned_by_day,
)

NO_AGENT = "no agent"
"""Stands for all areas in which no agent works."""

WAITS: tuple[tuple[str, int | None], ...] = (
    ("up to 1 week", 7),
    ("1 to 2 weeks", 14),
    ("2 to 4 weeks", 28),
    ("4 to 8 weeks", 56),
    ("longer", None),
)
"""Groups of waiting times: a name, and the number of days that the wait stays below."""


@dataclass(frozen=True, slots=True)
class AreaLoad:
    """The load of an agents' area.

    Attributes:
        area: the area.
        asked: visits without a day.
        planned: visits planned on the days shown.
        capacity: visits that can be made on the days shown.
    """

    area: str
    asked: int
    planned: int
    capacity: int


@dataclass(frozen=True, slots=True)
class DayLoad:
    """The load of a working day: visits that are planned, and visits that all agents together can make."""

    day: date
    planned: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """The figures of the backlog.

    Attributes:
        as_of: the day of the figures.
        days: each working day shown.
        areas: each area with agents or visits.
        reasons: open visits, by the reason why they are needed.
        waits: visits without a day, by how long they have waited.
    """

    as_of: date
    days: Sequence[DayLoad]
    areas: Sequence[AreaLoad]
    reasons: Mapping[str, int]
    waits: Mapping[str, int]

    @property
    def asked(self) -> int:
        """Return how many visits have no day."""
        return sum(load.asked for load in self.areas)


def backlog(unit: Unit, first_day: date, days: int, *, workdays: Collection[int] = WORKDAYS) -> Backlog:
    """Return the figures for the working days of a period.

    A visit counts in the longest area that fits the region where the person lives; agents of a wider area may come too.

    Args:
        unit: the transaction; it is only read.
        first_day: the first day of the period.
        days: calendar days in the period.
        workdays: days of the week on which agents work; Monday is 0.

    Returns:
        The figures.
    """
    every = working_days(first_day, days, workdays)
    capacity = capacity_by_area(unit.db)
    asked, planned = _by_area(unit, every, capacity)
    reasons = count_by_reason(unit.db)
    on_day = count_planned_by_day(unit.db, every)
    return Backlog(
        as_of=today_of(unit),
        days=[DayLoad(day, on_day.get(day, 0), sum(capacity.values())) for day in every],
        areas=[
            AreaLoad(area, asked[area], planned[area], capacity.get(area, 0) * len(every))
            for area in sorted({*capacity, *asked, *planned})
        ],
        reasons=reasons,
        waits=_waits(unit),
    )


def _by_area(unit: Unit, days: Sequence[date], capacity: Collection[str]) -> tuple[Counter[str], Counter[str]]:
    asked: Counter[str] = Counter()
    planned: Counter[str] = Counter()
    longest_first = sorted(capacity, key=len, reverse=True)
    for region, state, visits in count_by_region(unit.db, days):
        area = next((area for area in longest_first if region.startswith(area)), NO_AGENT)
        (asked if state == VisitState.ASKED else planned)[area] += visits
    return asked, planned


def _waits(unit: Unit) -> dict[str, int]:
    waits = dict.fromkeys((name for name, _ in WAITS), 0)
    for asked_on, visits in count_asked_by_day(unit.db):
        waited = unit.now - asked_on
        waits[next(name for name, limit in WAITS if limit is None or waited < timedelta(days=limit))] += visits
    return waits

"""The plan of visits: which agent makes which visit on which day.

Areas and capacities limit it; urgent visits come first, and neighbours stay together. The plan is greedy, not the best
possible one: one sentence explains it, it takes seconds for tens of thousands of visits, and it stays nearly the same
when one agent falls ill. The same needs, workers and days give the same plan, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import heapify, heappop, heappush
from itertools import groupby
from typing import Literal

from certify.domain.route import Part, Point, Stop, distance_m, point_of, route

Why = Literal["no_agent", "no_room", "later"]
"""Why a visit is not assigned: no agent works there (or may make this visit), all days are full, or the day that was
wished for comes after the last one planned."""

TOGETHER = timedelta(days=7)
"""A person who has waited longer by less than this does not come before a neighbour. A starting value, not measured: a
week of waiting against a detour."""
UNEVEN = 2
"""Number of visits by which an agent's day may be fuller than another's, to bring a wished-for visit near others. A
starting value."""

_COMPARED = 100
"""Largest number of needs that are compared for distance at each step, which bounds the time. Measured on one core with
50,000 needs, 300 agents and 10 days: 12 s in a hundred areas, 73 s when all are in one area."""
_SEEDS = 30
_COMPACT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitNeed:
    """A visit that a person needs.

    Attributes:
        visit: id of the visit.
        person: id of the person.
        area: where the person lives; it begins with the area of the workers who may come.
        since: the date since which the visit is needed.
        wanted_on: the day that the person wishes for.
        part: the half of that day that the person wishes for.
        urgency: higher comes first; of equals the earlier ``since``.
        latitude: degrees, WGS 84.
        longitude: degrees, WGS 84.
        not_by: the agent who must not make the visit.
    """

    visit: str
    person: str
    area: str
    since: date
    wanted_on: date | None = None
    part: Part | None = None
    urgency: int = 0
    latitude: float | None = None
    longitude: float | None = None
    not_by: str | None = None

    @property
    def stop(self) -> Stop:
        """Return the visit as a stop of a day."""
        return Stop(self.visit, self.part, self.latitude, self.longitude)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """An agent who makes visits.

    Attributes:
        agent: id of the agent.
        area: the beginning of the areas in which the agent works; empty means everywhere.
        capacity: number of visits a day.
        latitude: degrees, WGS 84, of the place where the agent's days begin.
        longitude: degrees, WGS 84, of that place.
    """

    agent: str
    area: str
    capacity: int
    latitude: float | None = None
    longitude: float | None = None

    @property
    def base(self) -> Point | None:
        """Return where the agent's days begin, if it is known."""
        return point_of(self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """A visit that is planned already; its agent and day stay."""

    agent: str
    day: date
    stop: Stop


@dataclass(frozen=True, slots=True, order=True)
class Assigned:
    """A visit with its agent, day, and place in that day, counted from 1."""

    day: date
    agent: str
    place: int
    visit: str


@dataclass(frozen=True, slots=True, order=True)
class Unassigned:
    """A visit that could not be assigned, and why."""

    visit: str
    reason: Why


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """The result of ``assign``.

    Attributes:
        assigned: the newly assigned visits.
        shifted: visits that were planned before, on days that got more visits, with their new places.
        unassigned: the visits that could not be assigned.
    """

    assigned: tuple[Assigned, ...]
    shifted: tuple[Assigned, ...]
    unassigned: tuple[Unassigned, ...]


def assign(
    needs: Iterable[VisitNeed], workers: Iterable[Worker], days: Iterable[date], planned: Iterable[PlannedVisit] = ()
) -> VisitPlan:
    """Give each needed visit an agent and a day.

    Wishes come first: on the day wished for if there is room, else on the next day with room. Then each day is filled,
    always by the agent whose day is emptiest: the most urgent visit that has waited longest, and among equals the one
    nearest to the agent's other visits of that day. Wishes for a half of the day fill half of the capacity at most.

    Args:
        needs: the visits that are needed, in any order.
        workers: the agents.
        days: the days to plan.
        planned: visits that are planned already; those of other days or agents do not count.

    Returns:
        The plan.

    Raises:
        ValueError: a visit or an agent comes twice.
    """
    return _Planning(list(needs), list(workers), sorted(set(days)), list(planned)).plan()


@dataclass(slots=True)
class _Round:
    """The day of one worker, as it fills."""

    worker: Worker
    day: date
    stops: list[Stop] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    # By visit: metres to the nearest point, and how many points were compared.
    near: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, stop: Stop) -> None:
        self.stops.append(stop)
        if stop.point is not None:
            self.points.append(stop.point)

    def may(self, need: VisitNeed) -> bool:
        capacity = self.worker.capacity
        if len(self.stops) >= capacity or need.not_by == self.worker.agent:
            return False
        return need.part is None or sum(stop.part == need.part for stop in self.stops) < -(-capacity // 2)

    @property
    def fullness(self) -> float:
        return len(self.stops) / self.worker.capacity

    def metres_to(self, need: VisitNeed, point: Point) -> float:
        """Return the distance from a need to the nearest stop of this day, or to the base when there is none yet."""
        if not self.points:
            return distance_m(self.worker.base, point) if self.worker.base else 0.0
        metres, seen = self.near.get(need.visit, (float("inf"), 0))
        metres = min((metres, *(distance_m(other, point) for other in self.points[seen:])))
        self.near[need.visit] = (metres, len(self.points))
        return metres


class _Planning:
    """The work of making one plan."""

    def __init__(
        self,
        needs: Sequence[VisitNeed],
        workers: Sequence[Worker],
        days: Sequence[date],
        planned: Sequence[PlannedVisit],
    ) -> None:
        _refuse_twice([*(need.visit for need in needs), *(entry.stop.visit for entry in planned)], "visit")
        _refuse_twice([worker.agent for worker in workers], "agent")
        self._needs = sorted(needs, key=lambda need: (-need.urgency, need.since, need.visit))
        self._workers = sorted(workers, key=lambda worker: worker.agent)
        self._days = days
        self._rounds = {(day, worker.agent): _Round(worker, day) for day in days for worker in self._workers}
        for entry in sorted(planned, key=lambda entry: entry.stop.visit):
            if (tour := self._rounds.get((entry.day, entry.agent))) is not None:
                tour.add(entry.stop)
        self._new: dict[str, tuple[date, str]] = {}
        self._of_area: dict[str, list[Worker]] = {}

    def plan(self) -> VisitPlan:
        later = [Unassigned(need.visit, "later") for need in self._needs if self._is_later(need)]
        waiting = [need for need in self._needs if not self._is_later(need)]
        for need in waiting:
            if need.wanted_on is not None:
                self._assign_wished_day(need)
        self._assign_earliest([need for need in waiting if need.wanted_on is None])
        without = [self._unassigned(need) for need in waiting if need.visit not in self._new]
        assigned, shifted = self._places()
        return VisitPlan(tuple(sorted(assigned)), tuple(sorted(shifted)), tuple(sorted([*without, *later])))

    def _is_later(self, need: VisitNeed) -> bool:
        return need.wanted_on is not None and bool(self._days) and need.wanted_on > self._days[-1]

    def _workers_for(self, need: VisitNeed) -> list[Worker]:
        if need.area not in self._of_area:
            self._of_area[need.area] = [worker for worker in self._workers if need.area.startswith(worker.area)]
        return [worker for worker in self._of_area[need.area] if worker.agent != need.not_by]

    def _unassigned(self, need: VisitNeed) -> Unassigned:
        return Unassigned(need.visit, "no_room" if self._workers_for(need) else "no_agent")

    def _take(self, tour: _Round, need: VisitNeed) -> None:
        tour.add(need.stop)
        self._new[need.visit] = (tour.day, tour.worker.agent)

    def _assign_wished_day(self, need: VisitNeed) -> None:
        """Give a need the day wished for, or the next one with room."""
        workers = self._workers_for(need)
        for day in self._days:
            if need.wanted_on is not None and day < need.wanted_on:
                continue
            free = [tour for worker in workers if (tour := self._rounds[day, worker.agent]).may(need)]
            if free:
                fewest = min(len(tour.stops) for tour in free)
                even = [tour for tour in free if len(tour.stops) <= fewest + UNEVEN]
                point = need.stop.point
                self._take(
                    min(
                        even,
                        key=lambda tour: (
                            tour.metres_to(need, point) if point and (tour.points or tour.worker.base) else 0.0,
                            tour.fullness,
                            tour.worker.agent,
                        ),
                    ),
                    need,
                )
                return

    def _assign_earliest(self, needs: Sequence[VisitNeed]) -> None:
        """Give needs without a wish the earliest room that is free."""
        areas = {worker.area for worker in self._workers}
        pools = {area: [need for need in needs if need.area.startswith(area)] for area in areas}
        for day in self._days:
            rounds = [self._rounds[day, worker.agent] for worker in self._workers if worker.capacity > 0]
            seeds: dict[str, list[Point]] = {}
            heap = [(tour.fullness, tour.worker.agent) for tour in rounds]
            heapify(heap)
            while heap:
                _, agent = heappop(heap)
                tour = self._rounds[day, agent]
                area = tour.worker.area
                need = self._choose(tour, pools[area], seeds.setdefault(area, []))
                if need is None:
                    continue  # nothing for this agent on this day, and later steps add nothing
                if not tour.points and need.stop.point is not None:
                    seeds[area].append(need.stop.point)
                self._take(tour, need)
                heappush(heap, (tour.fullness, agent))

    def _choose(self, tour: _Round, pool: list[VisitNeed], seeds: Sequence[Point]) -> VisitNeed | None:
        alike = list(self._equally_urgent(tour, pool))
        known = [(need, point) for need in alike if (point := need.stop.point) is not None]
        if not known:
            return alike[0] if alike else None
        if tour.points or tour.worker.base:
            return min(known, key=lambda pair: tour.metres_to(*pair))[0]
        if not seeds:
            return known[0][0]
        # A day without a base begins far from the other agents' days in the area, so that they do not all go one way.
        return max(known, key=lambda pair: min(distance_m(seed, pair[1]) for seed in seeds[-_SEEDS:]))[0]

    def _equally_urgent(self, tour: _Round, pool: list[VisitNeed]) -> Iterator[VisitNeed]:
        """Yield the need that comes first for this day, and all that are as urgent and have waited as long (a week)."""
        first, number, placed = None, 0, 0
        for need in pool:
            if need.visit in self._new:
                placed += 1
            elif tour.may(need):
                first = first or need
                if need.urgency != first.urgency or need.since - first.since > TOGETHER or number >= _COMPARED:
                    break
                number += 1
                yield need
        if placed > _COMPACT:
            pool[:] = [need for need in pool if need.visit not in self._new]

    def _places(self) -> tuple[list[Assigned], list[Assigned]]:
        assigned: list[Assigned] = []
        shifted: list[Assigned] = []
        for day, agent in sorted(set(self._new.values())):
            tour = self._rounds[day, agent]
            for place, stop in enumerate(route(tour.stops, tour.worker.base), 1):
                entry = Assigned(day, agent, place, stop.visit)
                (assigned if stop.visit in self._new else shifted).append(entry)
        return assigned, shifted


def _refuse_twice(names: Iterable[str], what: str) -> None:
    twice = [name for name, same in groupby(sorted(names)) if len(list(same)) > 1]
    if twice:
        raise ValueError(f"a {what} comes twice: {', '.join(twice[:5])}")

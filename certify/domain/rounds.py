"""Who makes which visit on which day: by area and capacity, the urgent first, neighbours together.

A greedy plan, not the best possible one: it is explained in a sentence, takes seconds for tens of thousands, and does
not turn everything round because one agent fell ill. The same needs, workers and days give the same plan, in whatever
order they come.
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
"""Why somebody has no place: nobody works there (or may make this visit), all days are full, or the day that was wished
for comes after the last one planned."""

TOGETHER = timedelta(days=7)
"""Who has waited less than this longer does not come before a neighbour. A starting value: a week's waiting against a
detour; nobody has measured it."""
UNEVEN = 2
"""By so many visits an agent's day may be fuller than another's, to bring a wished-for visit near others. A starting
value."""

_COMPARED = 100
"""So many needs at most are compared for distance at each step, which bounds the time. Measured on one core with 50,000
needs, 300 agents and 10 days: 12 s in a hundred areas, 73 s when all of it is one area."""
_SEEDS = 30
_COMPACT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A visit that somebody needs.

    ``area`` is where the person lives, as workers' areas begin. ``wanted_on`` and ``part`` are the person's wish.
    ``urgency``: higher is first; then ``since``. ``not_by``: the agent who must not make it.
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
        """Return it as a stop of a day."""
        return Stop(self.visit, self.part, self.latitude, self.longitude)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Somebody who makes visits: where (what areas begin with; empty is everywhere), how many a day, from what base."""

    agent: str
    area: str
    capacity: int
    latitude: float | None = None
    longitude: float | None = None

    @property
    def base(self) -> Point | None:
        """Return where the days begin."""
        return point_of(self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class Taken:
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
class Left:
    """A visit that found no place, and why."""

    visit: str
    reason: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``assign`` found. ``shifted``: visits taken before, on days that got more, with their new places."""

    assigned: tuple[Assigned, ...]
    shifted: tuple[Assigned, ...]
    left: tuple[Left, ...]


def assign(needs: Iterable[Need], workers: Iterable[Worker], days: Iterable[date], taken: Iterable[Taken] = ()) -> Plan:
    """Give needs an agent and a day.

    Wishes come first: on the day wished for where there is room, else on the nearest later one. Then day by day, always
    by the agent whose day is emptiest: what is most urgent and has waited longest, and of those alike the nearest to
    the visits that the agent has on that day. Halves of days wished for fill half a day at most. Whoever finds no place
    is left over with the reason; of what is ``taken`` only days and workers named here count.

    Raises ValueError when a visit or an agent comes twice.
    """
    return _Planning(list(needs), list(workers), sorted(set(days)), list(taken)).plan()


@dataclass(slots=True)
class _Round:
    """The day of one worker, as it fills."""

    worker: Worker
    day: date
    stops: list[Stop] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    # Of each need looked at: metres to the nearest of the first so many points.
    near: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, stop: Stop) -> None:
        self.stops.append(stop)
        if stop.point is not None:
            self.points.append(stop.point)

    def may(self, need: Need) -> bool:
        capacity = self.worker.capacity
        if len(self.stops) >= capacity or need.not_by == self.worker.agent:
            return False
        return need.part is None or sum(stop.part == need.part for stop in self.stops) < -(-capacity // 2)

    @property
    def fullness(self) -> float:
        return len(self.stops) / self.worker.capacity

    def metres_to(self, need: Need, point: Point) -> float:
        """Return how far a need is from what this day has so far: from the base when that is nothing."""
        if not self.points:
            return distance_m(self.worker.base, point) if self.worker.base else 0.0
        metres, seen = self.near.get(need.visit, (float("inf"), 0))
        metres = min((metres, *(distance_m(other, point) for other in self.points[seen:])))
        self.near[need.visit] = (metres, len(self.points))
        return metres


class _Planning:
    """One plan in the making."""

    def __init__(
        self, needs: Sequence[Need], workers: Sequence[Worker], days: Sequence[date], taken: Sequence[Taken]
    ) -> None:
        _refuse_twice([*(need.visit for need in needs), *(entry.stop.visit for entry in taken)], "visit")
        _refuse_twice([worker.agent for worker in workers], "agent")
        self._needs = sorted(needs, key=lambda need: (-need.urgency, need.since, need.visit))
        self._workers = sorted(workers, key=lambda worker: worker.agent)
        self._days = days
        self._rounds = {(day, worker.agent): _Round(worker, day) for day in days for worker in self._workers}
        for entry in sorted(taken, key=lambda entry: entry.stop.visit):
            if (found := self._rounds.get((entry.day, entry.agent))) is not None:
                found.add(entry.stop)
        self._new: dict[str, tuple[date, str]] = {}
        self._of_area: dict[str, list[Worker]] = {}

    def plan(self) -> Plan:
        later = [Left(need.visit, "later") for need in self._needs if self._is_later(need)]
        waiting = [need for need in self._needs if not self._is_later(need)]
        for need in waiting:
            if need.wanted_on is not None:
                self._grant(need)
        self._fill([need for need in waiting if need.wanted_on is None])
        left = [self._left(need) for need in waiting if need.visit not in self._new]
        assigned, shifted = self._places()
        return Plan(tuple(sorted(assigned)), tuple(sorted(shifted)), tuple(sorted([*left, *later])))

    def _is_later(self, need: Need) -> bool:
        return need.wanted_on is not None and bool(self._days) and need.wanted_on > self._days[-1]

    def _workers_for(self, need: Need) -> list[Worker]:
        if need.area not in self._of_area:
            self._of_area[need.area] = [worker for worker in self._workers if need.area.startswith(worker.area)]
        return [worker for worker in self._of_area[need.area] if worker.agent != need.not_by]

    def _left(self, need: Need) -> Left:
        return Left(need.visit, "no_room" if self._workers_for(need) else "no_agent")

    def _take(self, found: _Round, need: Need) -> None:
        found.add(need.stop)
        self._new[need.visit] = (found.day, found.worker.agent)

    def _grant(self, need: Need) -> None:
        """Give a need the day wished for, or the next one with room."""
        workers = self._workers_for(need)
        for day in self._days:
            if need.wanted_on is not None and day < need.wanted_on:
                continue
            free = [found for worker in workers if (found := self._rounds[day, worker.agent]).may(need)]
            if free:
                fewest = min(len(found.stops) for found in free)
                even = [found for found in free if len(found.stops) <= fewest + UNEVEN]
                point = need.stop.point
                self._take(
                    min(
                        even,
                        key=lambda found: (
                            found.metres_to(need, point) if point and (found.points or found.worker.base) else 0.0,
                            found.fullness,
                            found.worker.agent,
                        ),
                    ),
                    need,
                )
                return

    def _fill(self, needs: Sequence[Need]) -> None:
        """Give those without a wish the earliest room there is."""
        areas = {worker.area for worker in self._workers}
        pools = {area: [need for need in needs if need.area.startswith(area)] for area in areas}
        for day in self._days:
            rounds = [self._rounds[day, worker.agent] for worker in self._workers if worker.capacity > 0]
            seeds: dict[str, list[Point]] = {}
            heap = [(found.fullness, found.worker.agent) for found in rounds]
            heapify(heap)
            while heap:
                _, agent = heappop(heap)
                found = self._rounds[day, agent]
                area = found.worker.area
                need = self._choose(found, pools[area], seeds.setdefault(area, []))
                if need is None:
                    continue  # nothing for this agent on this day, and there will not be more
                if not found.points and need.stop.point is not None:
                    seeds[area].append(need.stop.point)
                self._take(found, need)
                heappush(heap, (found.fullness, agent))

    def _choose(self, found: _Round, pool: list[Need], seeds: Sequence[Point]) -> Need | None:
        alike = list(self._alike(found, pool))
        known = [(need, point) for need in alike if (point := need.stop.point) is not None]
        if not known:
            return alike[0] if alike else None
        if found.points or found.worker.base:
            return min(known, key=lambda pair: found.metres_to(*pair))[0]
        if not seeds:
            return known[0][0]
        # A day that begins nowhere begins far from the others of the area, so that they do not all go the same way.
        return max(known, key=lambda pair: min(distance_m(seed, pair[1]) for seed in seeds[-_SEEDS:]))[0]

    def _alike(self, found: _Round, pool: list[Need]) -> Iterator[Need]:
        """Give what comes first for this day, and what is as urgent and has waited as long, give or take a week."""
        first, number, placed = None, 0, 0
        for need in pool:
            if need.visit in self._new:
                placed += 1
            elif found.may(need):
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
            found = self._rounds[day, agent]
            for place, stop in enumerate(route(found.stops, found.worker.base), 1):
                entry = Assigned(day, agent, place, stop.visit)
                (assigned if stop.visit in self._new else shifted).append(entry)
        return assigned, shifted


def _refuse_twice(names: Iterable[str], what: str) -> None:
    twice = [name for name, same in groupby(sorted(names)) if len(list(same)) > 1]
    if twice:
        raise ValueError(f"a {what} comes twice: {', '.join(twice[:5])}")

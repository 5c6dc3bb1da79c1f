"""Plans of visits: no agent beyond capacity or area, wishes first, neighbours together, and always the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise, permutations
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.rounds import Assigned, PlannedVisit, Unassigned, VisitNeed, VisitPlan, Worker, assign
from certify.domain.route import PARTS, Point, Stop, distance_m, nearest_neighbour, route

MONDAY = date(2026, 3, 2)
WEEK = [MONDAY + timedelta(days=number) for number in range(5)]


def _need(visit: str, **more: object) -> VisitNeed:
    values = {"visit": visit, "person": f"p-{visit}", "area": "11", "since": MONDAY} | more
    return VisitNeed(**values)  # type: ignore[arg-type]


def _worker(agent: str = "a", area: str = "11", capacity: int = 3, **more: float) -> Worker:
    return Worker(agent=agent, area=area, capacity=capacity, **more)


def _day_of(plan: VisitPlan) -> dict[str, tuple[str, date]]:
    return {entry.visit: (entry.agent, entry.day) for entry in plan.assigned}


def _length_m(stops: Sequence[Stop], start: Point | None = None) -> float:
    """Return the metres from the start, if there is one, through all stops whose place is known."""
    points = [stop.point for stop in stops]
    known = [point for point in (start, *points) if point is not None]
    return sum(distance_m(a, b) for a, b in pairwise(known))


_points = st.tuples(st.floats(-90, 90), st.floats(-180, 180)) | st.tuples(st.none(), st.none())
_areas = st.sampled_from(["", "1", "11", "110", "12", "2"])


@st.composite
def _stops(draw: st.DrawFn) -> list[Stop]:
    parts = draw(st.lists(st.sampled_from([None, *PARTS]), max_size=9))
    return [Stop(f"v{number}", part, *draw(_points)) for number, part in enumerate(parts)]


@st.composite
def _situations(draw: st.DrawFn) -> tuple[list[VisitNeed], list[Worker], list[date], list[PlannedVisit]]:
    workers = [
        Worker(agent=f"a{number}", area=draw(_areas), capacity=draw(st.integers(0, 4)))
        for number in range(draw(st.integers(0, 4)))
    ]
    agents = [worker.agent for worker in workers] or ["unknown"]
    days = draw(st.lists(st.sampled_from(WEEK), max_size=4))
    needs = []
    for number in range(draw(st.integers(0, 14))):
        latitude, longitude = draw(_points)
        needs.append(
            _need(
                f"v{number:02}",
                area=draw(_areas),
                since=MONDAY - timedelta(days=draw(st.integers(0, 30))),
                wanted_on=draw(st.none() | st.sampled_from(WEEK)),
                part=draw(st.sampled_from([None, *PARTS])),
                urgency=draw(st.integers(0, 2)),
                latitude=latitude,
                longitude=longitude,
                not_by=draw(st.none() | st.sampled_from(agents)),
            )
        )
    planned = [
        PlannedVisit(
            draw(st.sampled_from(agents)), draw(st.sampled_from(WEEK)), Stop(f"t{number}", None, *draw(_points))
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    return needs, workers, days, planned


@given(_situations())
def test_every_plan_keeps_the_rules(
    situation: tuple[list[VisitNeed], list[Worker], list[date], list[PlannedVisit]],
) -> None:
    needs, workers, days, planned = situation
    plan = assign(needs, workers, days, planned)
    by_id, by_agent = {need.visit: need for need in needs}, {worker.agent: worker for worker in workers}

    # Each need is answered exactly once.
    answered = [*(entry.visit for entry in plan.assigned), *(entry.visit for entry in plan.unassigned)]
    assert sorted(answered) == sorted(by_id)
    assert {entry.visit for entry in plan.shifted} <= {entry.stop.visit for entry in planned}

    before = Counter((entry.agent, entry.day) for entry in planned)
    new = Counter((entry.agent, entry.day) for entry in plan.assigned)
    for (agent, day), number in new.items():
        assert number + before[agent, day] <= by_agent[agent].capacity
        assert day in days
        places = [e.place for e in (*plan.assigned, *plan.shifted) if (e.agent, e.day) == (agent, day)]
        assert sorted(places) == list(range(1, number + before[agent, day] + 1))
        for part in PARTS:
            wished = sum(by_id[e.visit].part == part for e in plan.assigned if (e.agent, e.day) == (agent, day))
            assert wished <= ceil(by_agent[agent].capacity / 2)
    for entry in plan.assigned:
        need = by_id[entry.visit]
        assert need.area.startswith(by_agent[entry.agent].area)
        assert need.not_by != entry.agent
        assert need.wanted_on is None or entry.day >= need.wanted_on

    # An unassigned visit could really not be placed: no agent who may make it has room on a day that it could go to.
    loads = before + new
    for refused in plan.unassigned:
        need = by_id[refused.visit]
        may = [w for w in workers if need.area.startswith(w.area) and w.agent != need.not_by]
        late = bool(days) and need.wanted_on is not None and need.wanted_on > max(days)
        assert refused.reason == ("later" if late else "no_room" if may else "no_agent")
        if refused.reason == "no_room" and need.part is None:
            open_days = [day for day in days if need.wanted_on is None or day >= need.wanted_on]
            assert all(loads[w.agent, day] >= w.capacity for w in may for day in open_days)


@given(_situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    situation: tuple[list[VisitNeed], list[Worker], list[date], list[PlannedVisit]], chance: random.Random
) -> None:
    needs, workers, days, planned = situation
    plan = assign(needs, workers, days, planned)
    for rows in situation:
        chance.shuffle(rows)
    assert assign(needs, workers, days, planned) == plan


@given(_stops(), st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)), st.randoms(use_true_random=False))
def test_a_route_is_no_longer_than_the_nearest_neighbours(
    stops: list[Stop], start: tuple[float, float] | None, chance: random.Random
) -> None:
    order = route(stops, start)
    assert sorted(stop.visit for stop in order) == sorted(stop.visit for stop in stops)
    assert _length_m(order, start) <= _length_m(nearest_neighbour(stops, start), start) + 1e-3
    parts = [stop.part for stop in order if stop.part]
    assert parts == sorted(parts, key=PARTS.index), "no afternoon before a morning"
    chance.shuffle(stops)
    assert route(stops, start) == order


def test_two_opt_undoes_a_crossing() -> None:
    # The nearest stop is always the wrong choice: a, b, c, d lie left and right in turn, each farther away.
    line = {"a": 0.01, "b": -0.015, "c": 0.04, "d": -0.08}
    stops = [Stop(name, None, 0.0, east) for name, east in line.items()]
    start = (0.0, 0.0)
    assert [stop.visit for stop in nearest_neighbour(stops, start)] == ["a", "b", "c", "d"]
    best = min(_length_m(order, start) for order in permutations(stops))
    assert _length_m(route(stops, start), start) == pytest.approx(best)
    assert best < _length_m(nearest_neighbour(stops, start), start) * 0.8


def test_stops_without_a_place_come_last_but_mornings_stay_mornings() -> None:
    stops = [
        Stop("x"),
        Stop("afternoon", "afternoon", 0.0, 0.0),
        Stop("late", "afternoon"),
        Stop("morning", "morning", 0.0, 0.1),
        Stop("early", "morning"),
        Stop("half", None, 5.0, None),
    ]
    assert [stop.visit for stop in route(stops)] == ["morning", "early", "afternoon", "half", "x", "late"]
    assert route([]) == []


def test_distances_are_great_circles() -> None:
    assert distance_m((0, 0), (0, 180)) == pytest.approx(20_015_115, rel=1e-6)
    assert distance_m((52.5, 13.4), (48.9, 2.35)) == pytest.approx(878_000, rel=0.01)
    assert distance_m((10, 20), (10, 20)) == 0


def test_wishes_are_granted_on_the_day_or_the_next_with_room() -> None:
    needs = [_need(f"w{number}", wanted_on=WEEK[1], urgency=number) for number in range(3)]
    needs += [_need("urgent", urgency=9), _need("past", wanted_on=MONDAY - timedelta(days=9))]
    plan = assign(needs, [_worker(capacity=2)], WEEK)
    days = {visit: day for visit, (_, day) in _day_of(plan).items()}
    assert days == {"w2": WEEK[1], "w1": WEEK[1], "w0": WEEK[2], "urgent": WEEK[0], "past": WEEK[0]}


def test_urgency_comes_before_waiting_and_waiting_before_distance() -> None:
    needs = [
        _need("near", latitude=0.0, longitude=0.0),
        _need("old", latitude=0.0, longitude=9.0, since=MONDAY - timedelta(days=30)),
        _need("urgent", latitude=0.0, longitude=50.0, urgency=1),
    ]
    plan = assign(needs, [_worker(capacity=1, latitude=0.0, longitude=0.0)], WEEK)
    assert [entry.visit for entry in plan.assigned] == ["urgent", "old", "near"]


def test_neighbours_stay_together() -> None:
    village = {f"{place}{number}": (float(place == "n"), number / 1000) for place in "ns" for number in range(6)}
    needs = [_need(name, latitude=north, longitude=east) for name, (north, east) in village.items()]
    plan = assign(needs, [_worker("a", capacity=3), _worker("b", capacity=3)], WEEK)
    rounds: dict[tuple[str, date], set[str]] = {}
    for entry in plan.assigned:
        rounds.setdefault((entry.agent, entry.day), set()).add(entry.visit[0])
    assert len(rounds) == 4
    assert all(len(places) == 1 for places in rounds.values()), rounds


def test_work_is_spread_by_free_capacity() -> None:
    planned = [PlannedVisit("a", MONDAY, Stop(f"t{number}")) for number in range(4)]
    workers = [_worker("a", capacity=8), _worker("b", capacity=8), _worker("c", capacity=4)]
    plan = assign([_need(f"v{number}") for number in range(6)], workers, [MONDAY], planned)
    loads = Counter(entry.agent for entry in plan.assigned)
    assert loads == {"b": 4, "c": 2}
    assert not plan.shifted


def test_a_day_that_gets_more_visits_is_ordered_again() -> None:
    planned = [
        PlannedVisit("a", MONDAY, Stop("there", "afternoon", 0.0, 0.0)),
        PlannedVisit("ill", MONDAY, Stop("other")),
    ]
    plan = assign([_need("new", part="morning")], [_worker()], [MONDAY], planned)
    assert plan.assigned == (Assigned(MONDAY, "a", 1, "new"),)
    assert plan.shifted == (Assigned(MONDAY, "a", 2, "there"),)


def test_an_unassigned_visit_has_a_reason() -> None:
    needs = [
        _need("elsewhere", area="22"),
        _need("again", not_by="a"),
        _need("first"),
        _need("second", since=MONDAY + timedelta(days=1)),
        _need("far", wanted_on=MONDAY + timedelta(days=30)),
    ]
    plan = assign(needs, [_worker(capacity=1)], [MONDAY])
    assert _day_of(plan) == {"first": ("a", MONDAY)}
    assert plan.unassigned == (
        Unassigned("again", "no_agent"),
        Unassigned("elsewhere", "no_agent"),
        Unassigned("far", "later"),
        Unassigned("second", "no_room"),
    )


def test_a_visit_or_an_agent_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="visit comes twice"):
        assign([_need("v")], [], [], [PlannedVisit("a", MONDAY, Stop("v"))])
    with pytest.raises(ValueError, match="agent comes twice"):
        assign([], [_worker(), _worker()], [])


def test_thousands_fill_every_day() -> None:
    chance = random.Random(1)  # noqa: S311 - made-up places
    needs = [
        _need(
            f"v{number:05}",
            area=f"{chance.randrange(20):02}",
            since=MONDAY - timedelta(days=chance.randrange(40)),
            latitude=chance.uniform(0, 1),
            longitude=chance.uniform(0, 1),
        )
        for number in range(4000)
    ]
    workers = [_worker(f"a{number:02}", area=f"{number % 20:02}", capacity=12) for number in range(40)]
    plan = assign(needs, workers, WEEK)
    assert len(plan.assigned) == 40 * 12 * 5
    assert {entry.reason for entry in plan.unassigned} == {"no_room"}

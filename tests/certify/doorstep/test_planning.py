"""Planning visits: who needs one, into which agent's day it goes, and what changes when agents are ill."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from certify.approvals.erase import erase
from certify.decision.cases import add_case
from certify.domain.case_kinds import CaseKind
from certify.domain.states import AgentState
from certify.doorstep.agents import change_agent, set_agent_state
from certify.doorstep.homes import Home, set_homes
from certify.doorstep.planning import Planned, gather_needs, plan_visits, rebalance, request_visits, working_days
from certify.doorstep.visits import ask_for_visit, cancel_visit
from certify.service import Service
from certify.storage.people import entitlements_of
from certify.storage.tables.doorstep import VisitRow
from certify.storage.visits import visit_of
from tests.certify.doorstep.conftest import Round
from tests.certify.doorstep.plans import (
    agent,
    ask,
    bundle,
    events,
    in_days,
    pass_to_audit,
    people,
    tomorrow,
    visits,
)
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def _case(service: Service, who: UUID, kind: CaseKind = CaseKind.VISIT, *, wish: bool = False) -> None:
    with service.unit() as unit:
        add_case(unit, who, kind, None if wish else unit.service.new_id())


def _stands(service: Service, who: UUID, **values: str) -> None:
    with service.unit() as unit:
        for row in entitlements_of(unit.db, who):
            for name, value in values.items():
                setattr(row, name, value)


def _gather(service: Service, share: float = 0.0, **more: int) -> dict[str, int]:
    with service.unit() as unit:
        return gather_needs(unit, share=share, **more)


def _plan(service: Service, days: int = 7) -> Planned:
    with service.unit() as unit:
        return plan_visits(unit, tomorrow(service), days)


def _days(service: Service) -> dict[UUID, tuple[UUID | None, date | None, int | None]]:
    return {row.beneficiary_id: (row.agent_id, row.planned_on, row.place) for row in visits(service).values()}


def _made(service: Service, at: datetime) -> None:
    with service.unit() as unit:
        unit.db.execute(
            update(VisitRow).where(VisitRow.state.in_(("asked", "planned"))).values(state="made", ended_at=at)
        )


def test_a_person_who_needs_a_visit_gets_exactly_one(service: Service) -> None:
    tried, late, both, checked, well = people(service, 5)
    for who in (tried, both):
        _case(service, who)
    assert _gather(service, limit=1) == {"attempts": 1}
    assert _gather(service, limit=1) == {"attempts": 1}
    for who in (late, both, checked):
        _stands(service, who, standing="overdue")
    pass_to_audit(service, checked)
    pass_to_audit(service, well)
    assert _gather(service) == {"overdue": 2, "audit": 1}
    assert _gather(service) == {}
    found = {row.beneficiary_id: row.reason for row in visits(service).values()}
    assert found == {tried: "attempts", both: "attempts", late: "overdue", checked: "overdue", well: "audit"}
    assert events(service).count("visit_needed") == 5


def test_a_wish_taken_back_needs_no_visit_unless_attempts_are_used_up(service: Service) -> None:
    wished, failed = people(service, 2)
    for who in (wished, failed):
        with service.unit() as unit:
            ask_for_visit(unit, who, on=in_days(service, 5), part="morning")
        with service.unit() as unit:
            cancel_visit(unit, who)
    _stands(service, failed, next_step="doorstep")
    assert _gather(service) == {"attempts": 1}
    with service.reading() as unit:
        assert visit_of(unit.db, wished) is None
        assert visit_of(unit.db, failed) is not None


def test_after_a_visit_an_officer_decides_first(service: Service, clock: Clock) -> None:
    late, moved, checked, gone = people(service, 4)
    for who in (late, moved, gone):
        _stands(service, who, standing="overdue")
    pass_to_audit(service, checked)
    assert _gather(service) == {"overdue": 3, "audit": 1}
    _made(service, clock() + timedelta(hours=5))
    _case(service, moved, CaseKind.VISIT_MOVED, wish=True)
    with service.unit() as unit:
        erase(unit, gone)
    clock.advance(timedelta(days=29))
    assert _gather(service) == {}
    clock.advance(timedelta(days=9))
    assert _gather(service) == {"overdue": 1}, "not the person who moved, and the pass was checked"


def test_a_share_of_visits_is_made_again_and_each_is_drawn_once(service: Service, clock: Clock) -> None:
    first, other = agent(service, "A-1"), agent(service, "A-2")
    seen = people(service, 60)
    results = ("face", "witnesses", "medical", "not_found", "moved")
    bundles = {bundle(service, who, first, result=results[n % 5]): who for n, who in enumerate(seen)}
    old = people(service, 2, first=60)
    for who in old:
        bundle(service, who, first, opened_at=clock() - timedelta(days=61))
    assert _gather(service) == {}, "a share of zero draws nothing"
    half = _gather(service, share=0.5)["recheck"]
    assert 0 < half < 36
    assert _gather(service, share=0.5) == {}, "a second call draws no others"
    assert _gather(service, share=1.0) == {"recheck": 36 - half}
    rows = list(visits(service).values())
    assert all(row.rechecks is not None and bundles[row.rechecks] == row.beneficiary_id for row in rows)
    _made(service, clock() + timedelta(days=1))
    assert _gather(service, share=1.0) == {}, "and none is drawn twice"

    ask(service, [old[0]], "recheck", rechecks=next(iter(bundles)))
    assert _plan(service).planned == 1
    assert {row.agent_id for row in visits(service).values() if row.state == "planned"} == {other}


def test_visits_are_planned_by_area_and_capacity(service: Service) -> None:
    here, there = agent(service, capacity=2), agent(service, "B-1", area="22")
    ours, far, nowhere = (
        people(service, 5),
        people(service, 1, region="225", first=5),
        people(service, 1, region="33", first=6),
    )
    ask(service, [*ours, *far, *nowhere])
    # Tomorrow is Tuesday: both days are working days.
    assert _plan(service, days=2) == Planned(5, {"no_room": 1, "no_agent": 1}, 0)
    days = _days(service)
    assert Counter(day[:2] for day in days.values()) == {
        (here, date(2026, 3, 3)): 2,
        (here, date(2026, 3, 4)): 2,
        (there, date(2026, 3, 3)): 1,
        (None, None): 2,
    }
    assert {day[2] for day in days.values()} == {1, 2, None}
    assert events(service).count("visit_planned") == 5
    assert _plan(service, days=2) == Planned(0, {"no_room": 1, "no_agent": 1}, 0)
    assert _days(service) == days, "what is planned stays"
    # Saturday and Sunday are no working days.
    assert _plan(service, days=4).planned == 1
    assert working_days(date(2026, 3, 6), 4) == [date(2026, 3, 6), date(2026, 3, 9)]
    assert working_days(date(2026, 3, 6), 4, workdays={6}) == [date(2026, 3, 8)]


def test_a_day_goes_from_neighbour_to_neighbour_with_mornings_first(service: Service) -> None:
    agent(service, capacity=5)
    who = people(service, 4)
    east = [0.03, 0.01, 0.02, 0.0]
    with service.unit() as unit:
        set_homes(unit, {person: Home("x", "", 0.0, place) for person, place in zip(who, east, strict=True)})
    ask(service, who[:3])
    _plan(service, days=1)
    first = sorted(_days(service).items(), key=lambda item: item[1][2] or 0)
    assert [who.index(person) for person, _ in first] == [1, 2, 0]
    ask(service, who[3:], wanted_on=tomorrow(service), part="morning")
    _plan(service, days=1)
    again = sorted(_days(service).items(), key=lambda item: item[1][2] or 0)
    assert [who.index(person) for person, _ in again] == [3, 1, 2, 0]


def test_a_day_begins_at_the_agents_base(service: Service) -> None:
    ours = agent(service, capacity=5)
    who = people(service, 3)
    with service.unit() as unit:
        set_homes(unit, {person: Home("x", "", 0.0, 0.01 * place) for place, person in enumerate(who)})
    ask(service, who)
    _plan(service, days=1)

    def order() -> list[int]:
        return [who.index(person) for person, _ in sorted(_days(service).items(), key=lambda item: item[1][2] or 0)]

    assert order() == [0, 1, 2]
    with service.unit() as unit:
        change_agent(unit, ours, {"base": (0.0, 0.05)})
        rebalance(unit, tomorrow(service), 1)
    assert order() == [2, 1, 0]


def test_when_an_agent_is_ill_the_others_take_over(service: Service) -> None:
    ill, well = agent(service, "A-1", capacity=2), agent(service, "A-2", capacity=3)
    ask(service, people(service, 5))
    assert _plan(service, days=1).planned == 5
    kept = {person: day for person, day in _days(service).items() if day[0] == well}
    with service.unit() as unit:
        set_agent_state(unit, ill, AgentState.AWAY)
    with service.unit() as unit:
        assert rebalance(unit, tomorrow(service), 2).planned == 2
    days = _days(service)
    assert {day[0] for day in days.values()} == {well}
    assert all(days[person][:2] == day[:2] for person, day in kept.items()), "the days of other agents do not change"
    with service.unit() as unit:
        unit.db.execute(update(VisitRow).values(place=7))
        rebalance(unit, tomorrow(service), 2)
    assert sorted(day[2] or 0 for day in _days(service).values()) == [1, 1, 2, 2, 3]


def test_a_visit_that_was_not_made_is_planned_again(service: Service, clock: Clock) -> None:
    agent(service)
    ask(service, people(service, 1))
    _plan(service)
    clock.advance(timedelta(days=5))
    assert _plan(service) == Planned(0, {}, 0), "a tablet may be without a network for days"
    clock.advance(timedelta(days=1))
    assert _plan(service) == Planned(1, {}, 1)
    assert "visit_late" in events(service)


def test_planning_far_ahead_does_not_change_the_next_days(service: Service) -> None:
    agent(service)
    at_hand, new = people(service, 2)
    ask(service, [at_hand])
    _plan(service)
    before = _days(service)[at_hand]
    ask(service, [new])
    with service.unit() as unit:
        assert plan_visits(unit, in_days(service, 30), 7) == Planned(1, {}, 0)
    assert _days(service)[at_hand] == before
    assert "visit_late" not in events(service)


def test_urgency_grows_with_waiting(service: Service, clock: Clock) -> None:
    agent(service, capacity=1)
    old, new = people(service, 2)
    ask(service, [old], "audit")
    clock.advance(timedelta(days=43))
    ask(service, [new], "overdue")
    _plan(service, days=2)
    assert (_days(service)[old][1] or date.max) < (_days(service)[new][1] or date.max)


def test_while_an_officer_decides_only_people_who_ask_are_visited(service: Service) -> None:
    agent(service)
    lost, asks, gone = people(service, 3)
    for who in (lost, asks):
        _case(service, who, CaseKind.VISIT_NOT_FOUND, wish=True)
    ask(service, [lost, asks, gone], tries=3)
    with service.unit() as unit:
        ask_for_visit(unit, asks, on=in_days(service, 3), part="afternoon")
        erase(unit, gone)
    assert _plan(service).planned == 1
    assert _days(service)[asks][1] == in_days(service, 3)


def test_visits_are_requested_many_times_in_one_transaction(agents_round: Round) -> None:
    """From the sixth execution on the statement is prepared, and PostgreSQL still finds the index of open visits."""
    people = [agents_round.enrol() for _ in range(8)]
    with agents_round.service.unit() as unit:
        for person in people:
            assert request_visits(unit, [person], "fund") == 1
            assert request_visits(unit, [person], "fund") == 0

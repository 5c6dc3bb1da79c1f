"""Agents who do not visit people are found, their certifications are held, and a supervisor decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from certify.domain.case_kinds import CaseKind
from certify.domain.evidence import Void
from certify.domain.states import AgentState
from certify.doorstep.agents import set_agent_state
from certify.doorstep.calendar import today_of
from certify.doorstep.homes import Home, set_homes
from certify.doorstep.planning import plan_visits, request_visits
from certify.doorstep.watch import confirm, release, score_agents, scored_visits, watch_agents
from certify.errors import Conflict, NotFound
from certify.service import Service
from certify.storage.certificates import certificate_in_force
from certify.storage.facts import evidence_of
from certify.storage.holds import open_holds
from certify.storage.people import entitlements_of
from certify.storage.reviews import open_case_of
from certify.storage.tables.doorstep import AgentHoldRow, AgentRow, VisitRow, VisitTraceRow
from certify.storage.visits import visit_of
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.doorstep.conftest import WITNESSES, Round, make_round
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def attest(agents_round: Round, visits: int, *, places: bool = True) -> list[UUID]:
    """Visit people, one after the other, with the statement of witnesses."""
    people = []
    for number in range(visits):
        agents_round.clock.advance(timedelta(minutes=40))
        person = agents_round.enrol()
        place = {"latitude": 39.9 + number / 100, "longitude": 116.4, "accuracy_m": 12.0}
        more: dict[str, Any] = {"place": place} if places else {}
        data = agents_round.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages", **more)
        assert agents_round.send(data).state == "opened"
        people.append(person)
    return people


def standing(service: Service, person: UUID) -> set[tuple[str | None, str]]:
    with service.reading() as unit:
        return {(pension.standing, pension.payment) for pension in entitlements_of(unit.db, person)}


def test_an_agent_who_only_brings_witnesses_is_held(agents_round: Round) -> None:
    service = agents_round.service
    attest(agents_round, 3)
    assert watch_agents(service) == []
    people = attest(agents_round, 14)
    assert watch_agents(service) == [agents_round.agent]
    assert watch_agents(service) == []  # nothing changed
    with service.reading() as unit:
        (hold,) = open_holds(unit.db)
        assert hold.signals[0]["signal"] == "alternatives"
        assert unit.db.get_one(AgentRow, agents_round.agent).score == hold.score
        assert open_case_of(unit.db, people[0], CaseKind.ADVERSE_RECORD) is not None
    # The certificate is paused and a case is open; the payment continues.
    assert standing(service, people[0]) == {("paused", "continue")}


def test_a_held_certificate_is_paused_and_valid_again_after_a_release(agents_round: Round, engine: FaceEngine) -> None:
    agents_round.engine = engine
    service, portrait = agents_round.service, faces.portraits()["eileen_collins"]
    person = agents_round.enrol(portrait)
    row = agents_round.send(agents_round.visit(person, "face", [("photo", faces.rephotograph(portrait, seed=1))]))
    assert agents_round.judge(row).outcome == "certified"
    attest(agents_round, 17)
    assert watch_agents(service) == [agents_round.agent]
    assert standing(service, person) == {("paused", "continue")}
    with service.reading() as unit:
        certificate = certificate_in_force(unit.db, person)
        assert certificate is not None
        assert certificate.state == "paused"
        hold = open_holds(unit.db)[0].id
    with service.unit() as unit:
        release(unit, hold, officer="supervisor")
    assert standing(service, person) == {("certified", "continue")}
    with service.reading() as unit:
        certificate = certificate_in_force(unit.db, person)
        assert certificate is not None
        assert certificate.state == "valid"
    # The same visits do not count against the agent again; new ones of the kind do.
    agents_round.anchor()
    attest(agents_round, 2)
    assert watch_agents(service) == []
    attest(agents_round, 15)
    assert watch_agents(service) == [agents_round.agent]


def test_a_confirmed_hold_takes_certifications_back_and_people_are_visited_again(
    agents_round: Round, engine: FaceEngine
) -> None:
    agents_round.engine = engine
    service, portrait = agents_round.service, faces.portraits()["eileen_collins"]
    person = agents_round.enrol(portrait)
    row = agents_round.send(agents_round.visit(person, "face", [("photo", faces.rephotograph(portrait, seed=1))]))
    agents_round.judge(row)
    other = agents_round.enrol(portrait)
    not_judged = agents_round.send(agents_round.visit(other, "face", [("photo", faces.encode(portrait, quality=80))]))
    attest(agents_round, 17)
    watch_agents(service)
    with service.reading() as unit:
        hold = open_holds(unit.db)[0].id
    newest = attest(agents_round, 1)[0]  # the agent was not scored since
    with service.unit() as unit:
        confirm(unit, hold, officer="supervisor")
    assert agents_round.judge(not_judged).outcome == "review"
    assert {found for found, _ in standing(service, other)} <= {"due", "grace", "overdue"}
    assert {found for found, _ in standing(service, person)} <= {"due", "grace", "overdue"}
    assert {payment for _, payment in standing(service, person)} == {"continue"}
    with service.reading() as unit:
        assert unit.db.get_one(AgentRow, agents_round.agent).state == "suspended"
        again = unit.db.scalars(
            select(VisitRow).where(VisitRow.beneficiary_id == person, VisitRow.state == "asked")
        ).one()
        assert (again.reason, again.rechecks) == ("recheck", row.id)
        assert visit_of(unit.db, newest) is not None
    # The result of the recheck is recorded on a visit that was decided; no new hold opens.
    other_agent = make_round(service, agents_round.clock, badge="B-2")
    paper = [("document", faces.encode(faces.portraits()["grace_hopper"], quality=50))]
    death = {"informant": "Wang", "relation": "neighbour", "died_on": "2026-01-01"}
    other_agent.send(other_agent.visit(person, "deceased", paper, death=death))
    with service.reading() as unit:
        assert unit.db.get_one(VisitTraceRow, row.id).recheck is False
    assert watch_agents(service) == []
    for decide in (release, confirm):
        with pytest.raises(Conflict), service.unit() as unit:
            decide(unit, hold, officer="supervisor")
        with pytest.raises(NotFound), service.unit() as unit:
            decide(unit, uuid4(), officer="supervisor")


@pytest.mark.parametrize("end", [release, confirm])
def test_a_decision_ends_all_held_visits_however_old(
    end: Callable[..., AgentHoldRow], agents_round: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = agents_round.service
    people = attest(agents_round, 17)
    watch_agents(service)
    monkeypatch.setattr("certify.doorstep.watch.WINDOW", 5)
    late = attest(agents_round, 7)
    watch_agents(service)
    agents_round.clock.advance(timedelta(days=130))
    with service.unit() as unit:
        end(unit, open_holds(unit.db)[0].id, officer="supervisor")
    for person in (*people, *late):
        assert "paused" not in {found for found, _ in standing(service, person)}


def test_a_later_hold_does_not_take_back_released_visits(agents_round: Round) -> None:
    service = agents_round.service
    honest = attest(agents_round, 17)
    watch_agents(service)
    with service.unit() as unit:
        release(unit, open_holds(unit.db)[0].id, officer="supervisor")
    agents_round.anchor()
    attest(agents_round, 17)
    assert watch_agents(service) == [agents_round.agent]
    with service.unit() as unit:
        confirm(unit, open_holds(unit.db)[0].id, officer="supervisor")
    with service.reading() as unit:
        again = set(unit.db.scalars(select(VisitRow.beneficiary_id).where(VisitRow.reason == "recheck")))
        voids = [fact for person in honest for fact in evidence_of(unit.db, person) if isinstance(fact, Void)]
    assert len(again) == 17
    assert not again & set(honest)
    assert len(voids) == len(honest), "given back once each"


def test_visits_made_before_a_release_that_arrive_after_it_are_scored(agents_round: Round) -> None:
    service = agents_round.service
    attest(agents_round, 17)
    watch_agents(service)
    late = []
    for number in range(17):
        agents_round.clock.advance(timedelta(minutes=40))
        place = {"latitude": 39.9 + number / 100, "longitude": 116.4, "accuracy_m": 12.0}
        more: dict[str, Any] = {"witnesses": WITNESSES, "why_no_face": "bandages", "place": place}
        late.append(agents_round.visit(agents_round.enrol(), "witnesses", **more))
    with service.unit() as unit:
        release(unit, open_holds(unit.db)[0].id, officer="supervisor")
    for data in late:
        agents_round.clock.advance(timedelta(seconds=1))
        agents_round.send(data)
    assert watch_agents(service) == [agents_round.agent]


def test_visits_that_come_during_a_hold_are_held_too(agents_round: Round) -> None:
    attest(agents_round, 17)
    watch_agents(agents_round.service)
    late = attest(agents_round, 1)
    assert watch_agents(agents_round.service) == []
    assert standing(agents_round.service, late[0]) == {("paused", "continue")}


def test_one_face_for_two_people_is_found(
    agents_round: Round, engine: FaceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents_round.engine = engine
    portrait = faces.portraits()["eileen_collins"]
    rows = []
    for quality in (90, 80):
        agents_round.clock.advance(timedelta(minutes=40))
        person = agents_round.enrol(portrait)
        row = agents_round.send(
            agents_round.visit(person, "face", [("photo", faces.encode(portrait, quality=quality))])
        )
        agents_round.judge(row)
        rows.append(row)
    with agents_round.service.reading() as unit:
        assert unit.db.get_one(VisitTraceRow, rows[1].id).same_face == [str(rows[0].id)]
        found = score_agents(unit).scores[agents_round.agent]
        hits = {one.signal.value: one.hits for one in found.signals}
        assert hits["same_face"] == 1
        monkeypatch.setattr("certify.doorstep.watch.WINDOW", 1)
        assert [len(visit.same_face) for visit in scored_visits(unit, agents_round.agent)] == [1], (
            "also outside the window"
        )
        assert hits["same_background"] == 0 or found.visits == 2


@pytest.mark.parametrize(
    ("died_on", "expected"), [(None, None), ("2026-01-01", False), ("2026-03-03", True), ("unknown", None)]
)
def test_a_second_visit_confirms_or_contradicts_the_first(
    died_on: str | None, expected: bool | None, service: Service, clock: Clock
) -> None:
    """If no one is found, or the day of death is unknown, the second visit answers nothing."""
    first, second = make_round(service, clock), make_round(service, clock, badge="B-2")
    person = first.enrol()
    row = first.send(first.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages"))
    with service.unit() as unit:
        request_visits(unit, [person], "recheck", rechecks={person: row.id})
    clock.advance(timedelta(days=2))
    second.anchor()
    if died_on is None:
        second.send(second.visit(person, "not_found"))
    else:
        paper = [("document", faces.encode(faces.portraits()["grace_hopper"], quality=50))]
        death: dict[str, Any] = {"informant": "Wang", "relation": "neighbour"}
        if died_on != "unknown":
            death["died_on"] = died_on
        assert second.send(second.visit(person, "deceased", paper, death=death)).state == "opened"
    with service.reading() as unit:
        assert unit.db.get_one(VisitTraceRow, row.id).recheck is expected


def test_an_agent_does_not_make_the_visit_that_checks_them(service: Service, clock: Clock) -> None:
    """The agent's own next visits leave the recheck open; a visit by another agent answers it, planned or not."""
    first, second = make_round(service, clock), make_round(service, clock, badge="B-2")
    person = first.enrol()
    row = first.send(first.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages"))
    with service.unit() as unit:
        request_visits(unit, [person], "recheck", rechecks={person: row.id})
    for result in ("moved", "not_found", "not_found", "not_found"):
        assert first.send(first.visit(person, result)).state == "opened"
    with service.unit() as unit:
        set_agent_state(unit, first.agent, AgentState.AWAY)
        assert plan_visits(unit, today_of(unit) + timedelta(days=1), 7).planned == 1
    with service.reading() as unit:
        waiting = visit_of(unit.db, person)
        assert waiting is not None
        assert (waiting.rechecks, waiting.agent_id, waiting.tries) == (row.id, second.agent, 0), (
            "neither made nor delayed"
        )
        assert unit.db.get_one(VisitTraceRow, row.id).recheck is None
    paper = [("document", faces.encode(faces.portraits()["grace_hopper"], quality=50))]
    death = {"informant": "Wang", "relation": "neighbour", "died_on": "2026-01-01"}
    assert second.send(second.visit(person, "deceased", paper, death=death)).state == "opened"
    with service.reading() as unit:
        assert visit_of(unit.db, person) is None
        assert unit.db.get_one(VisitTraceRow, row.id).recheck is False


def test_a_second_visit_to_another_person_answers_nothing(service: Service, clock: Clock) -> None:
    first, second = make_round(service, clock), make_round(service, clock, badge="B-2")
    person, other = first.enrol(), first.enrol()
    row = first.send(first.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages"))
    with service.unit() as unit:
        request_visits(unit, [person], "recheck", rechecks={person: row.id})
        visit = visit_of(unit.db, person)
        assert visit is not None
    paper = [("document", faces.encode(faces.portraits()["grace_hopper"], quality=50))]
    death = {"informant": "Wang", "relation": "neighbour", "died_on": "2026-01-01"}
    assert second.send(second.visit(other, "deceased", paper, death=death, visit=visit.id)).state == "opened"
    with service.reading() as unit:
        assert unit.db.get_one(VisitTraceRow, row.id).recheck is None
        assert visit_of(unit.db, person) is not None


def test_holds_name_no_person(agents_round: Round) -> None:
    attest(agents_round, 17)
    watch_agents(agents_round.service)
    with agents_round.service.reading() as unit:
        hold = unit.db.scalars(select(AgentHoldRow)).one()
        assert all(set(one) == {"signal", "hits", "trials", "surprise"} for one in hold.signals)


def test_the_distance_from_home_is_recorded(agents_round: Round) -> None:
    service = agents_round.service
    somewhere, nowhere = attest(agents_round, 1), attest(agents_round, 1, places=False)
    with service.unit() as unit:
        set_homes(unit, {(known := agents_round.enrol()): Home("1 Road", latitude=39.93, longitude=116.4)})
    place = {"latitude": 39.9, "longitude": 116.4, "accuracy_m": 12.0}
    agents_round.send(agents_round.visit(known, "witnesses", witnesses=WITNESSES, why_no_face="bandages", place=place))
    with service.reading() as unit:
        found = {UUID(visit.beneficiary): visit.from_home_m for visit in scored_visits(unit, agents_round.agent)}
    assert found == {somewhere[0]: None, nowhere[0]: None, known: pytest.approx(3336, abs=5)}

"""Sealed visits that count: received once, opened once, and acted on by their result."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from certify.certificates.keys import Algorithm
from certify.domain.case_kinds import CaseKind
from certify.doorstep.opening import details_of
from certify.doorstep.visits import ask_for_visit
from certify.messages.outbox import open_body
from certify.people.access import new_link
from certify.people.contact import Contact, set_contact
from certify.service import Service
from certify.storage.bundles import missing_places
from certify.storage.facts import evidence_of
from certify.storage.people import entitlements_of
from certify.storage.reviews import open_case_of
from certify.storage.signing import Purpose, rotate_key
from certify.storage.tables.doorstep import BundleRow, VisitRow, VisitTraceRow
from certify.storage.tables.messages import MessageRow
from certify.storage.tables.sessions import SessionRow
from certify.storage.visits import visit_of
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.doorstep.conftest import WITNESSES, Round, attested, make_round
from tests.certify.messages.people import PHONE, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def test_a_visit_with_a_face_certifies(agents_round: Round, engine: FaceEngine) -> None:
    agents_round.engine = engine
    portrait = faces.portraits()["eileen_collins"]
    person = agents_round.enrol(portrait)
    agents_round.clock.advance(timedelta(days=2))
    photos = [("photo", faces.rephotograph(portrait, seed=seed)) for seed in (1, 2, 3)]
    data = agents_round.visit(person, "face", photos)
    agents_round.clock.advance(timedelta(days=1))  # the network comes a day later
    row = agents_round.send(data)
    assert (row.state, row.reason, row.result) == ("opened", None, "face")
    session = agents_round.judge(row)
    assert session.outcome == "certified"
    with agents_round.service.reading() as unit:
        # Proven on the day of the visit, not on the day it was sent.
        assert {pension.proven_on for pension in entitlements_of(unit.db, person)} == {
            (agents_round.clock() - timedelta(days=1)).date()
        }
        trace = unit.db.get_one(VisitTraceRow, row.id)
        assert trace.method == "face"
        assert trace.passive is not None
        assert trace.seconds == pytest.approx(360, abs=1)
        assert unit.db.get_one(BundleRow, row.id).sealed is None


def test_the_same_bytes_again_change_nothing(agents_round: Round) -> None:
    data = attested(agents_round)
    first = agents_round.send(data)
    again = agents_round.send(data)
    assert first.reason is None
    assert (first.id, first.state) == (again.id, "opened")
    with agents_round.service.reading() as unit:
        assert unit.db.scalar(select(func.count()).select_from(BundleRow)) == 1
        assert unit.db.scalar(select(func.count()).select_from(VisitRow)) == 1


def test_bundles_can_come_in_any_order(agents_round: Round) -> None:
    sealed = [attested(agents_round) for _ in range(4)]
    for place in (2, 0):
        assert agents_round.send(sealed[place]).state == "opened"
    with agents_round.service.reading() as unit:
        assert missing_places(unit.db, agents_round.tablet.id) == [2]
    for place in (3, 1):
        assert agents_round.send(sealed[place]).state == "opened"
    with agents_round.service.reading() as unit:
        assert missing_places(unit.db, agents_round.tablet.id) == []


def test_witnesses_open_a_case_and_certify_no_one(agents_round: Round) -> None:
    row = agents_round.send(attested(agents_round))
    with agents_round.service.reading() as unit:
        assert row.beneficiary_id is not None
        assert open_case_of(unit.db, row.beneficiary_id, CaseKind.VISIT_ATTESTED) is not None
        assert evidence_of(unit.db, row.beneficiary_id) == []
        assert details_of(unit, row)["witnesses"] == WITNESSES


def test_a_death_is_one_source_and_stops_nothing(agents_round: Round) -> None:
    death = {"informant": "Wang", "relation": "neighbour", "died_on": "2026-02-01"}
    paper = [("document", faces.encode(faces.portraits()["eileen_collins"], quality=40))]
    for _ in range(2):
        person = agents_round.enrol()
        assert agents_round.send(agents_round.visit(person, "deceased", paper, death=death)).state in (
            "opened",
            "refused",
        )
        paper = [("document", faces.encode(faces.portraits()["grace_hopper"], quality=40))]
        with agents_round.service.reading() as unit:
            assert {pension.payment for pension in entitlements_of(unit.db, person)} == {"continue"}
            assert {pension.standing for pension in entitlements_of(unit.db, person)} == {"paused"}
            assert open_case_of(unit.db, person, CaseKind.ADVERSE_RECORD) is not None


def test_two_agents_who_report_a_death_are_one_source(service: Service, clock: Clock) -> None:
    first, second = make_round(service, clock), make_round(service, clock, badge="B-2")
    person = first.enrol()
    death = {"informant": "Wang", "relation": "neighbour"}
    for agent, portrait in ((first, "eileen_collins"), (second, "grace_hopper")):
        paper = [("document", faces.encode(faces.portraits()[portrait], quality=40))]
        assert agent.send(agent.visit(person, "deceased", paper, death=death)).state == "opened"
    with service.reading() as unit:
        assert {pension.payment for pension in entitlements_of(unit.db, person)} == {"continue"}


def test_the_same_tablet_comes_again_when_no_one_was_found(agents_round: Round) -> None:
    """The second visit has its own id, so that it does not count as a repetition of the first."""
    person, service = agents_round.enrol(), agents_round.service
    ids = []
    for result in ("not_found", "moved"):
        with service.unit() as unit:
            ask_for_visit(unit, person, on=(unit.now + timedelta(days=5)).date(), part="morning")
            row = visit_of(unit.db, person)
            assert row is not None
            row.state, row.agent_id, row.planned_on = "planned", agents_round.agent, unit.now.date()
            ids.append(row.id)
        assert agents_round.send(agents_round.visit(person, result, visit=ids[-1])).state == "opened"
    with service.reading() as unit:
        first, second = (unit.db.get_one(VisitRow, visit) for visit in ids)
        assert (first.state, first.tries, second.state, second.tries) == ("missed", 0, "made", 1)
        assert (second.wanted_on, second.asked_at) == (first.wanted_on, first.asked_at)
        assert visit_of(unit.db, person) is None


def test_a_missed_visit_is_requested_again_until_an_officer_decides(agents_round: Round) -> None:
    person = agents_round.enrol()
    for tries in (1, 2, 3):
        assert agents_round.send(agents_round.visit(person, "not_found")).state == "opened"
        with agents_round.service.reading() as unit:
            visits = unit.db.scalars(
                select(VisitRow).where(VisitRow.beneficiary_id == person).order_by(VisitRow.tries)
            ).all()
            assert [(visit.state, visit.tries) for visit in visits] == [
                *(("missed", number) for number in range(tries)),
                ("asked", tries),
            ]
            assert (open_case_of(unit.db, person, CaseKind.VISIT_NOT_FOUND) is not None) == (tries == 3)


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_a_clock_that_was_always_wrong_does_no_harm(agents_round: Round, ahead_s: float) -> None:
    agents_round.tablet.ahead_s = ahead_s
    agents_round.clock.advance(timedelta(hours=3))
    row = agents_round.send(attested(agents_round))
    assert row.state == "opened"
    assert row.happened_at == pytest.approx(agents_round.clock() - timedelta(minutes=6), abs=timedelta(seconds=1))


def test_a_person_outside_the_plan_is_found_by_card(agents_round: Round) -> None:
    person = agents_round.enrol()
    who = {"card_number": "card-000001", "how": "card"}
    row = agents_round.send(agents_round.visit(None, "not_found", who=who))
    assert (row.state, row.beneficiary_id) == ("opened", person)
    row = agents_round.send(agents_round.visit(None, "not_found", who={"card_number": "CARD999999", "how": "card"}))
    assert row.reason == "person_unknown"
    row = agents_round.send(agents_round.visit(None, "not_found", who={"card_number": "DOOR-000001", "how": "card"}))
    assert (row.state, row.beneficiary_id) == ("opened", person), "a national id works as well"


def test_a_letter_identifies_a_person_or_is_another_persons(agents_round: Round) -> None:
    person, other = agents_round.enrol(), agents_round.enrol()
    with agents_round.service.unit() as unit:
        letter = new_link(unit, person, timedelta(days=60))
    own = agents_round.send(agents_round.visit(None, "not_found", who={"letter": letter, "how": "letter"}))
    wrong = {"beneficiary": str(other), "letter": letter, "how": "letter"}
    others = agents_round.send(agents_round.visit(other, "not_found", who=wrong))
    with agents_round.service.reading() as unit:
        assert (own.beneficiary_id, details_of(unit, own)["letter_is_theirs"]) == (person, True)
        assert (others.beneficiary_id, details_of(unit, others)["letter_is_theirs"]) == (other, False)


def test_a_bundle_for_an_old_key_is_opened(agents_round: Round) -> None:
    data = attested(agents_round)
    with agents_round.service.unit() as unit:
        rotate_key(unit.db, agents_round.service.vault, Purpose.VISIT, Algorithm.EDDSA, agents_round.clock)
    assert agents_round.send(data).state == "opened"


def test_the_person_visited_gets_a_message(agents_round: Round) -> None:
    agents_round.service = with_ways(agents_round.service, "sms")
    person = agents_round.enrol()
    with agents_round.service.unit() as unit:
        set_contact(unit, person, Contact(phone=PHONE, language="en"))
    data = agents_round.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages")
    for _ in range(2):
        agents_round.send(data)
    agents_round.send(agents_round.visit(person, "not_found"))
    with agents_round.service.reading() as unit:
        (message,) = unit.db.scalars(select(MessageRow)).all()
        assert (message.kind, message.channel) == ("visited", "sms")
        text = open_body(unit, message.id, person, message.sealed or b"").text
        assert "visited you on 2 Mar 2026" in text
        assert "#l=" in text


def test_sessions_of_visits_are_not_attempts_by_phone(agents_round: Round) -> None:
    person = agents_round.enrol()
    photo = faces.encode(faces.portraits()["eileen_collins"])
    row = agents_round.send(agents_round.visit(person, "face", [("photo", photo)]))
    with agents_round.service.reading() as unit:
        session = unit.db.get_one(SessionRow, row.session_id)
        assert (session.channel, session.profile, session.state) == ("doorstep", "doorstep", "submitted")
        assert session.filmed_at == agents_round.clock()

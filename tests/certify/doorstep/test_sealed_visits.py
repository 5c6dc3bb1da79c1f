"""Sealed visits: taken in once, opened once, and refused with a reason when something is wrong with them."""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from certify.certificates.keys import Algorithm
from certify.domain.case_kinds import CaseKind
from certify.doorstep.bundle import MAGIC, Bundle
from certify.doorstep.opening import details_of, open_bundle
from certify.doorstep.receive import admit, give_up_bundle, take_bundle
from certify.doorstep.tablets import TabletRefused, revoke_tablet
from certify.doorstep.visits import ask_for_visit
from certify.errors import Conflict, Invalid
from certify.messages.outbox import open_body
from certify.people.access import new_link
from certify.people.contact import Contact, set_contact
from certify.service import Service
from certify.storage.bundles import missing_places, purge_refused
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
from tests.certify.doorstep.conftest import Round, make_round
from tests.certify.messages.people import PHONE, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration

WITNESSES = [{"name": "Wang", "relation": "neighbour"}, {"name": "Zhao", "relation": "daughter"}]


def attested(agents_round: Round, **more: Any) -> bytes:
    """Seal a visit that needs no photo."""
    person = agents_round.enrol()
    return agents_round.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages", **more)


def test_a_visit_with_a_face_certifies(agents_round: Round, engine: FaceEngine) -> None:
    agents_round.engine = engine
    portrait = faces.portraits()["eileen_collins"]
    person = agents_round.enrol(portrait)
    agents_round.clock.advance(timedelta(days=2))
    photos = [("photo", faces.encode(portrait, quality=quality)) for quality in (90, 80, 70)]
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


def test_bundles_may_come_in_any_order(agents_round: Round) -> None:
    sealed = [attested(agents_round) for _ in range(4)]
    for place in (2, 0):
        assert agents_round.send(sealed[place]).state == "opened"
    with agents_round.service.reading() as unit:
        assert missing_places(unit.db, agents_round.tablet.id) == [2]
    for place in (3, 1):
        assert agents_round.send(sealed[place]).state == "opened"
    with agents_round.service.reading() as unit:
        assert missing_places(unit.db, agents_round.tablet.id) == []


def test_witnesses_certify_nobody_but_ask_an_officer(agents_round: Round) -> None:
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


def test_where_nobody_was_found_the_same_tablet_comes_again(agents_round: Round) -> None:
    """The second time under an id of its own: what was sealed under the first id is not taken for a repetition."""
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


def test_nobody_found_is_tried_again_and_then_asked_about(agents_round: Round) -> None:
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


@pytest.mark.parametrize("at", ["magic", "header", "sealed", "signature"])
def test_a_changed_byte_is_refused_and_kept(agents_round: Round, at: str) -> None:
    data = bytearray(attested(agents_round))
    place = {"magic": 1, "header": 60, "sealed": -200, "signature": -5}[at]
    data[place] ^= 1
    if at in ("magic", "header"):
        # What it says of itself cannot be believed any more; most such changes make it unreadable altogether.
        try:
            row = agents_round.send(bytes(data))
        except (Invalid, TabletRefused):
            return
    else:
        row = agents_round.send(bytes(data))
    assert (row.state, row.reason) == ("refused", "unsigned")
    with agents_round.service.reading() as unit:
        assert unit.db.get_one(BundleRow, row.id).sealed == bytes(data)


def test_bytes_damaged_on_their_way_are_asked_for_again(agents_round: Round) -> None:
    data = attested(agents_round)
    with pytest.raises(Invalid) as refused, agents_round.service.unit() as unit:
        take_bundle(unit, data[:-1] + b"\0", sha256=hashlib.sha256(data).digest(), sent_wall=None)
    assert refused.value.code == "bundle_damaged"


def test_a_visit_sealed_twice_counts_once(agents_round: Round) -> None:
    person, visit = agents_round.enrol(), uuid4()
    sealed = [
        agents_round.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages", visit=visit)
        for _ in range(2)
    ]
    assert [agents_round.send(data).reason for data in sealed] == [None, "visit_repeated"]


def test_a_photo_shows_one_visit_only(agents_round: Round) -> None:
    paper = [("medical", faces.encode(faces.portraits()["eileen_collins"]))]
    rows = [
        agents_round.send(agents_round.visit(agents_round.enrol(), "medical", paper, why_no_face="dementia"))
        for _ in range(2)
    ]
    assert [row.reason for row in rows] == [None, "media_repeated"]


def test_a_place_in_the_chain_is_taken_once(agents_round: Round) -> None:
    before = agents_round.tablet.seq, agents_round.tablet.last
    first = attested(agents_round)
    agents_round.tablet.seq, agents_round.tablet.last = before
    inserted = attested(agents_round)
    assert [agents_round.send(data).reason for data in (first, inserted)] == [None, "place_taken"]


def test_a_link_to_another_visit_is_broken(agents_round: Round) -> None:
    first = attested(agents_round)
    agents_round.tablet.last = bytes(32)
    second = attested(agents_round)
    assert [agents_round.send(data).reason for data in (first, second)] == [None, "chain_broken"]


def test_a_broken_link_shows_also_the_other_way_round(agents_round: Round) -> None:
    first = attested(agents_round)
    agents_round.tablet.last = bytes(32)
    second = attested(agents_round)
    assert [agents_round.send(data).reason for data in (second, first)] == [None, "chain_broken"]


def test_a_revoked_tablet_is_refused_kept_and_can_be_let_in(agents_round: Round) -> None:
    data = attested(agents_round)
    with agents_round.service.unit() as unit:
        revoke_tablet(unit, agents_round.tablet.id, officer="officer")
    row = agents_round.send(data)
    assert (row.state, row.reason) == ("refused", "tablet_revoked")
    with agents_round.service.unit() as unit:
        admit(unit, row.id, officer="officer")
    assert open_bundle(agents_round.service, row.id).state == "opened"


def test_a_suspended_agent_certifies_nobody(agents_round: Round) -> None:
    data = attested(agents_round)
    agents_round.suspend()
    assert agents_round.send(data).reason == "tablet_revoked"


def test_an_unknown_tablet_is_told_so(agents_round: Round) -> None:
    agents_round.tablet.id = uuid4()
    with pytest.raises(TabletRefused):
        agents_round.send(attested(agents_round))


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0])
def test_a_clock_that_was_always_wrong_does_no_harm(agents_round: Round, ahead_s: float) -> None:
    agents_round.tablet.ahead_s = ahead_s
    agents_round.clock.advance(timedelta(hours=3))
    row = agents_round.send(attested(agents_round))
    assert row.state == "opened"
    assert row.happened_at == pytest.approx(agents_round.clock() - timedelta(minutes=6), abs=timedelta(seconds=1))


def test_a_clock_that_was_moved_is_refused_and_can_be_let_in(agents_round: Round) -> None:
    agents_round.clock.advance(timedelta(hours=3))
    person = agents_round.enrol()
    entries = agents_round.entries(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages")
    for name in ("began", "sealed"):
        entries["clocks"][name]["wall_ms"] -= 2 * 3600 * 1000  # two hours back, by hand
    row = agents_round.send(agents_round.tablet.seal(uuid4(), entries))
    assert (row.state, row.reason) == ("refused", "clock_wrong")
    with agents_round.service.unit() as unit:
        admit(unit, row.id, officer="officer")
    assert open_bundle(agents_round.service, row.id).state == "opened"


def test_a_clock_moved_before_the_page_was_opened_shows_when_it_is_sent(agents_round: Round) -> None:
    agents_round.clock.advance(timedelta(hours=3))
    person, now = agents_round.enrol(), agents_round.clock()
    entries = agents_round.entries(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages")
    agents_round.tablet.ahead_s = 3600
    entries["clocks"] = entries["clocks"] | {
        name: stamp | {"page": "another-page"}
        for name, stamp in agents_round.tablet.clocks(now - timedelta(minutes=5), now).items()
        if name in ("began", "sealed")
    }
    assert agents_round.send(agents_round.tablet.seal(uuid4(), entries)).reason == "clock_wrong"


def test_a_time_that_nobody_signed_is_refused(agents_round: Round) -> None:
    agents_round.tablet.anchor = agents_round.tablet.anchor[:-1] + "0"
    reasons = {agents_round.send(attested(agents_round)).reason, "time_unsigned"}
    assert reasons <= {"time_unsigned", None}


@pytest.mark.parametrize(
    "changed",
    [
        {"witnesses": WITNESSES[:1]},
        {"why_no_face": ""},
        {"statement": "2020-01"},
        {"place": {"latitude": 91, "longitude": 0, "accuracy_m": 1}},
        {"unknown": 1},
        {"result": "deceased"},
        {"result": "face", "consent": True},
        {"result": "medical"},
    ],
)
def test_what_is_not_complete_is_refused(agents_round: Round, changed: dict[str, object]) -> None:
    person = agents_round.enrol()
    entries = agents_round.entries(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages") | changed
    row = agents_round.send(agents_round.tablet.seal(uuid4(), entries))
    assert (row.state, row.reason) == ("refused", "visit_incomplete")


def test_somebody_who_was_not_in_the_plan_is_found_by_card(agents_round: Round) -> None:
    person = agents_round.enrol()
    who = {"card_number": "card-000001", "how": "card"}
    row = agents_round.send(agents_round.visit(None, "not_found", who=who))
    assert (row.state, row.beneficiary_id) == ("opened", person)
    row = agents_round.send(agents_round.visit(None, "not_found", who={"card_number": "CARD999999", "how": "card"}))
    assert row.reason == "person_unknown"
    row = agents_round.send(agents_round.visit(None, "not_found", who={"card_number": "DOOR-000001", "how": "card"}))
    assert (row.state, row.beneficiary_id) == ("opened", person), "some show their identity card"


def test_a_letter_says_who_it_is_or_that_it_is_somebody_elses(agents_round: Round) -> None:
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


def test_refused_bundles_go_after_their_time(agents_round: Round) -> None:
    data = attested(agents_round)
    with agents_round.service.unit() as unit:
        revoke_tablet(unit, agents_round.tablet.id, officer="officer")
    row = agents_round.send(data)
    agents_round.clock.advance(timedelta(days=181))
    with agents_round.service.unit() as unit:
        purge_refused(unit.db, unit.now)
    with agents_round.service.reading() as unit:
        assert unit.db.get_one(BundleRow, row.id).sealed is None
    with pytest.raises(Conflict), agents_round.service.unit() as unit:
        admit(unit, row.id, officer="officer")


def test_only_some_refusals_can_be_lifted(agents_round: Round) -> None:
    data = bytearray(attested(agents_round))
    data[-1] ^= 1
    row = agents_round.send(bytes(data))
    with pytest.raises(Conflict), agents_round.service.unit() as unit:
        admit(unit, row.id, officer="officer")


def test_a_bundle_on_which_the_worker_keeps_failing_ends_before_a_person(agents_round: Round) -> None:
    data = attested(agents_round)
    with agents_round.service.unit() as unit:
        row = take_bundle(unit, data, sha256=hashlib.sha256(data).digest(), sent_wall=None)
        give_up_bundle(unit, row.id)
    assert open_bundle(agents_round.service, row.id).reason == "keeps_failing"
    with agents_round.service.unit() as unit:
        admit(unit, row.id, officer="officer")
    assert open_bundle(agents_round.service, row.id).state == "opened"
    with agents_round.service.unit() as unit:
        give_up_bundle(unit, row.id)
    assert open_bundle(agents_round.service, row.id).state == "opened"


def test_nobody_fills_the_disk_in_a_tablets_name(agents_round: Round) -> None:
    data = attested(agents_round)
    for number in range(20):
        assert agents_round.send(data[:-2] + number.to_bytes(2)).reason == "unsigned"
    with pytest.raises(Invalid) as refused:
        agents_round.send(data[:-2] + b"\xff\xff")
    assert refused.value.code == "bundle_unsigned"


@pytest.mark.parametrize("wrong", [{"key": "a\0"}, {"key": "\ud800"}, {"key": ""}, {"seq": True}, {"seq": 1.0}])
def test_headers_hold_nothing_that_cannot_be(wrong: dict[str, object]) -> None:
    header = {"tablet": str(uuid4()), "visit": str(uuid4()), "seq": 1, "previous": "00" * 32, "key": "k"}
    for fields, refused in ((header, False), (header | wrong, True)):
        text = json.dumps(fields).encode()
        data = MAGIC + len(text).to_bytes(4) + text + bytes(200)
        with pytest.raises(Invalid) if refused else nullcontext():
            Bundle.parse(data)


@given(st.binary(max_size=400))
def test_rubbish_is_no_bundle(data: bytes) -> None:
    for prefix in (b"", b"CERTIFYV1\n", b"CERTIFYV1\n\0\0\0\x02{}", b"CERTIFYV1\n\0\0\0\x04null"):
        with pytest.raises(Invalid):
            Bundle.parse(prefix + data)


def test_whoever_was_visited_is_told(agents_round: Round) -> None:
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

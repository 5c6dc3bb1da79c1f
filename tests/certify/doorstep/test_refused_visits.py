"""Sealed visits that do not count: refused with a reason, kept for inquiry, and admitted by an officer."""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.doorstep.bundle import MAGIC, Bundle
from certify.doorstep.opening import open_bundle
from certify.doorstep.receive import admit, give_up_bundle, take_bundle
from certify.doorstep.tablets import TabletRefused, revoke_tablet
from certify.errors import Conflict, Invalid
from certify.storage.bundles import purge_refused
from certify.storage.tables.doorstep import BundleRow
from fixtures import faces
from tests.certify.doorstep.conftest import WITNESSES, Round, attested

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("at", ["magic", "header", "sealed", "signature"])
def test_a_changed_byte_is_refused_and_kept(agents_round: Round, at: str) -> None:
    data = bytearray(attested(agents_round))
    place = {"magic": 1, "header": 60, "sealed": -200, "signature": -5}[at]
    data[place] ^= 1
    if at in ("magic", "header"):
        # Most changes of the header make the bundle unreadable.
        try:
            row = agents_round.send(bytes(data))
        except (Invalid, TabletRefused):
            return
    else:
        row = agents_round.send(bytes(data))
    assert (row.state, row.reason) == ("refused", "unsigned")
    with agents_round.service.reading() as unit:
        assert unit.db.get_one(BundleRow, row.id).sealed == bytes(data)


def test_bytes_damaged_in_transit_are_requested_again(agents_round: Round) -> None:
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


def test_a_broken_link_also_shows_in_the_other_order(agents_round: Round) -> None:
    first = attested(agents_round)
    agents_round.tablet.last = bytes(32)
    second = attested(agents_round)
    assert [agents_round.send(data).reason for data in (second, first)] == [None, "chain_broken"]


def test_a_visit_from_a_revoked_tablet_is_refused_and_can_be_admitted(agents_round: Round) -> None:
    data = attested(agents_round)
    with agents_round.service.unit() as unit:
        revoke_tablet(unit, agents_round.tablet.id, officer="officer")
    row = agents_round.send(data)
    assert (row.state, row.reason) == ("refused", "tablet_revoked")
    with agents_round.service.unit() as unit:
        admit(unit, row.id, officer="officer")
    assert open_bundle(agents_round.service, row.id).state == "opened"


def test_a_suspended_agent_certifies_no_one(agents_round: Round) -> None:
    data = attested(agents_round)
    agents_round.suspend()
    assert agents_round.send(data).reason == "tablet_revoked"


def test_an_unknown_tablet_gets_an_error(agents_round: Round) -> None:
    agents_round.tablet.id = uuid4()
    with pytest.raises(TabletRefused):
        agents_round.send(attested(agents_round))


def test_a_visit_with_a_moved_clock_is_refused_and_can_be_admitted(agents_round: Round) -> None:
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


def test_a_time_that_was_not_signed_is_refused(agents_round: Round) -> None:
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
def test_an_incomplete_visit_is_refused(agents_round: Round, changed: dict[str, object]) -> None:
    person = agents_round.enrol()
    entries = agents_round.entries(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages") | changed
    row = agents_round.send(agents_round.tablet.seal(uuid4(), entries))
    assert (row.state, row.reason) == ("refused", "visit_incomplete")


def test_refused_bundles_are_deleted_after_their_retention_time(agents_round: Round) -> None:
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


def test_a_bundle_that_keeps_failing_is_refused_and_can_be_admitted(agents_round: Round) -> None:
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


def test_unsigned_bundles_in_a_tablets_name_are_limited(agents_round: Round) -> None:
    data = attested(agents_round)
    for number in range(20):
        assert agents_round.send(data[:-2] + number.to_bytes(2)).reason == "unsigned"
    with pytest.raises(Invalid) as refused:
        agents_round.send(data[:-2] + b"\xff\xff")
    assert refused.value.code == "bundle_unsigned"


@pytest.mark.parametrize("wrong", [{"key": "a\0"}, {"key": "\ud800"}, {"key": ""}, {"seq": True}, {"seq": 1.0}])
def test_headers_with_impossible_values_are_refused(wrong: dict[str, object]) -> None:
    header = {"tablet": str(uuid4()), "visit": str(uuid4()), "seq": 1, "previous": "00" * 32, "key": "k"}
    for fields, refused in ((header, False), (header | wrong, True)):
        text = json.dumps(fields).encode()
        data = MAGIC + len(text).to_bytes(4) + text + bytes(200)
        with pytest.raises(Invalid) if refused else nullcontext():
            Bundle.parse(data)


@given(st.binary(max_size=400))
def test_random_bytes_are_no_bundle(data: bytes) -> None:
    for prefix in (b"", b"CERTIFYV1\n", b"CERTIFYV1\n\0\0\0\x02{}", b"CERTIFYV1\n\0\0\0\x04null"):
        with pytest.raises(Invalid):
            Bundle.parse(prefix + data)

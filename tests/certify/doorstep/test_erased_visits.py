"""Visits to a person who is erased: their sealed bytes are deleted, before, during and after the erasure."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from certify.approvals.erase import erase
from certify.doorstep.opening import open_bundle
from certify.doorstep.tablets import revoke_tablet
from certify.people.access import new_link
from certify.storage.tables.doorstep import BundleRow, VisitRow
from certify.storage.tables.sessions import BlobRow
from fixtures import faces
from tests.certify.doorstep.conftest import WITNESSES, Round

pytestmark = pytest.mark.integration


def test_an_erased_person_leaves_no_media_and_no_sealed_visit(agents_round: Round) -> None:
    person = agents_round.enrol()
    paper = [("medical", faces.encode(faces.portraits()["eileen_collins"]))]
    row = agents_round.send(agents_round.visit(person, "medical", paper, why_no_face="dementia"))
    late = agents_round.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages")
    with agents_round.service.unit() as unit:
        erase(unit, person)
    with agents_round.service.reading() as unit:
        assert unit.db.scalars(select(BlobRow)).all() == []
    refused = agents_round.send(late)
    assert refused.reason == "person_erased"
    with agents_round.service.reading() as unit:
        kept = unit.db.get_one(BundleRow, refused.id)
        assert kept.sealed is None
        assert unit.db.get_one(BundleRow, row.id).sealed is None


def test_refused_visits_are_deleted_with_the_person(agents_round: Round) -> None:
    person = agents_round.enrol()
    visit = uuid4()
    with agents_round.service.unit() as unit:
        row = VisitRow(id=visit, beneficiary_id=person, state="planned", asked_at=unit.now, agent_id=agents_round.agent)
        unit.db.add(row)
        revoke_tablet(unit, agents_round.tablet.id, officer="officer")
    refused = agents_round.send(agents_round.visit(person, "not_found", visit=visit))
    with agents_round.service.unit() as unit:
        erase(unit, person)
    late = agents_round.send(agents_round.visit(person, "not_found", visit=visit))
    assert late.reason == "tablet_revoked"
    with agents_round.service.reading() as unit:
        for row_id in (refused.id, late.id):
            assert unit.db.get_one(BundleRow, row_id).sealed is None, "also a visit that comes in after the erasure"


def test_a_visit_refused_during_the_erasure_is_deleted_too(agents_round: Round) -> None:
    """The worker has locked the bundle during the erasure, and then refuses it for its clock."""
    person, service = agents_round.enrol(), agents_round.service
    visit = uuid4()
    with service.unit() as unit:
        row = VisitRow(id=visit, beneficiary_id=person, state="planned", asked_at=unit.now, agent_id=agents_round.agent)
        unit.db.add(row)
    agents_round.clock.advance(timedelta(hours=3))
    for planned in (True, False):
        entries = agents_round.entries(person, "not_found")
        for name in ("began", "sealed"):
            entries["clocks"][name]["wall_ms"] -= 2 * 3600 * 1000
        bundle = agents_round.take(agents_round.tablet.seal(visit if planned else uuid4(), entries))
        with service.database.engine.connect() as worker:
            worker.execute(select(BundleRow.id).where(BundleRow.id == bundle.id).with_for_update())
            with service.unit() as unit:
                erase(unit, person)
        refused = open_bundle(service, bundle.id)
        assert refused.reason == "clock_wrong"
        with service.reading() as unit:
            assert unit.db.get_one(BundleRow, bundle.id).sealed is None


def test_an_unsigned_bundle_is_not_read(agents_round: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone who knows the id of a tablet can send one; the service then decrypts nothing and locks no person."""
    person = agents_round.enrol()
    with agents_round.service.unit() as unit:
        erase(unit, person)
    data = agents_round.visit(person, "not_found")
    monkeypatch.setattr("certify.doorstep.identify.unseal", lambda *_: pytest.fail("it was read"))
    row = agents_round.take(data[:-1] + bytes([data[-1] ^ 1]))
    with agents_round.service.reading() as unit:
        assert (row.reason, unit.db.get_one(BundleRow, row.id).sealed is None) == ("unsigned", False)


def test_visits_outside_the_plan_are_deleted_too(agents_round: Round) -> None:
    """Whether refused or waiting, by card or by letter; but only those of the erased person."""
    person, other = agents_round.enrol(), agents_round.enrol()
    with agents_round.service.unit() as unit:
        letter = new_link(unit, person, timedelta(days=60))
    theirs = {"card_number": "CARD000001", "how": "card"}
    waiting = agents_round.take(agents_round.visit(None, "not_found", who=theirs))
    unreadable = agents_round.take(agents_round.tablet.seal(uuid4(), {"rubbish": True}))
    with agents_round.service.unit() as unit:
        revoke_tablet(unit, agents_round.tablet.id, officer="officer")
    # Anyone who knows the id of a tablet can send a bundle that it did not make; it does not stop the erasure.
    tablet = agents_round.tablet
    strange = agents_round.take(tablet.envelope(uuid4(), 1, bytes(32), b"x")[:-1] + b"x")
    assert strange.reason == "unsigned"
    refused = [
        agents_round.take(agents_round.visit(None, "not_found", who=who))
        for who in (theirs, {"letter": letter, "how": "letter"}, {"beneficiary": str(person), "how": "name"})
    ]
    kept = agents_round.take(agents_round.visit(None, "not_found", who={"beneficiary": str(other), "how": "name"}))
    with agents_round.service.unit() as unit:
        erase(unit, person)
    with agents_round.service.reading() as unit:
        for row in (waiting, *refused):
            assert unit.db.get_one(BundleRow, row.id).sealed is None
        for row in (unreadable, kept):
            assert unit.db.get_one(BundleRow, row.id).sealed is not None
    assert open_bundle(agents_round.service, waiting.id).reason == "person_erased"

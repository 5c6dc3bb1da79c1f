"""Requests of careless or dishonest callers that must have no effect, or not the wanted one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from certify.capture.evaluate import evaluate_session
from certify.doorstep.traces import note_face
from certify.issuers.tokens import Role, development_signer
from certify.people.references import measure_reference
from certify.service import Service
from certify.storage.sessions import get_session
from certify.workers.housekeeping import run_housekeeping
from fixtures import faces
from tests.api.conftest import ENROLMENT, WHY, Caller, World

pytestmark = [pytest.mark.integration, pytest.mark.photos_certify]


def _record(source: str, number: str, **what: str) -> dict[str, str]:
    event = datetime(2026, 1, 10, tzinfo=UTC).isoformat()
    return {"source": source, "record_id": number, "event_at": event, **what}


def _standing(world: World, person: str) -> tuple[str, str]:
    entitlement = world.officer.get(f"/v1/beneficiaries/{person}").json()["entitlements"][0]
    return entitlement["standing"], entitlement["payment"]


def test_a_registry_cannot_write_for_another(world: World, collins: Any, service: Service, client: TestClient) -> None:
    person = world.enrol(faces.encode(collins))
    token = development_signer(service.settings).issue(
        subject="registry", role=Role.REGISTRY, now=service.clock(), lifetime=timedelta(hours=1), sources=["hospital"]
    )
    hospital = Caller(client, token)
    path = f"/v1/beneficiaries/{person}/records"
    assert hospital.post(path, _record("hospital", "1", adverse="death")).status_code == 201
    for source in ("civil-registry", "Hospital", "certify", "officer"):
        answer = hospital.post(path, _record(source, "1", adverse="death"))
        assert answer.status_code in (403, 422), source
    assert _standing(world, person) == ("paused", "continue")


@pytest.mark.parametrize("source", ["certify", "officer", "officer.anna"])
def test_the_service_s_own_sources_cannot_be_forged(world: World, client: TestClient, source: str) -> None:
    person = world.enroller.post("/v1/beneficiaries", ENROLMENT).json()["id"]
    token = development_signer(world.service.settings).issue(
        subject="forger", role=Role.REGISTRY, now=world.service.clock(), lifetime=timedelta(hours=1), sources=[source]
    )
    body = _record(source, "session.1", act="hospital_stay")
    answer = Caller(client, token).post(f"/v1/beneficiaries/{person}/records", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "source_reserved")
    answer = world.officer.post(f"/v1/beneficiaries/{person}/records", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "source_not_yours")


def test_a_record_number_cannot_change_its_meaning(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    path = f"/v1/beneficiaries/{person}/records"
    first = _record("civil-registry", "X8", adverse="residence_abroad")
    assert world.registry.post(path, first).status_code == 201
    assert world.registry.post(path, first).status_code == 201, "the same again is a repeat"
    answer = world.registry.post(path, first | {"adverse": "death"})
    assert (answer.status_code, answer.json()["code"]) == (409, "record_changed")


def test_a_revoked_certificate_stays_revoked_until_there_is_a_new_proof(world: World, collins: Any, clock: Any) -> None:
    person = world.enrol(faces.encode(collins))
    _, result = world.attempt(person, faces.rephotograph(collins, seed=1))
    number = result["certificate_number"]
    world.decide(f"/v1/certificates/{number}/revoke")
    path = f"/v1/beneficiaries/{person}/records"
    world.registry.post(path, _record("civil-registry", "L1", act="online_login"))
    _, again = world.attempt(person, faces.no_face(seed=1))
    assert again["certificate_number"] is None
    assert world.officer.get(f"/v1/certificates/{number}").json()["state"] == "revoked"
    clock.advance(timedelta(hours=7, minutes=30))  # past midnight in Shanghai: a proof of another day
    _, renewed = world.attempt(person, faces.rephotograph(collins, seed=2))
    assert renewed["certificate_number"] not in (None, number)


def test_the_face_of_another_person_is_refused_as_a_reference(world: World, collins: Any, hopper: Any) -> None:
    person = world.enrol(faces.encode(collins))
    path = f"/v1/beneficiaries/{person}/references"
    for photo, state in ((faces.encode(hopper), "refused"), (faces.rephotograph(collins, seed=4), "active")):
        answer = world.officer.post(path, content=photo)
        measure_reference(world.service, world.engine, UUID(answer.json()["id"]))
        states = {r["id"]: r["state"] for r in world.officer.get(path).json()}
        assert states[answer.json()["id"]] == state
    refused = next(r for r in world.officer.get(path).json() if r["state"] == "refused")
    assert refused["guidance"][0]["code"] == "another_face"


def test_a_false_death_ruled_on_can_be_appealed(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    path = f"/v1/beneficiaries/{person}/records"
    world.registry.post(path, _record("civil-registry", "D1", adverse="death"))
    case = world.officer.get("/v1/review-cases").json()["items"][0]
    world.rule(case["id"], "stop")
    assert _standing(world, person) == ("stopped", "stop")
    assert world.officer.get("/v1/review-cases").json()["items"] == [], "a ruled record opens no second case"
    appeal = world.officer.post("/v1/review-cases", {"beneficiary_id": person, "kind": "appeal"})
    assert appeal.status_code == 201
    twice = world.officer.post("/v1/review-cases", {"beneficiary_id": person, "kind": "appeal"})
    assert twice.json()["id"] == appeal.json()["id"]
    world.registry.post(path, _record("civil-registry", "D1-void", voids="D1"))
    assert [c["kind"] for c in world.officer.get("/v1/review-cases").json()["items"]] == ["appeal"]
    world.rule(appeal.json()["id"], "confirm_alive")
    assert _standing(world, person) == ("certified", "continue")


def test_a_ruling_that_a_person_is_alive_does_not_end_residence_abroad(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins), schemes=("resident",))
    path = f"/v1/beneficiaries/{person}/records"
    world.registry.post(path, _record("household-register", "R1", adverse="residence_abroad"))
    world.registry.post(path, _record("civil-registry", "D1", adverse="death"))
    case = world.officer.get("/v1/review-cases").json()["items"][0]
    world.rule(case["id"], "confirm_alive")
    assert _standing(world, person) == ("certified", "continue")
    _, result = world.attempt(person, faces.rephotograph(collins, seed=1))
    assert result["outcome"] == "other_path", "the move abroad still stands"


def test_erasure_ends_waiting_sessions_and_empties_certificates(world: World, collins: Any, clock: Any) -> None:
    person = world.enrol(faces.encode(collins))
    phone, result = world.attempt(person, faces.rephotograph(collins, seed=1))
    opened = world.send(person, faces.rephotograph(collins, seed=2))
    world.erase(person)
    answer = phone.get(f"/v1/certificates/{result['certificate_number']}")
    assert (answer.status_code, answer.json()["code"]) == (410, "person_erased")
    assert evaluate_session(world.service, world.engine, UUID(opened), notice=note_face).state == "expired"
    entitlement = world.officer.get(f"/v1/beneficiaries/{person}").json()["entitlements"][0]
    assert entitlement["standing"] is None


def test_a_photo_that_waits_for_the_worker_is_not_purged(world: World, collins: Any, clock: Any) -> None:
    person = world.enrol(faces.encode(collins))
    opened = world.send(person, faces.rephotograph(collins, seed=2))
    clock.advance(timedelta(days=60))
    run_housekeeping(world.service)
    with world.service.reading() as unit:
        assert get_session(unit.db, UUID(opened)).blob_id is not None
    assert evaluate_session(world.service, world.engine, UUID(opened), notice=note_face).outcome == "certified"


def test_enrolling_the_same_person_at_once_is_a_conflict_and_logs_no_names(
    call: Callable[[Role], Caller], caplog: pytest.LogCaptureFixture
) -> None:
    enroller = call(Role.ENROLLER)
    person = {
        "national_id": "RACE0001",
        "name": "Secret Name",
        "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01"}],
    }
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: enroller.post("/v1/beneficiaries", person, key=f"race-{n:04}"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert "Secret" not in caplog.text


def test_the_ledger_names_the_caller_of_each_entry(world: World, collins: Any) -> None:
    world.enrol(faces.encode(collins))
    entries = [world.auditor.get(f"/v1/ledger/entries/{index}?size=3").json()["entry"] for index in range(3)]
    assert all('"by":"' in entry for entry in entries)
    assert any("test-enroller" in entry and "person_enrolled" in entry for entry in entries)


def test_no_change_is_refused_while_the_cause_of_a_case_stands(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    world.attempt(person, faces.rephotograph(collins, seed=1))
    world.registry.post(f"/v1/beneficiaries/{person}/records", _record("civil-registry", "D-1", adverse="death"))
    case = next(c for c in world.officer.get("/v1/review-cases").json()["items"] if c["beneficiary_id"] == person)
    refused = world.officer.post(f"/v1/review-cases/{case['id']}/ruling", {"ruling": "no_change"} | WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "cause_stands")
    assert world.officer.get(f"/v1/review-cases/{case['id']}").json()["state"] == "open"
    asked = {"beneficiary_id": person, "kind": "proof_in_person"}
    opened = world.officer.post("/v1/review-cases", asked).json()
    own = world.officer.post(f"/v1/review-cases/{opened['id']}/ruling", {"ruling": "no_change"} | WHY)
    assert (own.status_code, own.json()["code"]) == (409, "second_officer_needed"), "who opened it does not close it"
    closed = world.colleague.post(f"/v1/review-cases/{opened['id']}/ruling", {"ruling": "no_change"} | WHY)
    assert closed.status_code == 200
    assert closed.json()["case"]["resolution"] == "no_change"
    assert closed.json()["beneficiary"]["entitlements"][0]["standing"] == "paused"

"""The main journeys over HTTP, with real faces and a real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certify.certificates import KeySet, merkle
from certify.certificates.checkpoint import verify_checkpoint
from certify.certificates.note import NoteKey
from certify.certificates.picture import read_qr
from certify.certificates.verify import verify_any
from fixtures import faces
from tests.api.conftest import WHY, Caller, World

pytestmark = pytest.mark.integration


def _death(source: str, record_id: str = "D-1") -> dict[str, str]:
    event = datetime(2026, 1, 10, tzinfo=UTC).isoformat()
    return {"source": source, "record_id": record_id, "event_at": event, "adverse": "death"}


def test_a_film_becomes_a_certificate_that_verifies_everywhere(world: World, collins: Any, film: bytes) -> None:
    person = world.enrol(faces.encode(collins), schemes=("employee", "personal_pension"))
    phone, result = world.film(person, film)
    assert result["state"] == "decided"
    assert result["outcome"] == "certified"
    assert len(result["determinations"]) == 2

    number = result["certificate_number"]
    certificate = phone.get(f"/v1/certificates/{number}").json()
    assert certificate["state"] == "valid"
    assert {e["scheme"] for e in certificate["content"]["entitlements"]} == {"employee", "personal_pension"}
    assert certificate["content"]["assurance"]["value"] == "face+liveness"
    shown = world.payer.get(f"/v1/standings/{person}").json()["pensions"][0]
    assert (shown["method"], shown["assurance"]) == ("remote", "face+liveness")

    keys = KeySet.from_json(world.public.get("/v1/keys").text)
    now = world.service.clock()
    assert verify_any(certificate["text"], keys, now).state == "valid"
    png = phone.get(f"/v1/certificates/{number}/qr")
    assert png.headers["content-type"] == "image/png"
    assert read_qr(png.content) == certificate["text"]
    pdf = phone.get(f"/v1/certificates/{number}/pdf")
    assert verify_any(pdf.content, keys, now).certificate.number == number

    verdict = world.public.post("/v1/verify", {"text": certificate["text"]}).json()
    assert (verdict["state"], verdict["accept"]) == ("valid", True)
    assert (verdict["method"], verdict["assurance"]) == ("remote_face", "face+liveness")

    determination = phone.get(f"/v1/determinations/{result['determinations'][0]}").json()
    assert determination["standing"] == "certified"
    assert "proven_remote" in {reason["code"] for reason in determination["reasons"]}
    history = world.auditor.get(f"/v1/beneficiaries/{person}/determinations").json()["items"]
    assert determination["id"] in {item["id"] for item in history}

    world.decide(f"/v1/certificates/{number}/revoke")
    assert world.officer.get(f"/v1/certificates/{number}").json()["state"] == "revoked"
    verdict = world.public.post("/v1/verify", {"text": certificate["text"]}).json()
    assert (verdict["state"], verdict["accept"]) == ("revoked", False)
    again = world.officer.post(f"/v1/certificates/{number}/revoke", WHY)
    assert (again.status_code, again.json()["code"]) == (409, "certificate_not_in_force")


def test_an_impostor_is_not_certified_and_may_retry(world: World, collins: Any, hopper: Any) -> None:
    person = world.enrol(faces.encode(collins))
    _, result = world.attempt(person, faces.rephotograph(hopper, seed=2))
    assert result["outcome"] == "retry"
    assert result["certificate_number"] is None
    shown = world.officer.get(f"/v1/beneficiaries/{person}").json()["entitlements"][0]
    assert shown["payment"] == "continue"
    assert shown["next_step"] == "retry"


def test_after_three_failures_a_visit_is_offered(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    outcomes = [world.attempt(person, faces.no_face(seed=n))[1]["outcome"] for n in range(3)]
    assert outcomes == ["retry", "retry", "doorstep"]


@pytest.mark.parametrize("what", ["no face", "two faces", "dark", "tiny"])
def test_unusable_photos_are_answered_with_what_to_do(world: World, collins: Any, hopper: Any, what: str) -> None:
    photo = {
        "no face": lambda: faces.no_face(seed=1),
        "two faces": lambda: faces.two_faces(collins, hopper),
        "dark": lambda: faces.far_too_dark(collins),
        "tiny": lambda: faces.tiny(collins),
    }[what]()
    person = world.enrol(faces.encode(collins))
    _, result = world.attempt(person, photo)
    assert result["outcome"] == "retry"
    code = {"no face": "no_face", "two faces": "several_faces", "dark": "too_dark", "tiny": "come_closer"}[what]
    assert result["guidance"][0]["code"] == code
    assert result["guidance"][0]["text"].endswith(".")


@pytest.mark.photos_certify
def test_one_death_record_pauses_two_sources_stop_and_a_void_restores(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    _, result = world.attempt(person, faces.rephotograph(collins, seed=1))
    number = result["certificate_number"]

    def standing() -> tuple[str, str]:
        entitlement = world.officer.get(f"/v1/beneficiaries/{person}").json()["entitlements"][0]
        return entitlement["standing"], entitlement["payment"]

    def state() -> str:
        shown: str = world.officer.get(f"/v1/certificates/{number}").json()["state"]
        return shown

    def owed_until() -> str | None:
        shown: str | None = world.payer.get(f"/v1/standings/{person}").json()["pensions"][0]["owed_until"]
        return shown

    path = f"/v1/beneficiaries/{person}/records"
    assert world.registry.post(path, _death("civil-registry")).status_code == 201
    assert standing() == ("paused", "continue")
    assert owed_until() is None, "one report ends nothing"
    assert state() == "paused"
    cases = world.officer.get("/v1/review-cases").json()["items"]
    assert [case["kind"] for case in cases if case["beneficiary_id"] == person] == ["adverse_record"]

    _, result = world.attempt(person, faces.rephotograph(collins, seed=3))
    assert result["outcome"] == "review"
    # The same source again is not a second source.
    world.registry.post(path, _death("civil-registry", "D-2"))
    assert standing() == ("paused", "continue")
    world.hospital.post(path, _death("hospital"))
    assert standing() == ("stopped", "stop")
    assert owed_until() == "2026-01-31"
    assert state() == "revoked"

    for source, void_of in (("civil-registry", "D-1"), ("civil-registry", "D-2"), ("hospital", "D-1")):
        void = {"source": source, "record_id": f"V-{void_of}", "event_at": "2026-01-12T00:00:00Z", "voids": void_of}
        assert world.registry.post(path, void).status_code == 201
    assert standing() == ("certified", "continue")
    assert owed_until() is None
    assert world.officer.get("/v1/review-cases").json()["items"] == []


def test_an_officer_confirms_life_or_stops(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    world.registry.post(f"/v1/beneficiaries/{person}/records", _death("civil-registry"))
    case = world.officer.get("/v1/review-cases").json()["items"][0]
    entitlement = world.rule(case["id"], "confirm_alive")["entitlements"][0]
    assert world.officer.get(f"/v1/review-cases/{case['id']}").json()["state"] == "closed"
    assert (entitlement["standing"], entitlement["payment"]) == ("certified", "continue")
    again = world.officer.post(f"/v1/review-cases/{case['id']}/ruling", {"ruling": "stop"} | WHY)
    assert (again.status_code, again.json()["code"]) == (409, "review_case_closed")

    world.registry.post(f"/v1/beneficiaries/{person}/records", _death("hospital", "D-9"))
    case = world.officer.get("/v1/review-cases").json()["items"][0]
    assert world.rule(case["id"], "stop")["entitlements"][0]["payment"] == "stop"


def test_living_abroad_asks_for_another_path_where_residence_matters(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins), schemes=("resident",))
    abroad = _death("household-register") | {"adverse": "residence_abroad"}
    world.registry.post(f"/v1/beneficiaries/{person}/records", abroad)
    _, result = world.attempt(person, faces.rephotograph(collins, seed=1))
    assert result["outcome"] == "other_path"
    determination = world.officer.get(f"/v1/determinations/{result['determinations'][0]}").json()
    assert determination["channels"] == ["consulate", "officer"]
    assert determination["payment"] == "continue"


def test_erasure_removes_name_birth_date_references_and_identifier(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    world.attempt(person, faces.rephotograph(collins, seed=1))
    world.erase(person)
    shown = world.officer.get(f"/v1/beneficiaries/{person}").json()
    assert (shown["name"], shown["birth_date"], shown["erased"]) == (None, None, True)
    assert world.officer.get(f"/v1/beneficiaries/{person}/references").json() == []
    refused = world.officer.post("/v1/sessions", {"beneficiary_id": person})
    assert (refused.status_code, refused.json()["code"]) == (410, "person_erased")
    lookup = world.officer.post("/v1/beneficiaries/lookup", {"national_id": "TEST0001"})
    assert lookup.status_code == 404


@pytest.mark.photos_certify
def test_the_ledger_proves_its_entries(world: World, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    first = world.public.get("/v1/ledger/checkpoint").text
    world.attempt(person, faces.rephotograph(collins, seed=1))
    second = world.public.get("/v1/ledger/checkpoint").text
    key = KeySet.from_json(world.public.get("/v1/ledger/keys").text).keys[0].key
    origin = world.service.settings.ledger_origin
    old, new = (verify_checkpoint(note, NoteKey(origin, key)) for note in (first, second))
    assert 0 < old.size < new.size
    proof = world.auditor.get(f"/v1/ledger/consistency?old={old.size}&new={new.size}").json()["proof"]
    assert merkle.verify_consistency(
        old_size=old.size,
        new_size=new.size,
        old_root=old.root,
        new_root=new.root,
        proof=[bytes.fromhex(node) for node in proof],
    )
    events = []
    for index in range(new.size):
        entry = world.auditor.get(f"/v1/ledger/entries/{index}?size={new.size}").json()
        leaf = merkle.leaf_hash(entry["entry"].encode())
        proof = [bytes.fromhex(node) for node in entry["proof"]]
        assert merkle.verify_inclusion(leaf=leaf, index=index, size=new.size, proof=proof, root=new.root)
        events.append(json.loads(entry["entry"])["event"])
        assert "Collins" not in entry["entry"]
        assert "TEST0001" not in entry["entry"]
    assert "certificate_issued" in events
    assert "session_decided" in events


def test_a_session_expires(world: World, collins: Any, clock: Any) -> None:
    person = world.enrol(faces.encode(collins))
    opened = world.officer.post("/v1/sessions", {"beneficiary_id": person}).json()
    clock.advance(timedelta(minutes=16))
    session = opened["session"]["id"]
    phone = Caller(world.officer.client, opened["token"])
    answer = phone.post(f"/v1/sessions/{session}/media", content=faces.rephotograph(collins, seed=1))
    assert (answer.status_code, answer.json()["code"]) == (410, "session_expired")
    assert world.officer.get(f"/v1/sessions/{session}").json()["state"] == "expired"

"""Attacks with a false attestation: its person takes it back, and no institution knows which ones are checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.auth import DEVICE_HEADER
from certify.audit.sample import audit_report, record_audit
from certify.domain.states import AuditCause, AuditOutcome
from certify.people.contact import Contact, set_contact
from certify.service import Service
from certify.storage.passes import open_audits
from tests.api.conftest import Caller, World
from tests.api.own_pages import BORN, PHONE, post, sign_in_by_link
from tests.certify.messages.people import messages, with_ways

pytestmark = pytest.mark.integration


@pytest.fixture
def service(service: Service) -> Service:
    """A service that sends text messages, and draws each attestation that certifies for the audit."""
    settings = service.settings.model_copy(update={"audit_share_attestations": 1.0})
    return with_ways(replace(service, settings=settings), "sms")


def _enrol(officer: Caller, number: str = "TEST0001") -> str:
    pension = {"scheme": "employee", "starts_on": "2015-01-01"}
    body = {"national_id": number, "name": "A Person", "birth_date": BORN, "entitlements": [pension]}
    return str(officer.post("/v1/beneficiaries", body).json()["id"])


def _attest(registry: Caller, person: str, source: str = "registry", **changes: str) -> Any:
    body = {
        "source": source,
        "record_id": f"A-{person}",
        "capacity": "consulate",
        "seen_at": "2026-02-10T10:30:00-03:00",
        "seen_by": "K-204",
        "place": "São Paulo",
        "country": "BR",
        "document": "passport",
    }
    answer = registry.post(f"/v1/beneficiaries/{person}/attestations", body | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _standing(officer: Caller, person: str) -> tuple[str, str]:
    pension = officer.get(f"/v1/beneficiaries/{person}").json()["entitlements"][0]
    return pension["standing"], pension["payment"]


def _receipts(pages: TestClient) -> Any:
    return pages.get("/v1/me/receipts", headers={DEVICE_HEADER: PHONE}).json()["items"]


def test_a_clerk_s_false_attestation_is_taken_back_by_the_person(
    world: World, service: Service, pages: TestClient
) -> None:
    """A clerk certified people who never came; the person saw nothing of it and had no way to deny it."""
    person = _enrol(world.officer)
    with service.unit() as unit:
        set_contact(unit, UUID(person), Contact(phone="+8613800138000"))
    _attest(world.registry, person)
    assert _standing(world.officer, person) == ("certified", "continue")
    sign_in_by_link(pages, service, UUID(person))
    (receipt,) = _receipts(pages)
    (item,) = receipt["items"]
    assert (item["source"], item["act"], item["place"]) == ("registry", "consulate", "São Paulo")
    assert (item["denied"], item["weight"], receipt["needed_weight"]) == (False, 1.0, 1.0)
    path = f"/v1/me/receipts/{item['evidence_id']}/not-me"
    assert post(pages, path, None).status_code == 201
    assert post(pages, path, None).status_code == 201, "saying it again changes nothing"
    standing, payment = _standing(world.officer, person)
    assert (standing != "certified", payment) == (True, "continue")
    cases = world.officer.get(f"/v1/review-cases?beneficiary_id={person}&state=open").json()["items"]
    assert [case["kind"] for case in cases].count("not_me") == 1
    assert [row.kind for row in messages(service)].count("record_denied") == 1
    assert _receipts(pages)[0]["items"][0]["denied"]


def test_an_officer_takes_it_back_for_the_person_and_only_their_own(world: World) -> None:
    person, other = _enrol(world.officer), _enrol(world.officer, "TEST0002")
    fact = _attest(world.registry, person)["evidence_id"]
    stranger = world.officer.post(f"/v1/beneficiaries/{other}/receipts/{fact}/not-me")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "receipt_item_not_found")
    assert world.registry.post(f"/v1/beneficiaries/{person}/receipts/{fact}/not-me").status_code == 403
    answer = world.officer.post(f"/v1/beneficiaries/{person}/receipts/{fact}/not-me")
    assert (answer.status_code, answer.json()["kind"]) == (201, "not_me")
    assert _standing(world.officer, person)[0] != "certified"


def test_attestations_are_audited_by_institution(world: World, service: Service) -> None:
    """No attestation was ever drawn, so that a clerk who sells them was never found."""
    people = [_enrol(world.officer, f"TEST000{number}") for number in range(3)]
    facts = [_attest(world.registry, person)["evidence_id"] for person in people[:2]]
    _attest(world.hospital, people[2], "hospital", capacity="bank")  # a bank abroad certifies no one here
    with service.unit("test") as unit:
        drawn = {str(row.pass_id): (row.cause, row.institution) for row in open_audits(unit.db, limit=10)}
        assert drawn == dict.fromkeys(facts, ("attestation", "registry"))
        record_audit(unit, UUID(facts[0]), AuditOutcome.FALSE_PASS, officer="test")
    with service.reading() as unit:
        found = {
            name: audit_report(unit, cause=AuditCause.ATTESTATION, institution=name)
            for name in (None, "registry", "hospital")
        }
        assert audit_report(unit).drawn == 0, "silent passes are counted apart"
    assert [(found[name].passes, found[name].drawn) for name in (None, "registry", "hospital")] == [
        (3, 2),
        (2, 2),
        (1, 0),
    ]
    assert (found["registry"].open, found["registry"].false_passes.events) == (1, 1)
    cases = world.officer.get(f"/v1/review-cases?beneficiary_id={people[0]}&state=open").json()["items"]
    assert "false_pass" in [case["kind"] for case in cases]

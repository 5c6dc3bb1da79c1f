"""Bad requests get a problem that says what happened and what to do; repeats change nothing."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.middleware import Observe
from certify.service import Service
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.service import IdempotencyRow
from certify.tokens import Role
from fixtures import faces
from tests.api.conftest import Caller

pytestmark = pytest.mark.integration

PERSON: dict[str, Any] = {
    "national_id": "PROBLEM001",
    "name": "A Person",
    "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01"}],
}


@pytest.fixture
def machine(call: Callable[[Role], Caller]) -> Caller:
    return call(Role.MACHINE)


@pytest.fixture
def session(call: Callable[[Role], Caller], machine: Caller) -> tuple[Caller, str]:
    person = machine.post("/v1/beneficiaries", PERSON).json()["id"]
    agent = call(Role.AGENT)
    refused = agent.post("/v1/sessions", {"beneficiary_id": person})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_reference")
    portrait = faces.encode(faces.portraits()["eileen_collins"])
    assert agent.post(f"/v1/beneficiaries/{person}/references", content=portrait).status_code == 202
    return agent, agent.post("/v1/sessions", {"beneficiary_id": person}).json()["session"]["id"]


def _png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header announces a huge picture: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def _gif() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (100, 100)).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_body"),
        (b"this is not a picture at all", 415, "not_an_image"),
        (_gif(), 415, "unsupported_format"),
        (_png_claiming(60000, 60000), 422, "too_many_pixels"),
        (_png_claiming(8, 8), 422, "too_few_pixels"),
        (b"\xff\xd8\xff" + b"x" * 20_000_001, 413, "too_many_bytes"),
    ],
    ids=["empty", "text", "gif", "bomb", "speck", "too large"],
)
def test_hostile_uploads(session: tuple[Caller, str], content: bytes, status: int, code: str) -> None:
    agent, session_id = session
    answer = agent.post(f"/v1/sessions/{session_id}/media", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:certify:problem:{code}"
    assert agent.get(f"/v1/sessions/{session_id}").json()["state"] == "open", (
        "a refused photo must not use up the session"
    )


def test_a_hundred_megabytes_are_refused_before_they_are_read(session: tuple[Caller, str]) -> None:
    agent, session_id = session
    headers = {
        "Authorization": f"Bearer {agent.token}",
        "Idempotency-Key": "too-large-1",
        "Content-Length": "100000000",
    }
    answer = agent.client.post(f"/v1/sessions/{session_id}/media", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")


def test_a_large_json_body_is_refused(machine: Caller) -> None:
    answer = machine.post("/v1/beneficiaries", PERSON | {"name": "x" * 100_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"national_id": "1"}, "national_id_invalid"),
        ({"name": "   "}, "request_invalid"),
        ({"name": "a\x07b"}, "name_invalid"),
        ({"birth_date": "1700-01-01"}, "birth_date_invalid"),
        ({"entitlements": []}, "request_invalid"),
        ({"entitlements": [{"scheme": "no_such", "starts_on": "2015-01-01"}]}, "unknown_scheme"),
        ({"unknown_field": 1}, "request_invalid"),
        (
            {"entitlements": [{"scheme": "employee", "starts_on": "2015-01-01", "last_proof_on": "2999-01-01"}]},
            "last_proof_invalid",
        ),
    ],
)
def test_wrong_people_are_refused(machine: Caller, change: dict[str, Any], code: str) -> None:
    answer = machine.post("/v1/beneficiaries", PERSON | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "PROBLEM001" not in answer.text, "an answer must not repeat a national id"


def test_the_same_person_twice_is_a_conflict(machine: Caller) -> None:
    assert machine.post("/v1/beneficiaries", PERSON).status_code == 201
    answer = machine.post("/v1/beneficiaries", PERSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "beneficiary_exists")


def test_a_repeat_with_the_same_key_gets_the_same_answer_and_changes_nothing(machine: Caller, service: Service) -> None:
    first = machine.post("/v1/beneficiaries", PERSON, key="the-same-key")
    second = machine.post("/v1/beneficiaries", PERSON, key="the-same-key")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    with service.unit() as unit:
        assert unit.db.query(BeneficiaryRow).count() == 1
        stored = unit.db.query(IdempotencyRow).one()
        assert b"A Person" not in (stored.body or b""), "stored answers are sealed"


def test_a_key_with_another_request_is_refused(machine: Caller) -> None:
    machine.post("/v1/beneficiaries", PERSON, key="the-same-key")
    answer = machine.post("/v1/beneficiaries", PERSON | {"national_id": "OTHER0001"}, key="the-same-key")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_keys_of_different_callers_do_not_meet(machine: Caller, call: Callable[[Role], Caller]) -> None:
    assert machine.post("/v1/beneficiaries", PERSON, key="the-same-key").status_code == 201
    other = call(Role.OFFICER).post("/v1/beneficiaries", PERSON | {"national_id": "OTHER0001"}, key="the-same-key")
    assert other.status_code == 201


def test_a_failed_request_does_not_use_up_its_key(machine: Caller) -> None:
    bad = machine.post("/v1/beneficiaries", PERSON | {"national_id": "1"}, key="the-same-key")
    assert bad.status_code == 422
    assert machine.post("/v1/beneficiaries", PERSON, key="the-same-key").status_code == 201


def test_without_a_key_nothing_is_changed(machine: Caller) -> None:
    answer = machine.client.post("/v1/beneficiaries", json=PERSON, headers={"Authorization": f"Bearer {machine.token}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_unknown_things_are_404_problems(machine: Caller, call: Callable[[Role], Caller]) -> None:
    officer = call(Role.OFFICER)
    for caller, path, code in (
        (machine, f"/v1/beneficiaries/{uuid4()}", "beneficiary_not_found"),
        (machine, f"/v1/sessions/{uuid4()}", "session_not_found"),
        (machine, "/v1/certificates/PL-2026-0000-0000-0000", "certificate_not_found"),
        (officer, f"/v1/review-cases/{uuid4()}", "review_case_not_found"),
        (officer, f"/v1/determinations/{uuid4()}", "determination_not_found"),
        (machine, "/v1/no-such-thing", "not_found"),
    ):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_forged_certificates_are_named_as_such(client: TestClient) -> None:
    for text in ("CPL1:NOT A CERTIFICATE", "rubbish", "CPL1:"):
        answer = client.post("/v1/verify", json={"text": text})
        assert answer.status_code == 422
        assert answer.json()["detail"]


def test_a_future_death_is_refused(machine: Caller) -> None:
    person = machine.post("/v1/beneficiaries", PERSON).json()["id"]
    body = {"source": "registry", "record_id": "1", "event_at": "2999-01-01T00:00:00Z", "adverse": "death"}
    answer = machine.post(f"/v1/beneficiaries/{person}/records", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "event_in_future")


def test_the_rate_limit_says_when_to_come_back(service: Service) -> None:
    from api.app import create_app  # noqa: PLC0415 - an application with a limit of its own

    limited = service.settings.model_copy(update={"rate_limit": "3/minute"})
    app = create_app(service=_with_settings(service, limited))
    with TestClient(app) as client:
        answers = [client.get("/v1/keys") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "too_many_requests"


def _with_settings(service: Service, settings: Any) -> Service:
    from dataclasses import replace  # noqa: PLC0415

    return replace(service, settings=settings)


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for path in ("/health", "/v1/keys", "/v1/nothing"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert Observe is not None


def test_metrics_count_by_route_and_name_nobody(machine: Caller) -> None:
    person = machine.post("/v1/beneficiaries", PERSON).json()["id"]
    machine.get(f"/v1/beneficiaries/{person}")
    text = machine.get("/metrics").text
    assert 'route="/v1/beneficiaries/{beneficiary_id}"' in text
    assert 'certify_entitlements{standing="overdue"} 1.0' in text
    assert person not in text

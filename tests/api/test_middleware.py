"""The middleware bounds bodies, adds security headers to every answer, and counts requests by route."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from certify.issuers.tokens import Role
from tests.api.conftest import ENROLMENT, Caller

pytestmark = pytest.mark.integration


def test_a_body_that_announces_too_many_bytes_is_refused_unread(session: tuple[Caller, str]) -> None:
    phone, session_id = session
    headers = {
        "Authorization": f"Bearer {phone.token}",
        "Idempotency-Key": "too-large-1",
        "Content-Length": "100000000",
    }
    answer = phone.client.post(f"/v1/sessions/{session_id}/media", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")


def test_a_large_json_body_is_refused(officer: Caller) -> None:
    answer = officer.post("/v1/beneficiaries", ENROLMENT | {"name": "x" * 100_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for path in ("/health", "/v1/keys", "/v1/nothing"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_metrics_count_by_route_and_contain_no_ids(officer: Caller, call: Callable[[Role], Caller]) -> None:
    person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
    officer.get(f"/v1/beneficiaries/{person}")
    text = call(Role.OPERATOR).get("/metrics").text
    assert 'route="/v1/beneficiaries/{beneficiary_id}"' in text
    assert 'certify_entitlements{standing="overdue"} 1.0' in text
    assert person not in text

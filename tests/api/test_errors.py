"""Bad requests get a problem detail with a stable code, and change nothing."""

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

from certify.issuers.tokens import Role
from tests.api.conftest import ENROLMENT, SOURCES, Caller

pytestmark = pytest.mark.integration


def _png_claiming(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header announces this size: with a huge one, a decompression bomb."""

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
        (_gif(), 415, "is_gif"),
        (_png_claiming(60000, 60000), 422, "too_many_pixels"),
        (_png_claiming(8, 8), 422, "too_few_pixels"),
        (b"\xff\xd8\xff" + b"x" * 20_000_001, 413, "too_many_bytes"),
    ],
    ids=["empty", "text", "gif", "bomb", "too small", "too large"],
)
def test_hostile_uploads(session: tuple[Caller, str], content: bytes, status: int, code: str) -> None:
    phone, session_id = session
    answer = phone.post(f"/v1/sessions/{session_id}/media", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:certify:problem:{code}"
    assert phone.get(f"/v1/sessions/{session_id}").json()["state"] == "open", (
        "a refused photo must not use up the session"
    )


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
def test_invalid_enrolments_are_refused(officer: Caller, change: dict[str, Any], code: str) -> None:
    answer = officer.post("/v1/beneficiaries", ENROLMENT | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "PROBLEM001" not in answer.text, "an answer must not repeat a national id"


def test_the_same_person_twice_is_a_conflict(officer: Caller) -> None:
    assert officer.post("/v1/beneficiaries", ENROLMENT).status_code == 201
    answer = officer.post("/v1/beneficiaries", ENROLMENT)
    assert (answer.status_code, answer.json()["code"]) == (409, "beneficiary_exists")


def test_unknown_things_are_404_problems(officer: Caller, call: Callable[[Role], Caller]) -> None:
    officer = call(Role.OFFICER)
    for caller, path, code in (
        (officer, f"/v1/beneficiaries/{uuid4()}", "beneficiary_not_found"),
        (officer, f"/v1/sessions/{uuid4()}", "session_not_found"),
        (officer, "/v1/certificates/PL-2026-0000-0000-0000", "certificate_not_found"),
        (officer, f"/v1/review-cases/{uuid4()}", "review_case_not_found"),
        (officer, f"/v1/determinations/{uuid4()}", "determination_not_found"),
        (officer, "/v1/no-such-thing", "not_found"),
    ):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_texts_that_are_no_certificates_are_refused_with_a_reason(client: TestClient) -> None:
    for text in ("CPL1:NOT A CERTIFICATE", "rubbish", "CPL1:"):
        answer = client.post("/v1/verify", json={"text": text})
        assert answer.status_code == 422
        assert answer.json()["detail"]


def test_a_future_death_is_refused(officer: Caller, call: Callable[..., Caller]) -> None:
    person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
    body = {"source": SOURCES[0], "record_id": "1", "event_at": "2999-01-01T00:00:00Z", "adverse": "death"}
    answer = call(Role.REGISTRY).post(f"/v1/beneficiaries/{person}/records", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "event_in_future")

"""Who read about whom is written down before the answer leaves, and auditors search it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.schemas.journal import ReadOut
from certify.issuers.tokens import Role
from certify.logs import JsonLines
from certify.service import Service
from certify.storage.journal import ReadFilter, list_reads
from certify.storage.roles import RUNTIME
from certify.storage.tables.journal import AccessRow
from tests.api.conftest import ENROLMENT, Caller

pytestmark = pytest.mark.integration


@pytest.fixture
def enroller(call: Callable[[Role], Caller]) -> Caller:
    return call(Role.ENROLLER)


@pytest.fixture
def person(enroller: Caller) -> str:
    found: str = enroller.post("/v1/beneficiaries", ENROLMENT).json()["id"]
    return found


def _reads(service: Service, **wanted: Any) -> list[AccessRow]:
    with service.reading() as unit:
        return list(list_reads(unit.db, ReadFilter(**wanted), limit=100))


def test_a_read_is_journalled_with_who_what_and_the_request(
    call: Callable[[Role], Caller], service: Service, person: str
) -> None:
    answer = call(Role.OFFICER).get(f"/v1/beneficiaries/{person}")
    (row,) = _reads(service, subject="test-officer")
    assert (row.role, row.route, row.target, row.status) == (
        "officer",
        "GET /v1/beneficiaries/{beneficiary_id}",
        person,
        200,
    )
    assert row.people == [UUID(person)]
    assert row.request_id == answer.headers["X-Request-ID"]
    assert row.at == service.clock()


def test_200_people_in_one_call_are_200_people_in_the_journal(
    call: Callable[[Role], Caller], service: Service, enroller: Caller
) -> None:
    """What an operator tried: one officer read many people in one call, and nothing said who."""
    people = {
        enroller.post("/v1/beneficiaries", ENROLMENT | {"national_id": f"LIST00000{number}"}).json()["id"]
        for number in range(5)
    }
    call(Role.OFFICER).get("/v1/beneficiaries?limit=200")
    (row,) = _reads(service, subject="test-officer")
    assert (row.route, row.target) == ("GET /v1/beneficiaries", "")
    assert {str(read) for read in row.people} == people
    assert all(len(_reads(service, person=UUID(read), role="officer")) == 1 for read in people)


def test_a_lookup_by_number_is_journalled_with_the_person_and_without_the_number(
    call: Callable[[Role], Caller], service: Service, person: str
) -> None:
    call(Role.PAYER).post("/v1/standings/lookup", {"national_id": ENROLMENT["national_id"]})
    row = _reads(service, subject="test-payer")[0]
    assert (row.route, row.people) == ("POST /v1/standings/lookup", [UUID(person)])
    stored = [str(getattr(entry, name)) for entry in _reads(service) for name in ReadOut.model_fields]
    assert not any(text in value for value in stored for text in (ENROLMENT["national_id"], ENROLMENT["name"]))


def test_an_attempt_to_read_is_journalled_too(call: Callable[[Role], Caller], service: Service, person: str) -> None:
    call(Role.OFFICER).get(f"/v1/beneficiaries/{UUID(int=7)}")
    assert [row.status for row in _reads(service, person=UUID(int=7))] == [404]


def test_nothing_is_shown_that_cannot_be_journalled(
    call: Callable[[Role], Caller], person: str, owner: psycopg.Connection
) -> None:
    officer = call(Role.OFFICER)
    owner.execute(f"revoke insert on access_journal from {RUNTIME}")
    try:
        answer = officer.get(f"/v1/beneficiaries/{person}")
    finally:
        owner.execute(f"grant insert on access_journal to {RUNTIME}")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert "name" not in answer.json()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_auditors_search_the_journal_page_by_page(
    call: Callable[[Role], Caller], service: Service, person: str
) -> None:
    officer, auditor = call(Role.OFFICER), call(Role.AUDITOR)
    for _ in range(5):
        officer.get(f"/v1/beneficiaries/{person}")
    path, seen = "/v1/access-journal?subject=test-officer&limit=2", []
    url = path
    while True:
        page = auditor.get(url).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        url = f"{path}&before={page['next']}"
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert (
        auditor.get(f"/v1/access-journal?person={person}&role=officer").json()["items"][0]["subject"] == "test-officer"
    )
    assert auditor.get("/v1/access-journal?since=2030-01-01T00:00:00Z").json()["items"] == []
    assert officer.get("/v1/access-journal").status_code == 403
    assert _reads(service, subject="test-auditor")  # and reading the journal is itself journalled


def test_the_request_id_is_in_answer_log_and_journal(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "certify.access")
    given = client.get("/health", headers={"X-Request-ID": "proxy-0001.a"})
    assert given.headers["X-Request-ID"] == "proxy-0001.a"
    for bad in ("short", "with space in it", "x" * 65, "a\"b'c<d>efgh"):
        made = client.get("/health", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
        assert made != bad
        assert len(made) == 32
    record = caplog.records[0]
    assert record.__dict__["request_id"] == "proxy-0001.a"
    assert json.loads(JsonLines().format(record))["request_id"] == "proxy-0001.a"

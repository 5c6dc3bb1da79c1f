"""The row that stands for no person does not exist for any caller, in every route that names a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from certify.errors import NotFound
from certify.issuers.tokens import OWN_ROLES, Role
from certify.service import Service
from certify.storage.people import DECOY_PERSON, get_beneficiary
from certify.storage.tables.people import BeneficiaryRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import Caller
from tests.api.own_pages import knock, send_photo

pytestmark = pytest.mark.integration

NIL = str(DECOY_PERSON)

BODIES: dict[str, Any] = {
    "/v1/beneficiaries/{beneficiary_id}/records": {
        "source": "registry",
        "record_id": "R1",
        "event_at": "2026-01-10T00:00:00Z",
        "adverse": "death",
    },
    "/v1/beneficiaries/{beneficiary_id}/attestations": {
        "source": "registry",
        "record_id": "A1",
        "capacity": "consulate",
        "seen_at": "2026-01-10T00:00:00Z",
        "seen_by": "K-204",
        "place": "Porto",
        "country": "PT",
        "document": "passport",
    },
    "/v1/beneficiaries/{beneficiary_id}/erasure": {"reason": "other", "text": "A test."},
    "/v1/sessions": {"beneficiary_id": NIL},
    "/v1/review-cases": {"beneficiary_id": NIL, "kind": "appeal"},
}
"""A body that is accepted, for the routes that need one."""


def _routes(client: TestClient) -> list[tuple[str, str]]:
    """Return path and method of every route that names a person, in its path or in its body."""
    schema: dict[str, Any] = client.get("/v1/openapi.json").json()
    bodies = {
        f"#/components/schemas/{name}"
        for name, model in schema["components"]["schemas"].items()
        if "beneficiary_id" in model.get("properties", {}) and name.endswith("In")
    }
    found = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            named = content.get("application/json", {}).get("schema", {}).get("$ref") in bodies
            if "{beneficiary_id}" in path or named:
                found.append((path, method))
    return found


def test_no_route_finds_the_row(client: TestClient, call: Callable[[Role], Caller], pages: TestClient) -> None:
    """An officer could erase it: from then on every stranger's film was answered unlike that of a pensioner."""
    knock(pages, "MADE-UP-01")  # makes the row
    photo = faces.encode(faces.portraits()["eileen_collins"])
    routes = _routes(client)
    assert len(routes) >= 10
    for path, method in routes:
        answers = []
        for role in sorted(set(Role) - OWN_ROLES):
            caller = call(role)
            url = re.sub(r"{\w+}", str(uuid4()), path.replace("{beneficiary_id}", NIL))
            if method == "get":
                answer = caller.get(url)
            elif path.endswith("/references"):
                answer = caller.post(url, content=photo)
            else:
                answer = caller.post(url, BODIES.get(path))
            answers.append((answer.status_code, answer.json()["code"]))
        reached = {answer for answer in answers if answer[0] not in (401, 403)}
        assert reached == {(404, "beneficiary_not_found")}, (method, path, answers)


def test_the_row_is_whole_afterwards(pages: TestClient, service: Service) -> None:
    knock(pages, "MADE-UP-01")
    with service.reading() as unit:
        assert unit.sealer(DECOY_PERSON)
        assert unit.db.get_one(BeneficiaryRow, DECOY_PERSON).erased_at is None
        with pytest.raises(NotFound):
            get_beneficiary(unit.db, DECOY_PERSON)


def test_a_row_that_an_earlier_release_erased_is_made_whole(
    pages: TestClient, service: Service, engine: FaceEngine, hopper: Any
) -> None:
    knock(pages, "MADE-UP-01")
    with service.unit() as unit:
        unit.db.execute(text("delete from data_keys"))
        unit.db.execute(text("update beneficiaries set erased_at = now()"))
    opened = knock(pages, "MADE-UP-02").json()
    assert send_photo(pages, service, engine, opened, faces.rephotograph(hopper, seed=1))["outcome"] == "retry"
    assert UUID(opened["session"]["id"])

"""Attacks of one human with two names: tokens of two issuers, and a name from before the issuers file named humans."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt

from api.app import create_app
from certify.issuers.tokens import AUDIENCE, Role, Signer, ed25519_jwk
from certify.service import Service
from tests.api.conftest import ENROLMENT, WHY, Caller

pytestmark = pytest.mark.integration

STAFF, REGION = "https://staff.example", "https://region.example"
_SEEDS = {STAFF: b"s" * 32, REGION: b"r" * 32}

Token = Callable[..., Caller]


def _issuers(folder: Path, claims: dict[str, Any]) -> Path:
    entries = []
    for name, seed in _SEEDS.items():
        jwk = {key: value for key, value in ed25519_jwk(seed).items() if key not in ("d", "alg", "use")}
        entries.append({"issuer": name, "roles": ["officer", "enroller", "registry"], "keys": [jwk], "claims": claims})
    path = folder / f"issuers-{len(claims)}.json"
    path.write_text(json.dumps(entries))
    return path


@pytest.fixture
def tokens(service: Service, tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Token]]:
    """Return a function that starts the service with a mapping of claims; the result makes callers of two issuers."""
    clients: list[TestClient] = []

    def started(claims: dict[str, Any]) -> Token:
        settings = service.settings.model_copy(update={"issuers_file": _issuers(tmp_path, claims)})
        client = TestClient(create_app(service=replace(service, settings=settings)))
        clients.append(client.__enter__())

        def caller(issuer: str, subject: str, role: Role = Role.OFFICER, **more: Any) -> Caller:
            now = int(service.clock().timestamp())
            told = {"iss": issuer, "aud": AUDIENCE, "sub": subject, "role": role, "iat": now, "exp": now + 3600, **more}
            signer = Signer(issuer, ed25519_jwk(_SEEDS[issuer]), frozenset({role}))
            key = signer.issuer().keys.current(service.clock()).keys[0]
            return Caller(client, jwt.encode({"alg": "Ed25519", "kid": key.kid}, told, key, algorithms=["Ed25519"]))

        return caller

    yield started
    for client in clients:
        client.__exit__(None, None, None)


def _proposed(officer: Caller, enroller: Caller) -> str:
    person = enroller.post("/v1/beneficiaries", ENROLMENT)
    assert person.status_code == 201, person.text
    case = officer.post("/v1/review-cases", {"beneficiary_id": person.json()["id"], "kind": "appeal"}).json()["id"]
    answer = officer.post(f"/v1/review-cases/{case}/ruling", {"ruling": "stop"} | WHY)
    assert answer.status_code == 202, answer.text
    return f"/v1/proposals/{answer.json()['proposal']['id']}/carry-out"


def _code(officer: Caller, path: str) -> str:
    answer = officer.post(path)
    return "done" if answer.status_code == 200 else str(answer.json()["code"])


def test_attack_one_human_decides_twice_with_tokens_of_two_issuers(tokens: Callable[[dict[str, Any]], Token]) -> None:
    token = tokens({"human": "employee_id"})
    clerk = token(REGION, "k", Role.ENROLLER, employee_id="E-99")
    path = _proposed(token(STAFF, "anna", employee_id="E-17"), clerk)
    for same in ("E-17", " e-17 "):
        assert _code(token(REGION, "a.lima", employee_id=same), path) == "second_officer_needed"
    assert _code(token(STAFF, "kim", employee_id="E-99"), path) == "second_officer_needed", "enrolled the person"
    assert _code(token(REGION, "bo", employee_id="E-18"), path) == "done"


def test_attack_a_token_of_an_officer_without_the_name_is_refused(tokens: Callable[[dict[str, Any]], Token]) -> None:
    token = tokens({"human": "employee_id"})
    for missing in ({}, {"employee_id": ""}, {"employee_id": ["E-17"]}, {"human": "E-17"}):
        answer = token(STAFF, "anna", **missing).get("/v1/review-cases")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_refused"), missing
    registry = token(STAFF, "hospital-7", Role.REGISTRY, sources=["hospital"])
    assert registry.post("/v1/beneficiaries/resolve", {"national_id": "PROBLEM001"}).status_code == 404, (
        "a machine is no human"
    )


def test_a_claim_that_the_file_does_not_name_says_nothing(tokens: Callable[[dict[str, Any]], Token]) -> None:
    """Without a mapping issuer and subject count, and no token chooses another name for itself."""
    token = tokens({})
    clerk = token(REGION, "k", Role.ENROLLER)
    path = _proposed(token(STAFF, "anna", human="E-17"), clerk)
    assert _code(token(STAFF, "anna", human="E-18"), path) == "second_officer_needed"
    assert _code(token(REGION, "anna"), path) == "done"


def test_attack_the_change_of_names_does_not_make_two_people_of_one(tokens: Callable[[dict[str, Any]], Token]) -> None:
    """What was proposed before the file named humans is under issuer and subject."""
    before = tokens({})
    path = _proposed(before(STAFF, "anna"), before(REGION, "k", Role.ENROLLER))
    after = tokens({"human": "employee_id"})
    assert _code(after(STAFF, "anna", employee_id="E-17"), path) == "second_officer_needed"
    assert _code(after(REGION, "k", employee_id="E-99"), path) == "second_officer_needed"
    assert _code(after(STAFF, "bo", employee_id="E-18"), path) == "done"

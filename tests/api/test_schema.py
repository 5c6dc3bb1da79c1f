"""Schemathesis: whatever fits the description, and whatever does not, no route answers 5xx or undocumented statuses."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from certify.capture import open_session
from certify.config import Settings
from certify.domain.evidence import Channel
from certify.enrol import NewBeneficiary, NewEntitlement, add_beneficiary, add_reference
from certify.service import Service
from certify.tokens import Role, development_signer
from fixtures import faces

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Served:
    """The described application, tokens for every role, and ids that exist."""

    schema: Any
    tokens: dict[Role, str]
    ids: dict[str, str]


@pytest.fixture
def served(service: Service) -> Served:
    app = create_app(service=service)
    found = Served()
    found.schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    signer = development_signer(service.settings)
    roles = (Role.OFFICER, Role.MACHINE, Role.AGENT, Role.AUDITOR)
    found.tokens = {
        role: signer.issue(subject="fuzz", role=role, now=service.clock(), lifetime=timedelta(hours=9))
        for role in roles
    }
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person: UUID = add_beneficiary(unit, NewBeneficiary("FUZZ0001", "Fuzz", pension))
        add_reference(unit, person, faces.encode(faces.portraits()["eileen_collins"]))
        session = open_session(unit, person, Channel.REMOTE)
    found.ids = {"beneficiary_id": str(person), "session_id": str(session.id)}
    return found


def _operations() -> list[tuple[str, str]]:
    paths = create_app(Settings()).openapi()["paths"]
    return [(path, method) for path, operations in paths.items() for method in operations]


@pytest.mark.parametrize(("path", "method"), _operations(), ids=lambda value: value)
def test_no_route_breaks(served: Served, path: str, method: str) -> None:
    role = _role_of(method, path)
    headers = {"Authorization": f"Bearer {served.tokens[role]}"} if role else {}
    tried = 0

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=served.schema[path][method].as_strategy())
    def fuzz(case: Any) -> None:
        nonlocal tried
        tried += 1
        # Half of the requests that name an existing thing get one, so that more than 404 is tried.
        for name, value in served.ids.items():
            if name in (case.path_parameters or {}) and tried % 2:
                case.path_parameters[name] = value
        case.call_and_validate(headers=headers, checks=_CHECKS)

    fuzz()
    assert tried > 0


def _role_of(method: str, path: str) -> Role | None:
    """Return a role that may call the route, so that the fuzzing gets past the door."""
    if re.search(r"/(keys|checkpoint|health|ready|verify)$", path):
        return None
    if re.search(r"/(media|references)$|^/v1/sessions$", path):
        return Role.AGENT
    if "/ledger/" in path:
        return Role.AUDITOR
    if path == "/metrics" or (method.upper() == "POST" and path == "/v1/beneficiaries"):
        return Role.MACHINE
    return Role.OFFICER

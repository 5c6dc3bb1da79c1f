"""Schemathesis: no route answers with 5xx or with an undocumented status, for valid and for invalid requests."""

from __future__ import annotations

import itertools
import re
import shutil
from collections import Counter
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.auth import DEVICE_HEADER
from certify.approvals.actions import propose, wish_erasure
from certify.config import Settings
from certify.decision.proposals import Why
from certify.domain.four_eyes import Action, ActionReason
from certify.issuers.tokens import DEVELOPMENT_ISSUER, SESSION_ISSUER, Role
from certify.service import Service
from tests.api.known_phone import know_phone, proof_for
from tests.api.world import World, build_world
from tests.saved_rows import SavedRows

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


DESCRIPTION = create_app(Settings()).openapi()
"""The OpenAPI document, which is the same for every application. It is built once, because that takes longer than most
of these tests."""


class _Current:
    """Passes requests on to the application of the test that runs: Schemathesis takes a second to read the document."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


_current = _Current()


@cache
def _schema() -> Any:
    """Return what Schemathesis makes of the document, read once through the current application."""
    return schemathesis.openapi.from_asgi("/v1/openapi.json", _current)


@dataclass(frozen=True, slots=True)
class Saved:
    """A world that was built once, to be put back for each route.

    Attributes:
        world: what exists.
        rows: the rows of its database.
        folder: its data folder, with keys and files.
    """

    world: World
    rows: SavedRows
    folder: Path


_saved: list[Saved] = []
"""The world of this process. The fixtures of a test build it, because those of a module have no database."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with the data folder of the world."""
    for saved in _saved:
        shutil.copytree(saved.folder, settings.data_dir, dirs_exist_ok=True)
    return settings


@pytest.fixture
def world(
    service: Service,
    owner: psycopg.Connection,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """One of everything in the database of the test, and an application that serves it."""
    if _saved:
        _saved[0].rows.put_back(owner)
    else:
        built, folder = build_world(service), tmp_path_factory.mktemp("world") / "data"
        shutil.copytree(service.settings.data_dir, folder)
        _saved.append(Saved(built, SavedRows.of(owner), folder))
    monkeypatch.setattr("api.routes.knock.BEAT_S", 0.0)  # otherwise each of hundreds of requests waits for a beat
    _current.app = create_app(service=service)
    _current.app.openapi_schema = DESCRIPTION
    return _saved[0].world


def known_for(path: str, service: Service, world: World) -> dict[str, Any]:
    """Return the values that exist, by name of a parameter or field, and store those that only one route needs."""
    # A proposal is recalled by the officer who made it, and decided on by another.
    proposer = f"{DEVELOPMENT_ISSUER}|fuzz" if path.endswith("/recall") else "idp|another"
    person = world.known["beneficiary_id"]
    with service.unit() as unit:
        why = Why(ActionReason.OTHER, "A test.")
        proposal = propose(unit, Action.ERASE, world.target, officer=proposer, why=why)
        if path == PHONE_PATH:
            know_phone(unit, UUID(person))
        if path == "/v1/me/erasure/recall":
            wish_erasure(unit, UUID(person), by=f"{SESSION_ISSUER}|{person}", text="A test.")
    case = world.alike if path.endswith("/faces") else world.known["case_id"]
    known = {**world.known, "proposal_id": str(proposal.id), "case_id": case}
    return {name: value for name, value in known.items() if path not in world.ended or name != "session_id"}


def _operations() -> list[tuple[str, str]]:
    return [(path, method) for path, operations in DESCRIPTION["paths"].items() for method in operations]


# No strategy uses the random module: the connection pool draws its jitter in another thread, and Hypothesis notices.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize(("path", "method"), _operations(), ids=lambda value: value)
def test_every_route_answers_as_documented(world: World, service: Service, path: str, method: str) -> None:
    role = _role_of(method, path)
    headers = {"Authorization": f"Bearer {world.tokens[role]}"} if role else {}
    answers: Counter[int] = Counter()
    numbers = itertools.count()
    known = known_for(path, service, world)
    if path == PHONE_PATH:
        headers["DPoP"] = proof_for(service, path)

    @effort(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=_schema()[path][method].as_strategy())
    def fuzz(case: Any) -> None:
        # Every second request names existing data, to get further than 404; every fourth also has a valid body.
        number = next(numbers)
        extra = dict(headers)
        if path in world.ended:
            case.path_parameters["session_id"], token = world.ended[path]
            extra |= {"Authorization": f"Bearer {token}", DEVICE_HEADER: "b1946ac92492d2347c6235b4d2611184"}
        if number % 2 == 0:
            for part in (case.path_parameters, case.query, case.body):
                if isinstance(part, MutableMapping):
                    part.update({name: value for name, value in known.items() if name in part})
        if number % 4 == 0 and (path, method) in world.bodies:
            case.body = world.bodies[path, method]
            extra["Idempotency-Key"] = f"fuzz-{number:08}"  # Schemathesis may have used its own key before
        answers[case.call_and_validate(headers=extra, checks=_CHECKS).status_code] += 1

    fuzz()
    # A route that refused everything would not be tested. So each route must accept at least one request.
    assert any(200 <= status < 300 for status in answers), dict(answers)


def test_every_parameter_of_a_path_has_a_value_that_exists(world: World, service: Service) -> None:
    named = {name for path, _ in _operations() for name in re.findall(r"{(\w+)}", path)}
    assert named <= known_for("", service, world).keys()
    assert world.bodies.keys() <= set(_operations())


PHONE_PATH = "/v1/knock/phone/sessions"

_ROLES: tuple[tuple[str, Role | None], ...] = (
    (r"^\S+ (/v1/knock/|/v1/door(/reports)?$|/v1/tablet/(enrolment|sign-|bundles))", None),
    (r"/(keys|checkpoint|health|ready|verify)$", None),
    (r"^\S+ /v1/tablet/", Role.TABLET),
    (r"^\S+ /v1/me", Role.SELF),
    (r"/(media|upload)$", Role.PENSIONER),
    (r"^\S+ /v1/standings", Role.PAYER),
    (r"^\S+ /v1/agents/holds/", Role.SUPERVISOR),
    (r"/ledger/|/access-journal$", Role.AUDITOR),
    (r"/metrics$", Role.OPERATOR),
    (r"/(resolve|attestations)$", Role.REGISTRY),
    (r"^POST /v1/beneficiaries$", Role.ENROLLER),
    (r"", Role.OFFICER),
)
"""A role that may call an operation, by the first pattern that fits method and path; None if the route is public."""


def _role_of(method: str, path: str) -> Role | None:
    return next(role for pattern, role in _ROLES if re.search(pattern, f"{method.upper()} {path}"))

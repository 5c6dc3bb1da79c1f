"""Every route and socket declares who may call it, and refuses other callers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import WebSocketDisconnect
from fastapi.routing import APIRoute, APIWebSocketRoute
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import Access, LiveAccess, Public
from certify.certificates.keys import Algorithm
from certify.config import Env, Settings
from certify.errors import Unavailable
from certify.issuers.tokens import (
    AUDIENCE,
    Authenticator,
    Principal,
    Role,
    Signer,
    TokenRefused,
    development_signer,
    ed25519_jwk,
)
from certify.service import Service
from certify.storage.signing import rotate_key
from tests.api.conftest import Caller

pytestmark = pytest.mark.integration

PUBLIC_ROUTES = {
    "/",
    "/agent",
    "/agent/sw.js",
    "/app/{version}/{path:path}",
    "/health",
    "/ready",
    "/sw.js",
    "/v1/door",
    "/v1/door/reports",
    "/v1/keys",
    "/v1/knock/codes",
    "/v1/knock/codes/redeem",
    "/v1/knock/nonce",
    "/v1/knock/phone/sessions",
    "/v1/knock/links/redeem",
    "/v1/knock/sessions",
    "/v1/knock/sign-out",
    "/v1/knock/visits",
    "/v1/ledger/checkpoint",
    "/v1/ledger/keys",
    "/v1/tablet/bundles/{sha256}",
    "/v1/tablet/enrolment",
    "/v1/tablet/enrolment/begin",
    "/v1/tablet/sign-in",
    "/v1/tablet/sign-in/begin",
    "/v1/tablet/sign-out",
    "/v1/verify",
}


def _routes() -> list[APIRoute]:
    """Return every route that the application serves, however it was mounted; fail on anything else."""
    found: list[APIRoute] = []
    waiting = list(create_app(Settings()).routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            waiting += route.original_router.routes
        elif isinstance(route, APIWebSocketRoute):
            continue  # below, in _sockets
        else:
            # FastAPI's own description of the application is the only other thing served.
            assert getattr(route, "path", None) == "/v1/openapi.json", route
    return sorted(found, key=lambda route: (route.path, _methods(route)[0]))


def _sockets() -> list[APIWebSocketRoute]:
    found: list[APIWebSocketRoute] = []
    waiting = list(create_app(Settings()).routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIWebSocketRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            waiting += route.original_router.routes
    return found


def test_every_socket_states_its_roles() -> None:
    sockets = _sockets()
    assert [route.path for route in sockets] == ["/v1/sessions/{session_id}/live"]
    for route in sockets:
        (guard,) = [d.call for d in route.dependant.dependencies if isinstance(d.call, LiveAccess)]
        assert guard.roles == {Role.PENSIONER}


@pytest.mark.parametrize("role", [None, *sorted(set(Role) - {Role.PENSIONER})], ids=str)
def test_sockets_refuse_unknown_callers_and_wrong_roles(
    role: Role | None, client: TestClient, call: Callable[[Role], Caller]
) -> None:
    token = call(role).token if role else "not.a.token"
    with client.websocket_connect(f"/v1/sessions/{uuid4()}/live") as socket:
        socket.send_json({"type": "hello", "token": token, "nonce": "x"})
        said = socket.receive_json()
        assert said["type"] == "problem"
        assert said["problem"]["code"] == ("forbidden" if role else "token_refused")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == (4403 if role else 4401)


def test_these_tests_find_every_route_of_the_openapi_document() -> None:
    walked = {(route.path, method.lower()) for route in _routes() for method in _methods(route) if _is_interface(route)}
    described = {(path, method) for path, ops in create_app(Settings()).openapi()["paths"].items() for method in ops}
    assert walked == described


def _is_interface(route: APIRoute) -> bool:
    """Tell whether a route is for programs; the others are pages."""
    return route.include_in_schema


def _methods(route: APIRoute) -> list[str]:
    return sorted(route.methods or ())


def _guards(route: APIRoute) -> list[Access | Public]:
    return [d.call for d in route.dependant.dependencies if isinstance(d.call, Access | Public)]


def test_every_route_states_exactly_one_access_rule() -> None:
    routes = _routes()
    assert len(routes) >= 25
    for route in routes:
        assert len(_guards(route)) == 1, f"{route.methods} {route.path} does not say who may call it"


def test_public_routes_are_listed_here_and_give_a_reason() -> None:
    public = {route.path: guard for route in _routes() for guard in _guards(route) if isinstance(guard, Public)}
    assert set(public) == PUBLIC_ROUTES
    assert all(len(guard.reason) > 10 for guard in public.values())


def test_every_changing_post_needs_an_idempotency_key() -> None:
    reading = {
        "/v1/verify",
        "/v1/beneficiaries/lookup",
        "/v1/beneficiaries/resolve",
        "/v1/standings/lookup",
        "/v1/door",
    }
    # A link or code works once, and again on the same device. A second code does no harm. A cookie is set or is not.
    signing_in = {path for path in (route.path for route in _routes()) if path.startswith("/v1/knock/")}
    signing_in -= {"/v1/knock/sessions", "/v1/knock/sessions/{session_id}/visit"}
    signing_in.add("/v1/me/codes/redeem")
    # An invitation enrols once; challenges are answered once.
    signing_in |= {path for path in (route.path for route in _routes()) if path.startswith("/v1/tablet/")}
    for route in _routes():
        if "POST" in _methods(route) and route.path not in reading | signing_in:
            names = {p.alias for d in route.dependant.dependencies for p in d.header_params}
            assert "Idempotency-Key" in names, route.path


def test_guarded_routes_refuse_unknown_callers_and_roles(client: TestClient, call: Callable[[Role], Caller]) -> None:
    # One application serves all routes: refused requests change nothing, so the routes need no application each.
    tokens = {role: call(role).token for role in set(Role) - {Role.PENSIONER}}
    guarded = [(route, guard) for route in _routes() if isinstance(guard := _guards(route)[0], Access)]
    assert len(guarded) > 40
    for route, guard in guarded:
        path = re.sub(r"{\w+}", str(uuid4()), route.path)
        method = _methods(route)[0]
        headers = {"Idempotency-Key": "access-test"}
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401, route.path
        assert answer.json()["code"] == "token_refused"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        for role in tokens.keys() - guard.roles:
            answer = client.request(method, path, headers=headers | {"Authorization": f"Bearer {tokens[role]}"})
            assert answer.status_code == 403, f"{role} got {answer.status_code} from {route.path}"
            assert answer.json()["code"] == "forbidden"


def test_a_session_token_opens_its_own_session_only(client: TestClient, service: Service) -> None:
    state = client.app.state.certify  # type: ignore[attr-defined]  # the app of the fixture
    token = state.session_signer.issue(
        subject="x", role=Role.PENSIONER, now=service.clock(), lifetime=timedelta(hours=1), session=uuid4()
    )
    answer = Caller(client, token).get(f"/v1/sessions/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def _signer(issuer: str = "https://idp.example", seed: bytes = b"s" * 32) -> Signer:
    return Signer(issuer, ed25519_jwk(seed), frozenset({Role.OFFICER}))


def _issue(signer: Signer, service: Service, role: Role = Role.OFFICER, hours: float = 1) -> str:
    return signer.issue(subject="anna", role=role, now=service.clock(), lifetime=timedelta(hours=hours))


def test_tokens_are_checked_for_issuer_key_role_and_time(service: Service) -> None:
    signer = _signer()
    authenticator = Authenticator([signer.issuer()])
    good = _issue(signer, service)
    assert authenticator.authenticate(good, service.clock()) == Principal("anna", Role.OFFICER, "https://idp.example")
    refused = {
        "expired": _issue(signer, service, hours=-1),
        "another key": _issue(_signer(seed=b"t" * 32), service),
        "unknown issuer": _issue(_signer("https://evil.example"), service),
        "a role the issuer may not give": _issue(signer, service, Role.AUDITOR),
        "altered": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        "rubbish": "not.a.token",
        "no algorithm": "eyJhbGciOiJub25lIn0." + good.split(".")[1] + ".",
        "empty": "",
    }
    for token in refused.values():
        with pytest.raises(TokenRefused):
            authenticator.authenticate(token, service.clock())
    assert AUDIENCE == "certify"


def test_the_development_issuer_refuses_production(service: Service) -> None:
    production = service.settings.model_copy(update={"env": Env.PRODUCTION})
    with pytest.raises(Unavailable) as refused:
        development_signer(production)
    assert refused.value.code == "development_only"


def test_session_tokens_outlive_the_rotation_of_their_key(service: Service) -> None:
    session = uuid4()

    def issue(client: TestClient) -> str:
        signer: Signer = client.app.state.certify.session_signer  # type: ignore[attr-defined]  # the app of the test
        return signer.issue(
            subject="x", role=Role.PENSIONER, now=service.clock(), lifetime=timedelta(hours=1), session=session
        )

    def status(client: TestClient, token: str) -> int:
        return Caller(client, token).get(f"/v1/sessions/{session}").status_code

    with TestClient(create_app(service=service)) as client:
        old = issue(client)
        assert status(client, old) == 404, "the token is good; there is no such session"
    with service.unit() as unit:
        rotate_key(unit.db, service.vault, "session", Algorithm.EDDSA, service.clock)
    with TestClient(create_app(service=service)) as client:
        new = issue(client)
        assert (status(client, old), status(client, new)) == (404, 404)
        assert status(client, old[:-6] + "AAAAAA") == 401

"""Callers of a real OpenID provider: keys are found and rotate without a restart, and roles are translated."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from certify.errors import Unavailable
from certify.issuers.file import load_issuers
from certify.issuers.tokens import Authenticator, KeysAwaited, Principal, TokenRefused
from certify.service import Service
from tests.certify.issuers.real_provider import Provider, running_provider
from tests.conftest import Clock

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

KEYCLOAK: dict[str, Any] = {
    "roles": ["officer", "auditor"],
    "claims": {"role": "realm_access.roles", "role_names": {"fund-officer": "officer", "fund-auditor": "auditor"}},
}
ENTRA: dict[str, Any] = {
    "roles": ["auditor"],
    "audience": "api://certify",
    "claims": {"role": "roles", "role_names": {"Certify.Audit": "auditor"}},
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))  # the provider has no other clock than this machine's


def _trusting(provider: Provider, folder: Path, entry: dict[str, Any]) -> Authenticator:
    return Authenticator(load_issuers(_file(provider, folder, entry)))


def _file(provider: Provider, folder: Path, entry: dict[str, Any]) -> Path:
    path = folder / "issuers.json"
    path.write_text(json.dumps([{"issuer": provider.issuer, "discovery": provider.issuer, **entry}]))
    return path


def _caller(authenticator: Authenticator, token: str, clock: Clock) -> Principal:
    """Authenticate as the HTTP service does: wait when keys are being fetched."""
    try:
        return authenticator.authenticate(token, clock())
    except KeysAwaited as awaited:
        awaited.fetched.result(timeout=60)
    return authenticator.authenticate(token, clock())


def test_a_token_with_the_claims_of_keycloak(provider: Provider, tmp_path: Path, clock: Clock) -> None:
    caller = _caller(_trusting(provider, tmp_path, KEYCLOAK), provider.token("keycloak"), clock)
    assert (caller.issuer, caller.subject, caller.role.value) == (provider.issuer, "keycloak", "officer")


def test_a_token_with_the_claims_of_entra(provider: Provider, tmp_path: Path, clock: Clock) -> None:
    caller = _caller(_trusting(provider, tmp_path, ENTRA), provider.token("entra"), clock)
    assert (caller.subject, caller.role.value) == ("entra", "auditor")


def test_attack_a_token_for_another_audience_or_without_the_scope_is_refused(
    provider: Provider, tmp_path: Path, clock: Clock
) -> None:
    other_audience = _trusting(provider, tmp_path, {**KEYCLOAK, "audience": "payroll"})
    with pytest.raises(TokenRefused):
        _caller(other_audience, provider.token("keycloak"), clock)
    unlimited = _trusting(
        provider, tmp_path, {**KEYCLOAK, "claims": {**KEYCLOAK["claims"], "regions": "resource_access.certify.regions"}}
    )
    with pytest.raises(TokenRefused, match="lacks the claim"):
        _caller(unlimited, provider.token("keycloak"), clock)


def test_attack_a_token_of_a_year_is_refused(provider: Provider, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(TokenRefused, match="longer than"):
        _caller(_trusting(provider, tmp_path, KEYCLOAK), provider.token("eternal"), clock)


def test_keys_rotate_without_a_restart_and_a_withdrawn_key_stops_counting(
    provider: Provider, tmp_path: Path, clock: Clock
) -> None:
    authenticator = _trusting(provider, tmp_path, KEYCLOAK)
    old = provider.token("keycloak")
    _caller(authenticator, old, clock)
    provider.tell("rotate")
    new = provider.token("keycloak")
    with pytest.raises(TokenRefused):
        authenticator.authenticate(new, clock())  # a moment after the first fetch: not fetched again
    clock.advance(timedelta(seconds=31))
    _caller(authenticator, new, clock)
    _caller(authenticator, old, clock)  # the provider still publishes its key
    provider.tell("withdraw")
    clock.advance(timedelta(seconds=31))
    with pytest.raises(KeysAwaited) as awaited:  # a token with an invented key id makes the service look again
        authenticator.authenticate(_with_another_kid(new), clock())
    awaited.value.fetched.result(timeout=60)
    _caller(authenticator, new, clock)
    with pytest.raises(TokenRefused):
        authenticator.authenticate(old, clock())


def _with_another_kid(token: str) -> str:
    header = urlsafe_b64encode(b'{"alg":"ES256","kid":"invented"}').rstrip(b"=").decode()
    return ".".join([header, *token.split(".")[1:]])


def test_callers_are_known_while_the_provider_is_down(provider: Provider, tmp_path: Path, clock: Clock) -> None:
    authenticator = _trusting(provider, tmp_path, KEYCLOAK)
    token = provider.token("keycloak")
    _caller(authenticator, token, clock)
    provider.stop()
    clock.advance(timedelta(minutes=59))
    assert authenticator.authenticate(token, clock()).role.value == "officer"
    never_reached = _trusting(provider, tmp_path, KEYCLOAK)
    with pytest.raises(Unavailable) as refused:
        _caller(never_reached, token, clock)
    assert refused.value.code == "issuer_unreachable"


def test_over_http_the_first_request_after_a_rotation_is_answered(
    provider: Provider, tmp_path: Path, service: Service, clock: Clock
) -> None:
    settings = service.settings.model_copy(update={"issuers_file": _file(provider, tmp_path, KEYCLOAK)})

    def status(client: TestClient) -> int:
        headers = {"Authorization": f"Bearer {provider.token('keycloak')}"}
        return client.get("/v1/review-cases", headers=headers).status_code

    with TestClient(create_app(service=replace(service, settings=settings, clock=clock))) as client:
        assert status(client) == 200
        provider.tell("rotate")
        clock.advance(timedelta(seconds=31))
        assert status(client) == 200

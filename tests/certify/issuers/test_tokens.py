"""Bearer tokens with claims that no honest issuer sends: refused, and never a fault of the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from certify.issuers.mapping import ClaimMap
from certify.issuers.tokens import Authenticator, Role, TokenRefused, ed25519_jwk
from certify.issuers.trust import FixedKeys, Issuer
from tests.conftest import Clock

ISSUER = "https://id.fund.example"
_KEYS = KeySet.import_key_set({"keys": [ed25519_jwk(b"k" * 32) | {"alg": "Ed25519"}]})
HUGE = 10**400
"""No float is as large."""


WRONG: dict[str, list[Any]] = {
    "sources": ["", [""], 5, None, "hospital", {}, [5], [None], [["hospital"]], True],
    "role": [5, None, {}, [], ["officer", "auditor"], [5], "king", True, HUGE],
    "sub": [5, None, "", ["anna"], {}, True],
    "aud": [5, None, "", [], [5], {}, "payroll"],
    "exp": [None, "soon", True, [], {}, -HUGE, -1],
    "iat": ["now", True, [], {}, HUGE],
    "nbf": ["now", HUGE],
    "iss": [5, None, [ISSUER], {}],
}
"""Values of claims that no honest issuer sends."""


def _authenticator(**attributes: Any) -> Authenticator:
    values: dict[str, Any] = {"longest": timedelta(hours=12), "translate": ClaimMap(), **attributes}
    return Authenticator([Issuer(ISSUER, FixedKeys(_KEYS), frozenset({Role.OFFICER}), **values)])


def _claims(clock: Clock, **more: Any) -> dict[str, Any]:
    now = int(clock().timestamp())
    return {"iss": ISSUER, "aud": "certify", "sub": "anna", "role": "officer", "iat": now, "exp": now + 3600, **more}


def _signed(claims: Mapping[str, Any]) -> str:
    (key,) = _KEYS.keys
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, dict(claims), key, algorithms=["Ed25519"])


def test_a_good_token(clock: Clock) -> None:
    token = _signed(_claims(clock, sources=["hospital"]))
    caller = _authenticator().authenticate(token, clock())
    assert (caller.subject, caller.role, caller.sources) == ("anna", Role.OFFICER, frozenset({"hospital"}))


@pytest.mark.parametrize("longest", [timedelta(hours=12), None])
@pytest.mark.parametrize(("claim", "value"), [(claim, value) for claim, values in WRONG.items() for value in values])
def test_attack_a_claim_of_a_wrong_type_or_size_is_refused(
    clock: Clock, claim: str, value: object, longest: timedelta | None
) -> None:
    token = _signed(_claims(clock, **{claim: value}))
    with pytest.raises(TokenRefused):
        _authenticator(longest=longest).authenticate(token, clock())


@pytest.mark.parametrize("more", [{"exp": HUGE}, {"exp": 1e300}, {"iat": -HUGE}, {"iat": -1e300}, {"iat": -1}])
def test_attack_a_token_without_an_end_is_refused(clock: Clock, more: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        _authenticator().authenticate(_signed(_claims(clock, **more)), clock())


def test_attack_a_token_of_a_year_is_refused(clock: Clock) -> None:
    now = int(clock().timestamp())
    for hours, good in ((12, True), (13, False), (365 * 24, False)):
        token = _signed(_claims(clock, exp=now + hours * 3600))
        if good:
            assert _authenticator().authenticate(token, clock())
            continue
        with pytest.raises(TokenRefused, match="longer than"):
            _authenticator().authenticate(token, clock())
    without = _claims(clock)
    del without["iat"]  # a lifetime that cannot be known
    with pytest.raises(TokenRefused):
        _authenticator().authenticate(_signed(without), clock())


def test_one_of_several_audiences_is_enough(clock: Clock) -> None:
    issuer = _authenticator(audiences=("api://certify", "certify-api"))
    assert issuer.authenticate(_signed(_claims(clock, aud=["account", "certify-api"])), clock())
    with pytest.raises(TokenRefused):
        issuer.authenticate(_signed(_claims(clock, aud=["account", "certify"])), clock())

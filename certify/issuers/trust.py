"""Describe the issuers of tokens that the service trusts: names, keys, roles, and how long a token may be valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from joserfc import jwt
from joserfc.jwk import KeySet

from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError, Unavailable

AUDIENCE = "certify"
HUMAN_ROLES = frozenset({"enroller", "officer", "supervisor", "auditor"})
"""Roles whose holders may not decide twice about one matter (certify/decision/proposals.py)."""
_LEEWAY = 30  # seconds that clocks of issuers may differ from ours


class TokenRefused(CertifyError):
    """The bearer token is missing, wrong, expired, or not valid for this request."""

    code = ErrorCode.TOKEN_REFUSED


class KeysAwaited(Unavailable):
    """The keys of an issuer are being fetched. Authenticate again when ``fetched`` is done."""

    code = ErrorCode.ISSUER_UNREACHABLE

    def __init__(self, fetched: Future[None]) -> None:
        super().__init__(
            "The keys of the token's issuer are being fetched.", hint="Send the request again in a few seconds."
        )
        self.fetched = fetched


class KeySource(Protocol):
    """Where the public keys of an issuer come from."""

    @property
    def version(self) -> int:
        """A number that changes when the keys change. A signature that was verified before must be verified again."""
        ...

    def current(self, now: datetime) -> KeySet:
        """Return the keys, at once.

        Raises:
            KeysAwaited: there are no keys yet, and they are being fetched (``issuer_unreachable``).
            Unavailable: there are no keys, and the issuer does not answer (``issuer_unreachable``).
        """
        ...

    def fetch_again(self, now: datetime) -> Future[None] | None:
        """Fetch the keys because a token names an unknown one; None when that was done a moment ago or is pointless."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that stay as they are while the process runs."""

    keys: KeySet
    version: int = 0

    def current(self, now: datetime) -> KeySet:  # noqa: ARG002 - the same at every moment
        """Return the keys."""
        return self.keys

    def fetch_again(self, now: datetime) -> None:
        """Return None: there are no other keys."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A trusted issuer.

    Attributes:
        name: its name in ``iss``.
        keys: its public keys.
        roles: the roles that it may give.
        audiences: names in ``aud`` that mean this service; one is enough.
        longest: longest time from ``iat`` to ``exp``; None for no limit.
        translate: turns the issuer's claims into ours: ``role``, ``sources`` and further scopes at the top level. It
            raises :class:`TokenRefused` or ValueError.
    """

    name: str
    keys: KeySource = field(repr=False)
    roles: frozenset[str]
    audiences: tuple[str, ...] = (AUDIENCE,)
    longest: timedelta | None = None
    translate: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict

    def require_valid(self, claims: Mapping[str, Any], now: datetime) -> None:
        """Check issuer, audience, subject and times of a token whose signature is good.

        Args:
            claims: of the token.
            now: the present instant.

        Raises:
            TokenRefused: the token is valid for longer than the issuer may give one (``token_refused``).
            JoseError: something else is missing or wrong.
        """
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": self.name},
            aud={"essential": True, "values": list(self.audiences)},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": self.longest is not None},
        ).validate(dict(claims))
        if self.longest is not None and not 0 < claims["exp"] - claims["iat"] <= self.longest.total_seconds():
            raise TokenRefused(
                "The access token is valid for longer than this service accepts.",
                hint="Sign in again; the operator sets the lifetime at the identity provider.",
            )

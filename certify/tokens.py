"""Bearer tokens: JWTs of configured issuers, of the service itself for sessions, and of a development issuer.

A token is accepted when its issuer is known, the signature is by a key of that issuer with that key's algorithm,
audience and times fit, and the role is one the issuer may give. Keys come from a file, never from the network.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from certify.certificates.keys import SigningKey
from certify.config import Env, Settings
from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError, Unavailable
from certify.storage.keys import FileMasterKey

AUDIENCE = "certify"
SESSION_ISSUER = "certify:sessions"
DEVELOPMENT_ISSUER = "certify:development"
_ALGORITHMS = ["Ed25519", "EdDSA", "ES256", "RS256", "PS256"]
# RFC 9864 renames EdDSA, and joserfc warns at every use; identity providers will send the old name for years.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", module=r"joserfc\..*")
_LEEWAY = 30  # seconds that clocks of issuers may differ from ours


class TokenRefused(CertifyError):
    """The bearer token is missing, wrong, or not for this."""

    code = ErrorCode.TOKEN_REFUSED


class Role(StrEnum):
    """Who is calling. Each route names the roles it is open to."""

    PENSIONER = "pensioner"  # one capture session of one person, by a token of the service itself
    SELF = "self"  # a person on their own pages, by a token of the service itself, in a cookie
    AGENT = "agent"
    TABLET = "tablet"  # an agent at an enrolled tablet, by a token of the service itself, in a cookie
    OFFICER = "officer"
    AUDITOR = "auditor"
    MACHINE = "machine"  # registries, payers and batch jobs


OWN_ROLES = frozenset({Role.PENSIONER, Role.SELF, Role.TABLET})
"""Roles that the service alone gives; no issuer may."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller.

    ``session`` is set for pensioners only, and limits them to it. ``sources`` are the registries a machine speaks for:
    it can record and void in their names only, so that two sources are two callers and not two words of one.
    ``device``: the token counts only together with the name of the device it was given to, whose mark this is.
    """

    subject: str
    role: Role
    issuer: str
    session: UUID | None = None
    sources: frozenset[str] = frozenset()
    device: str | None = None

    @property
    def key(self) -> str:
        """A name that is unique over all issuers, and over the sessions of one person."""
        return f"{self.issuer}|{self.session or self.subject}"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A trusted issuer: its name in ``iss``, its public keys, and the roles it may give."""

    name: str
    keys: KeySet = field(repr=False)
    roles: frozenset[Role]


def load_issuers(path: Path) -> list[Issuer]:
    """Read the issuers file: a list of objects with ``issuer``, ``roles`` and ``keys`` (a JWK list).

    Raises Unavailable naming what is wrong: a service that cannot tell whom to trust must not start.
    """
    try:
        return [
            Issuer(
                entry["issuer"],
                KeySet.import_key_set({"keys": entry["keys"]}),
                frozenset(Role(role) for role in entry["roles"]) - OWN_ROLES,
            )
            for entry in json.loads(path.read_text())
        ]
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise Unavailable(f"The issuers file {path} cannot be used: {error}", code=ErrorCode.ISSUERS_FILE) from error


class Authenticator:
    """Verifies bearer tokens against the trusted issuers."""

    def __init__(self, issuers: list[Issuer]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        # A signature once verified stays verified; only its time is checked again. Keyed by the whole token.
        self._verified: LRUCache[str, tuple[Principal, float]] = LRUCache(maxsize=4096)
        self._lock = Lock()

    def authenticate(self, token: str, now: datetime) -> Principal:
        """Return the caller. Raises TokenRefused, saying in general words why."""
        if len(token) > 8192:
            raise TokenRefused("The access token is too long.")
        with self._lock:
            known = self._verified.get(token)
        if known is not None and now.timestamp() < known[1]:
            return known[0]
        issuer = self._issuers.get(_unverified_issuer(token))
        if issuer is None:
            raise TokenRefused("The access token is not from an issuer that is trusted here.")
        try:
            decoded = jwt.decode(token, issuer.keys, algorithms=_ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=_LEEWAY,
                iss={"essential": True, "value": issuer.name},
                aud={"essential": True, "value": AUDIENCE},
                sub={"essential": True},
                exp={"essential": True},
            )
            registry.validate(decoded.claims)
            role = Role(str(decoded.claims.get("role")))
            session = UUID(decoded.claims["sid"]) if role is Role.PENSIONER else None
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TokenRefused("The access token is not valid or has expired.", hint="Sign in again.") from error
        if role not in issuer.roles:
            raise TokenRefused("The issuer of this token may not give that role.")
        sources = frozenset(str(name) for name in decoded.claims.get("sources", ()))
        device = str(decoded.claims["dev"]) if "dev" in decoded.claims else None
        principal = Principal(str(decoded.claims["sub"]), role, issuer.name, session, sources, device)
        with self._lock:
            self._verified[token] = principal, float(decoded.claims["exp"])
        return principal


class Signer:
    """Signs tokens with one Ed25519 key. Used for sessions, and by the development issuer.

    ``retired`` are public keys that signed before: what they signed is accepted until it expires.
    """

    def __init__(
        self,
        issuer: str,
        private_jwk: Mapping[str, Any],
        roles: frozenset[Role],
        *,
        retired: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._name = issuer
        # RFC 9864 names the algorithm Ed25519; the JWK may carry the older, vaguer "EdDSA".
        keys = [
            {name: value for name, value in jwk.items() if name not in ("alg", "use")}
            for jwk in (private_jwk, *retired)
            if jwk is private_jwk or jwk.get("kid") != private_jwk.get("kid")
        ]
        self._keys = KeySet.import_key_set({"keys": keys})
        self._roles = roles

    def issue(
        self,
        *,
        subject: str,
        role: Role,
        now: datetime,
        lifetime: timedelta,
        session: UUID | None = None,
        sources: Sequence[str] = (),
        device: str | None = None,
    ) -> str:
        """Return a signed token; ``device`` is the mark of the only device on which it counts."""
        claims: dict[str, Any] = {
            "iss": self._name,
            "aud": AUDIENCE,
            "sub": subject,
            "role": role.value,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        if session is not None:
            claims["sid"] = str(session)
        if sources:
            claims["sources"] = list(sources)
        if device is not None:
            claims["dev"] = device
        key = self._keys.keys[0]
        return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=["Ed25519"])

    def issuer(self) -> Issuer:
        """Return the trust in this signer."""
        return Issuer(self._name, self._keys, self._roles)


def development_signer(settings: Settings) -> Signer:
    """Return the built-in development issuer; its key lies in the data folder.

    Raises Unavailable in production: whoever can read that folder could be anybody.
    """
    if settings.env is Env.PRODUCTION:
        raise Unavailable(
            "The development issuer does not run in production.",
            hint="Set CERTIFY_ISSUERS_FILE to the issuers of your identity provider.",
            code=ErrorCode.DEVELOPMENT_ONLY,
        )
    secret = FileMasterKey(settings.data_dir / "development-issuer.key").derive(b"development issuer")
    return Signer(DEVELOPMENT_ISSUER, ed25519_jwk(secret), frozenset(Role) - OWN_ROLES)


def ed25519_jwk(seed: bytes) -> dict[str, Any]:
    """Return the private JWK of the Ed25519 key that a 32-byte seed gives."""
    return dict(SigningKey.from_private(Ed25519PrivateKey.from_private_bytes(seed)).to_jwk())


def _unverified_issuer(token: str) -> str:
    """Read the issuer's name, only to choose the keys to verify with."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("iss"))
    except (IndexError, ValueError, AttributeError, RecursionError) as error:
        raise TokenRefused("The access token cannot be read.") from error

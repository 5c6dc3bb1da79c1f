"""Verify and sign bearer tokens: JWTs of configured issuers, of the service itself, and of a development issuer.

A token is accepted when its issuer is known, a key of that issuer signed it with that key's algorithm, audience and
times are right, and the issuer may give the role. Keys come from a file, never from the network.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
# RFC 9864 renames EdDSA, and joserfc warns at every use. Identity providers will send the old name for years.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", module=r"joserfc\..*")
_LEEWAY = 30  # seconds that clocks of issuers may differ from ours


class TokenRefused(CertifyError):
    """The bearer token is missing, wrong, expired, or not valid for this request."""

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
"""Roles that only the service itself gives; no issuer may."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller.

    Attributes:
        subject: who it is, by the issuer.
        role: what they may do.
        issuer: who says so.
        session: the one capture session that a pensioner is limited to; None for other roles.
        sources: the registries that a machine may record and void for. Two sources are therefore two callers, and not
            two names used by one.
        device: mark of the device that the token was given to; the token is valid only together with this device.
        confirmed_at: when the person last used a code or link on this device; None if they signed in by their face.
    """

    subject: str
    role: Role
    issuer: str
    session: UUID | None = None
    sources: frozenset[str] = frozenset()
    device: str | None = None
    confirmed_at: datetime | None = None

    @property
    def key(self) -> str:
        """A name that is unique over all issuers and over the sessions of one person."""
        return f"{self.issuer}|{self.session or self.subject}"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A trusted issuer: its name in ``iss``, its public keys, and the roles it may give."""

    name: str
    keys: KeySet = field(repr=False)
    roles: frozenset[Role]


def load_issuers(path: Path) -> list[Issuer]:
    """Read the issuers file: a list of objects with ``issuer``, ``roles`` and ``keys`` (a JWK list).

    Args:
        path: the file.

    Returns:
        The trusted issuers.

    Raises:
        Unavailable: the file cannot be used (``issuers_file``). A service that does not know whom to trust must not
            start.
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
    """A verifier of bearer tokens against the trusted issuers."""

    def __init__(self, issuers: list[Issuer]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        # A verified signature stays verified; only the token's expiry is checked again. The key is the whole token.
        self._verified: LRUCache[str, tuple[Principal, float]] = LRUCache(maxsize=4096)
        self._lock = Lock()

    def authenticate(self, token: str, now: datetime) -> Principal:
        """Return the caller.

        Args:
            token: the bearer token.
            now: the present instant.

        Returns:
            The authenticated caller.

        Raises:
            TokenRefused: the token is malformed, expired, or of an issuer or role that is not trusted
                (``token_refused``); the message gives the reason in general terms.
        """
        if len(token) > 8192:
            raise TokenRefused("The access token is too long.")
        with self._lock:
            known = self._verified.get(token)
        if known is not None and now.timestamp() < known[1]:
            return known[0]
        issuer = self._issuers.get(_unverified_issuer(token))
        if issuer is None:
            raise TokenRefused("The access token is not from a trusted issuer.")
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
        # Only tokens of people carry it, and only the service itself issues those.
        since = decoded.claims.get("pos") if role is Role.SELF else None
        confirmed_at = None if since is None else datetime.fromtimestamp(float(since), UTC)
        principal = Principal(str(decoded.claims["sub"]), role, issuer.name, session, sources, device, confirmed_at)
        with self._lock:
            self._verified[token] = principal, float(decoded.claims["exp"])
        return principal


class Signer:
    """A signer of tokens with one Ed25519 key, for sessions and the development issuer."""

    def __init__(
        self,
        issuer: str,
        private_jwk: Mapping[str, Any],
        roles: frozenset[Role],
        *,
        retired: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Make a signer.

        Args:
            issuer: name in ``iss``.
            private_jwk: the private key.
            roles: roles that it may give.
            retired: public keys that signed before. Their tokens are accepted until they expire.
        """
        self._name = issuer
        # RFC 9864 names the algorithm Ed25519. The JWK may carry the older and less precise "EdDSA".
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
        confirmed_at: datetime | None = None,
    ) -> str:
        """Return a signed token.

        Args:
            subject: who the caller is.
            role: what they may do.
            now: the present instant.
            lifetime: how long the token is valid.
            session: the one capture session that a pensioner is limited to.
            sources: registries that a machine may record for.
            device: mark of the only device on which the token is valid.
            confirmed_at: when the person last used a code or link on this device.

        Returns:
            The token, a JWT.
        """
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
        if confirmed_at is not None:
            claims["pos"] = int(confirmed_at.timestamp())
        key = self._keys.keys[0]
        return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=["Ed25519"])

    def issuer(self) -> Issuer:
        """Return this signer as a trusted issuer."""
        return Issuer(self._name, self._keys, self._roles)


def development_signer(settings: Settings) -> Signer:
    """Return the built-in development issuer, whose key is in the data folder.

    Args:
        settings: of the service.

    Returns:
        The signer.

    Raises:
        Unavailable: the service runs in production (``development_only``). There, a person who can read the folder
            could sign in as anyone.
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
    """Read the issuer's name, only to choose the keys that verify the token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("iss"))
    except (IndexError, ValueError, AttributeError, RecursionError) as error:
        raise TokenRefused("The access token cannot be read.") from error

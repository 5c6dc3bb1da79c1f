"""Verify and sign bearer tokens: JWTs of configured issuers, of the service itself, and of a development issuer.

A token is accepted when its issuer is known, a key of that issuer signed it with that key's algorithm, audience and
times are right, and the issuer may give the role. ``certify.issuers.trust`` says what makes an issuer, and
``certify.issuers.file`` reads the issuers file. Nothing here uses the network.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from certify.certificates.keys import SigningKey
from certify.config import Env, Settings
from certify.domain.error_codes import ErrorCode
from certify.domain.scope import EVERYTHING, Scope
from certify.errors import Unavailable
from certify.issuers.trust import AUDIENCE, HUMAN_ROLES, FixedKeys, Issuer, KeysAwaited, TokenRefused
from certify.storage.keys import FileMasterKey

__all__ = [
    "AUDIENCE",
    "DEVELOPMENT_ISSUER",
    "OWN_ROLES",
    "SESSION_ISSUER",
    "Authenticator",
    "KeysAwaited",
    "Principal",
    "Role",
    "Signer",
    "TokenRefused",
    "development_signer",
    "ed25519_jwk",
]

SESSION_ISSUER = "certify:sessions"
DEVELOPMENT_ISSUER = "certify:development"
HUMAN_ISSUER = "certify:human"
"""Stands for the issuer in the name of a human. No issuer has this name: the file refuses names of our own."""
_ALGORITHMS = ["Ed25519", "EdDSA", "ES256", "RS256", "PS256"]
# RFC 9864 renames EdDSA, and joserfc warns at every use. Identity providers will send the old name for years.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", module=r"joserfc\..*")


class Role(StrEnum):
    """Who is calling. Each route names the roles it is open to."""

    PENSIONER = "pensioner"  # one capture session of one person, by a token of the service itself
    SELF = "self"  # a person on their own pages, by a token of the service itself, in a cookie
    TABLET = "tablet"  # an agent at an enrolled tablet, by a token of the service itself, in a cookie
    AGENT = "agent"  # who visits people; works at an enrolled tablet only, so that this token opens no route
    PAYER = "payer"  # asks whether a pension may be paid, and reads nothing else
    REGISTRY = "registry"  # sends the records and attestations of its own configured sources
    ENROLLER = "enroller"  # adds people, and first references with the document that the picture came from
    OFFICER = "officer"
    SUPERVISOR = "supervisor"  # an officer who also decides about agents
    AUDITOR = "auditor"  # reads, and changes nothing
    OPERATOR = "operator"  # runs the service, and reads no person


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
        sources: the sources that a registry speaks for. The registry of sources must name the caller as well
            (certify/sources/).
        scope: the schemes and regions that the caller works for.
        device: mark of the device that the token was given to; the token is valid only together with this device.
        sign_in: id of the sign-in that the token belongs to. The token is valid only while that sign-in is live
            (certify/people/sign_ins.py).
        confirmed_at: when the person last used a code or link on this device; None if they signed in by their face.
        human: name of the human at all issuers, where the issuers file says which claim holds it.
    """

    subject: str
    role: Role
    issuer: str
    session: UUID | None = None
    sources: frozenset[str] = frozenset()
    device: str | None = None
    scope: Scope = EVERYTHING
    sign_in: UUID | None = None
    confirmed_at: datetime | None = None
    human: str | None = None

    @property
    def key(self) -> str:
        """A name that is unique over all issuers and over the sessions of one person.

        One human whom several issuers know has one name, if the issuers file says by which claim.
        """
        return self.name_at_issuer if self.human is None else f"{HUMAN_ISSUER}|{self.human}"

    @property
    def name_at_issuer(self) -> str:
        """Issuer and subject: the name in what was done before the issuers file named humans."""
        return f"{self.issuer}|{self.session or self.subject}"


class Authenticator:
    """A verifier of bearer tokens against the trusted issuers."""

    def __init__(self, issuers: list[Issuer]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        # A verified signature stays verified; only the token's expiry is checked again. The key is the whole token.
        # It is forgotten when the issuer's keys change: one of them may have been withdrawn.
        self._verified: LRUCache[str, tuple[Principal, float, Issuer, int]] = LRUCache(maxsize=4096)
        self._lock = Lock()

    def prepare(self, now: datetime) -> None:
        """Begin to fetch keys that are fetched, so that the first callers need not wait."""
        for issuer in self._issuers.values():
            with suppress(Unavailable):
                issuer.keys.current(now)

    def authenticate(self, token: str, now: datetime) -> Principal:
        """Return the caller.

        Args:
            token: the bearer token.
            now: the present instant.

        Returns:
            The authenticated caller.

        Raises:
            TokenRefused: the token is malformed, expired, valid for too long, or of an issuer or role that is not
                trusted (``token_refused``); the message gives the reason in general terms.
            KeysAwaited: keys of the issuer are being fetched (``issuer_unreachable``).
            Unavailable: the issuer's keys are not known, and it does not answer (``issuer_unreachable``).
        """
        if len(token) > 8192:
            raise TokenRefused("The access token is too long.")
        with self._lock:
            known = self._verified.get(token)
        if known is not None and now.timestamp() < known[1]:
            known[2].keys.current(now)
            if known[2].keys.version == known[3]:
                return known[0]
        issuer = self._issuers.get(_unverified_issuer(token))
        if issuer is None:
            raise TokenRefused("The access token is not from a trusted issuer.")
        version = issuer.keys.version  # before the keys: if they change in between, the signature is verified again
        keys = issuer.keys.current(now)
        try:
            decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            issuer.require_valid(decoded.claims, now)
            claims = issuer.translate(decoded.claims)
            role = Role(claims["role"])
            principal = Principal(
                subject=claims["sub"],
                role=role,
                issuer=issuer.name,
                session=UUID(claims["sid"]) if role is Role.PENSIONER else None,
                sources=_names(claims, "sources") or frozenset(),
                device=str(claims["dev"]) if "dev" in claims else None,
                confirmed_at=_instant(decoded.claims.get("pos")) if role is Role.SELF else None,
                scope=Scope(_names(claims, "schemes"), _names(claims, "regions")),
                sign_in=UUID(claims["sgn"]) if "sgn" in claims else None,
                human=claims.get("human") if role in HUMAN_ROLES else None,
            )
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            fetched = issuer.keys.fetch_again(now) if isinstance(error, InvalidKeyIdError) else None
            if fetched is not None:
                raise KeysAwaited(fetched) from error
            raise TokenRefused("The access token is not valid or has expired.", hint="Sign in again.") from error
        if role not in issuer.roles:
            raise TokenRefused("The issuer of this token may not give that role.")
        with self._lock:
            self._verified[token] = principal, float(decoded.claims["exp"]), issuer, version
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
        sign_in: UUID | None = None,
        scope: Scope = EVERYTHING,
        confirmed_at: datetime | None = None,
    ) -> str:
        """Return a signed token.

        Args:
            subject: who the caller is.
            role: what they may do.
            now: the present instant.
            lifetime: how long the token is valid.
            session: the one capture session that a pensioner is limited to.
            sources: sources that a registry speaks for.
            device: mark of the only device on which the token is valid.
            sign_in: id of the sign-in without which the token is not valid.
            scope: schemes and regions that the caller works for.
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
        if sign_in is not None:
            claims["sgn"] = str(sign_in)
        if confirmed_at is not None:
            claims["pos"] = int(confirmed_at.timestamp())
        for name, values in (("schemes", scope.schemes), ("regions", scope.regions)):
            if values is not None:
                claims[name] = sorted(values)
        key = self._keys.keys[0]
        return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=["Ed25519"])

    def issuer(self) -> Issuer:
        """Return this signer as a trusted issuer."""
        return Issuer(self._name, FixedKeys(self._keys), self._roles)


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


def _names(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """Return a claim that is a list of names; None if the token lacks it.

    Raises:
        ValueError: the claim is something else. A claim that cannot be read must not widen what the caller may do.
    """
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
        raise ValueError(f"the claim '{name}' is not a list of names")
    return frozenset(value)


def _unverified_issuer(token: str) -> str:
    """Read the issuer's name, only to choose the keys that verify the token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("iss"))
    except (IndexError, ValueError, AttributeError, RecursionError) as error:
        raise TokenRefused("The access token cannot be read.") from error


def _instant(seconds: object) -> datetime | None:
    """Read an instant of our own tokens; only the service itself issues tokens that carry one."""
    return None if seconds is None else datetime.fromtimestamp(float(str(seconds)), UTC)

"""Signing keys and their public halves: making them, naming them, carrying them in and out.

A key id is the first 16 hexadecimal characters of the RFC 7638 thumbprint (SHA-256) of the public key: 8 bytes in
the QR code, computable by anybody who holds the key, and never chosen by hand. It only looks a key up in a set
that is trusted already, so its length is no security parameter.
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

KID_BYTES = 8

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class Algorithm(enum.StrEnum):
    """Signature algorithms; the values are the JOSE names (RFC 8037, RFC 7518)."""

    EDDSA = "EdDSA"  # Ed25519: deterministic and the default
    ES256 = "ES256"  # ECDSA on P-256 with SHA-256, for hardware modules that have nothing else

    @property
    def cose(self) -> int:
        """The algorithm's COSE number (RFC 9053 sections 2.1 and 2.2)."""
        return -8 if self is Algorithm.EDDSA else -7


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with the one algorithm it may be used with. Equal when the key ids are equal."""

    kid: str
    algorithm: Algorithm
    public: PublicKey = field(repr=False, compare=False)

    @classmethod
    def from_public(cls, public: object) -> Self:
        """Wrap a public key object of `cryptography`. Raises ValueError unless Ed25519 or P-256."""
        if isinstance(public, Ed25519PublicKey):
            return cls(_kid(OKPKey.import_key(public)), Algorithm.EDDSA, public)
        if isinstance(public, EllipticCurvePublicKey) and public.curve.name == "secp256r1":
            return cls(_kid(ECKey.import_key(public)), Algorithm.ES256, public)
        raise ValueError("certificates are signed with Ed25519 or P-256 keys")

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a public JWK (RFC 7517). Its ``kid`` and ``alg``, where given, must be those of the key.

        Raises ValueError when it is not such a key, or carries a private part that has no business here.
        """
        if "d" in jwk:
            raise ValueError("this is a private key")
        key = cls.from_public(_import_jwk(jwk).public_key)
        _require_names(jwk, key.kid, key.algorithm)
        return key

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a public key in PEM (SubjectPublicKeyInfo). Raises ValueError when it is not one."""
        try:
            return cls.from_public(load_pem_public_key(pem))
        except UnsupportedAlgorithm as error:
            raise ValueError("not a usable key") from error

    def to_jwk(self) -> dict[str, str]:
        """Return the public JWK with ``kid``, ``alg`` and ``use``."""
        return {
            **_members(self.public, private=False),
            "kid": self.kid,
            "alg": self.algorithm.value,
            "use": "sig",
        }

    def to_pem(self) -> bytes:
        """Return the public key in PEM (SubjectPublicKeyInfo, RFC 5280), as openssl reads it."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the one algorithm it signs with. Its representation never shows the key."""

    kid: str
    algorithm: Algorithm
    private: PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.EDDSA) -> Self:
        """Make a new key from the operating system's randomness."""
        if algorithm is Algorithm.EDDSA:
            return cls.from_private(Ed25519PrivateKey.generate())
        return cls.from_private(ECKey.generate_key("P-256", auto_kid=False).private_key)

    @classmethod
    def from_private(cls, private: object) -> Self:
        """Wrap a private key object of `cryptography`. Raises ValueError unless Ed25519 or P-256."""
        if not isinstance(private, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise ValueError("certificates are signed with Ed25519 or P-256 keys")  # noqa: TRY004 - bad value
        public = VerificationKey.from_public(private.public_key())
        return cls(public.kid, public.algorithm, private)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a private JWK as `to_jwk` wrote it. Raises ValueError when it is not one."""
        if "d" not in jwk:
            raise ValueError("this key has no private part")
        key = cls.from_private(_import_jwk(jwk).private_key)
        _require_names(jwk, key.kid, key.algorithm)
        if any(jwk.get(name) != value for name, value in _members(key.private, private=False).items()):
            raise ValueError("the private and the public part do not belong together")
        return key

    def to_jwk(self) -> dict[str, str]:
        """Return the private JWK. It is a secret: encrypt it before it is stored."""
        return {**_members(self.private, private=True), "kid": self.kid, "alg": self.algorithm.value, "use": "sig"}

    @property
    def verification_key(self) -> VerificationKey:
        """The public half."""
        return VerificationKey.from_public(self.private.public_key())


def _import_jwk(jwk: Mapping[str, Any]) -> OKPKey | ECKey:
    kinds: dict[tuple[object, object], type[OKPKey] | type[ECKey]] = {
        ("OKP", "Ed25519"): OKPKey,
        ("EC", "P-256"): ECKey,
    }
    kind = kinds.get((jwk.get("kty"), jwk.get("crv")))
    if kind is None:
        raise ValueError("certificates are signed with Ed25519 or P-256 keys")
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y", "d") if name in jwk}
    if not all(isinstance(value, str) for value in members.values()):
        raise ValueError("the members of a key are texts")
    try:
        return kind.import_key(members)
    except (JoseError, TypeError, ValueError) as error:
        raise ValueError("not a usable key") from error


def _members(key: PrivateKey | PublicKey, *, private: bool) -> dict[str, str]:
    if isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        members = OKPKey.import_key(key).as_dict(private=private)
    else:
        members = ECKey.import_key(key).as_dict(private=private)
    return {name: str(members[name]) for name in ("kty", "crv", "x", "y", "d") if name in members}


def _kid(key: OKPKey | ECKey) -> str:
    return base64.urlsafe_b64decode(key.thumbprint() + "=")[:KID_BYTES].hex()


def _require_names(jwk: Mapping[str, Any], kid: str, algorithm: Algorithm) -> None:
    if jwk.get("kid", kid) != kid:
        raise ValueError("the key id is not the thumbprint of the key")
    if jwk.get("alg", algorithm.value) != algorithm.value:
        raise ValueError("the algorithm is not the one of the key")

"""Signing keys and public keys: generation, key ids, and conversion to and from JWK and PEM.

A key id is the first 16 hexadecimal characters of the RFC 7638 thumbprint (SHA-256) of the public key: 8 bytes in
the QR code. Everyone who has the key can compute it, and it is never chosen by hand. It only finds a key in a set that
is trusted already, so its length is not a security parameter.
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
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
        """Return the algorithm's COSE number (RFC 9053 sections 2.1 and 2.2)."""
        return -8 if self is Algorithm.EDDSA else -7


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with the one algorithm that it may be used with. Keys are equal if their ids are equal."""

    kid: str
    algorithm: Algorithm
    public: PublicKey = field(repr=False, compare=False)

    @classmethod
    def from_public(cls, public: object) -> Self:
        """Wrap a public key object of `cryptography`.

        Args:
            public: the key object.

        Returns:
            The key.

        Raises:
            ValueError: the key is neither Ed25519 nor P-256.
        """
        if isinstance(public, Ed25519PublicKey):
            return cls(_kid(OKPKey.import_key(public)), Algorithm.EDDSA, public)
        if isinstance(public, EllipticCurvePublicKey) and public.curve.name == "secp256r1":
            return cls(_kid(ECKey.import_key(public)), Algorithm.ES256, public)
        raise ValueError("certificates are signed with Ed25519 or P-256 keys")

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a public JWK (RFC 7517). If it has ``kid`` or ``alg``, they must be those of the key.

        Args:
            jwk: the members of the JWK.

        Returns:
            The key.

        Raises:
            ValueError: it is not such a key, or it has a private part.
        """
        if "d" in jwk:
            raise ValueError("this is a private key")
        key = cls.from_public(_import_jwk(jwk).public_key)
        _require_names(jwk, key.kid, key.algorithm)
        return key

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
    """A private key with the one algorithm that it signs with. Its ``repr`` never shows the key."""

    kid: str
    algorithm: Algorithm
    private: PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.EDDSA) -> Self:
        """Generate a key with the randomness of the operating system."""
        if algorithm is Algorithm.EDDSA:
            return cls.from_private(Ed25519PrivateKey.generate())
        return cls.from_private(ECKey.generate_key("P-256", auto_kid=False).private_key)

    @classmethod
    def from_private(cls, private: object) -> Self:
        """Wrap a private key object of `cryptography`.

        Args:
            private: the key object.

        Returns:
            The key.

        Raises:
            ValueError: the key is neither Ed25519 nor P-256.
        """
        if not isinstance(private, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise ValueError("certificates are signed with Ed25519 or P-256 keys")  # noqa: TRY004 - bad value
        public = VerificationKey.from_public(private.public_key())
        return cls(public.kid, public.algorithm, private)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read a private JWK as `to_jwk` wrote it.

        Args:
            jwk: the members of the JWK.

        Returns:
            The key.

        Raises:
            ValueError: it is not a private key, or its two parts do not belong together.
        """
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
        """Return the public key."""
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

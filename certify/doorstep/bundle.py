"""The envelope of one visit: encrypted for the service alone, signed by the tablet, chained to the bundle before it.

``MAGIC · length of header (4 bytes, big endian) · header (JSON) · encapsulated key (65) · ciphertext · signature (64)``

The encryption is HPKE in base mode (RFC 9180): DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with ``INFO``. The
additional data is everything up to the end of the header. The signature is ECDSA on P-256 with SHA-256 over everything
before it, as r · s. The header names no person. docs/decisions/0017-sealed-visits.md gives the reasons for this choice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, PyHPKEError

from certify.certificates.keys import SigningKey
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

MAGIC = b"CERTIFYV1\n"
INFO = b"certify visit 1"
MAX_BUNDLE = 6_000_000
"""Bytes. Five photos of the largest size that the tablet keeps have two million bytes together."""

_MAX_HEADER = 2_000
_KEY = re.compile(r"[A-Za-z0-9_-]{1,43}")  # keys are named by their thumbprint
_ENCAPSULATED, _SIGNATURE = 65, 64
_SUITE = CipherSuite.new(KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a bundle that is not encrypted.

    Attributes:
        tablet: the tablet whose key signs.
        visit: id of the visit: from the plan, or drawn by the tablet for a visit outside the plan.
        seq: place in the tablet's chain, from 1.
        previous: SHA-256 of the bundle before; for the first bundle, of the tablet's enrolment (``chain_start``).
        key: name of the service's key that the bundle is encrypted for.
    """

    tablet: UUID
    visit: UUID
    seq: int
    previous: bytes
    key: str


def parse_header(data: bytes) -> tuple[Header, int]:
    """Read the header of a bundle from its first bytes.

    Args:
        data: the bundle, or its first 2,048 bytes.

    Returns:
        The header, and the place of the first byte after it.

    Raises:
        Invalid: the bytes do not begin a bundle (``bundle_malformed``).
    """
    start = len(MAGIC) + 4
    length = int.from_bytes(data[len(MAGIC) : start])
    end = start + length
    if not data.startswith(MAGIC) or length > _MAX_HEADER or len(data) < end:
        raise _malformed()
    try:
        fields = json.loads(data[start:end])
        header = Header(
            UUID(fields["tablet"]),
            UUID(fields["visit"]),
            fields["seq"],
            bytes.fromhex(fields["previous"]),
            fields["key"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed() from error
    known = type(header.seq) is int and 0 < header.seq < 1_000_000 and isinstance(header.key, str)
    if not known or len(header.previous) != hashlib.sha256().digest_size or not _KEY.fullmatch(header.key):
        raise _malformed()
    return header, end


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was parsed and not verified yet.

    Attributes:
        data: the whole bundle.
        header: its header.
        sealed_from: place of the first byte after the header.
    """

    data: bytes
    header: Header
    sealed_from: int

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a bundle.

        Args:
            data: the bytes that a tablet sent.

        Returns:
            The bundle; nothing of it is verified.

        Raises:
            Invalid: the bytes are no bundle (``bundle_malformed``).
        """
        if len(data) > MAX_BUNDLE:
            raise _malformed()
        header, end = parse_header(data)
        if len(data) <= end + _ENCAPSULATED + _SIGNATURE:
            raise _malformed()
        return cls(data, header, end)

    @property
    def sha256(self) -> bytes:
        """Hash of the whole bundle, by which the next bundle of the chain names it."""
        return hashlib.sha256(self.data).digest()

    def is_signed_by(self, jwk: Mapping[str, Any]) -> bool:
        """Tell whether the tablet with this public key signed the bundle."""
        r, s = self.data[-_SIGNATURE:-32], self.data[-32:]
        signature = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
        try:
            public_key(jwk).verify(signature, self.data[:-_SIGNATURE], ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def open(self, key: SigningKey) -> bytes:
        """Decrypt the bundle.

        Args:
            key: the service's private key that the header names.

        Returns:
            The clear bytes (``certify.doorstep.content``).

        Raises:
            Invalid: the bundle is not encrypted for this key, or was altered (``bundle_unreadable``).
        """
        view = self.data[self.sealed_from : -_SIGNATURE]
        try:
            private = KEMKey.from_jwk(json.dumps({n: v for n, v in key.to_jwk().items() if n not in ("alg", "use")}))
            context = _SUITE.create_recipient_context(view[:_ENCAPSULATED], private, INFO)
            return context.open(view[_ENCAPSULATED:], self.data[: self.sealed_from])
        except (PyHPKEError, ValueError) as error:
            raise Invalid("The bundle cannot be decrypted.", code=ErrorCode.BUNDLE_UNREADABLE) from error


def public_key(jwk: Mapping[str, Any]) -> EllipticCurvePublicKey:
    """Read the public key of a tablet.

    Args:
        jwk: the key as a JWK; it must be on the curve P-256.

    Returns:
        The key.

    Raises:
        Invalid: this is not such a key (``device_key``).
    """
    wrong = Invalid("This is not a key of a tablet.", code=ErrorCode.DEVICE_KEY)
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        raise wrong
    try:
        x, y = (int.from_bytes(_from_base64url(str(jwk[name]))) for name in ("x", "y"))
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except (KeyError, ValueError, TypeError) as error:
        raise wrong from error


def chain_start(tablet: UUID, jwk: Mapping[str, Any]) -> bytes:
    """Return the hash of a tablet's enrolment, which its first bundle names as the bundle before it."""
    return hashlib.sha256(f"certify chain|{tablet}|{jwk['x']}|{jwk['y']}".encode()).digest()


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _malformed() -> Invalid:
    return Invalid(
        "This is not a sealed visit.", hint="Send the bundle as the tablet sealed it.", code=ErrorCode.BUNDLE_MALFORMED
    )

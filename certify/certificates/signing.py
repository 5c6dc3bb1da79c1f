"""Signature of a certificate as a COSE_Sign1 CWT (RFC 9052 section 4.2, RFC 8392), and its verification.

Exactly one encoding of a message is accepted: tag 18, the two protected headers alg and kid, an empty unprotected map,
shortest lengths. So no byte outside the signature can be changed or appended, and a general CBOR parser never reads
unsigned bytes.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from functools import lru_cache

import cbor2
from cwt import COSE, COSEKey
from cwt.cose_key_interface import COSEKeyInterface
from cwt.exceptions import CWTError

from certify.certificates.claims import from_claims, to_claims
from certify.certificates.errors import (
    BadSignature,
    CertificateMalformed,
    NotACertificate,
)
from certify.certificates.keys import KID_BYTES, Algorithm, SigningKey, VerificationKey
from certify.certificates.keyset import KeySet
from certify.certificates.payload import Certificate
from certify.certificates.plain_cbor import is_plain

# A certificate with every field at its bound fits, and so does its text in one QR code at error level M (qr.py).
# Common certificates have 350 to 550 bytes.
MAX_COSE_BYTES = 2_048
_SIGNATURE_BYTES = 64  # Ed25519, and ECDSA on P-256 as r || s (RFC 9053 section 2.1)
_BYTE_STRING = 2  # major type
_SIGN1 = b"\xd2\x84"  # tag 18, array of four
_NO_UNPROTECTED = b"\xa0"


class State(enum.StrEnum):
    """The validity of a genuine certificate at a moment, by its dates alone."""

    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """A genuine certificate and its state at the moment of verification. Revocation is not part of it."""

    certificate: Certificate
    state: State
    key_id: str


def sign(certificate: Certificate, key: SigningKey) -> bytes:
    """Sign a certificate. The same input gives the same bytes with EdDSA, but not with ES256.

    Args:
        certificate: the content.
        key: the key that the certificate names.

    Returns:
        The COSE bytes.

    Raises:
        ValueError: the certificate names another key, or is too long.
    """
    if certificate.key_id != key.kid:
        raise ValueError("the certificate names another key than the one that signs it")
    protected = {1: key.algorithm.cose, 4: bytes.fromhex(key.kid)}
    payload = cbor2.dumps(to_claims(certificate), canonical=True)
    data = COSE.new(deterministic_header=True).encode_and_sign(payload, _private_key(key), protected=protected)
    if not isinstance(data, bytes) or len(data) > MAX_COSE_BYTES:
        raise ValueError("the certificate is too long")
    return data


def verify(data: bytes, keys: KeySet, *, now: dt.datetime) -> VerifiedCertificate:
    """Verify a signed certificate: first the signature, then the claims, then the period of the key, then the dates.

    Args:
        data: the COSE bytes.
        keys: the trusted keys.
        now: the moment of verification; timezone-aware.

    Returns:
        The certificate; an expired or future one has that state.

    Raises:
        NotACertificate: the bytes are no certificate (``not_a_certificate``).
        UnknownKey: the key is not trusted (``unknown_key``).
        BadSignature: the signature does not fit (``bad_signature``).
        CertificateMalformed: the content does not follow the format (``malformed``).
        UnsupportedVersion: the content is of another version (``unsupported_version``).
        KeyNotInUse: the key was not in use at the moment of issue (``key_not_in_use``).
        ValueError: ``now`` has no time zone.
    """
    if now.utcoffset() is None:
        raise ValueError("now must be aware")
    algorithm, kid = _open(data)
    key = keys.find(kid)
    if key.algorithm is not algorithm:  # the key decides the algorithm, never the message
        raise BadSignature("the message names another algorithm than its key has")
    payload = _verified_payload(data, key)
    certificate = from_claims(_load(payload), key_id=kid)
    keys.require_in_use(kid, certificate.issued_at)
    return VerifiedCertificate(certificate, state_at(certificate, now), kid)


def read_unverified(data: bytes) -> Certificate:
    """Read a certificate without verifying its signature: only for bytes that `verify` accepted before.

    Args:
        data: the COSE bytes.

    Returns:
        The certificate.

    Raises:
        NotACertificate: the bytes are no certificate (``not_a_certificate``).
        CertificateMalformed: the content does not follow the format (``malformed``).
        UnsupportedVersion: the content is of another version (``unsupported_version``).
    """
    _, kid = _open(data)
    message = cbor2.loads(data)  # _open has checked its outer form byte by byte
    return from_claims(_load(message.value[2]), key_id=kid)


def has_form(data: bytes) -> bool:
    """Tell whether bytes have the outer form of a signed certificate, whose length is exact; nothing is verified."""
    try:
        _open(data)
    except (NotACertificate, CertificateMalformed):
        return False
    return True


def length_of(head: bytes) -> int | None:
    """Return how many bytes a signed certificate has, by its first bytes; None if they are not those of one.

    Args:
        head: the first 40 bytes or more.
    """
    if not head.startswith(_SIGN1) or len(head) < 40:
        return None
    place = len(_SIGN1) + 1 + (head[len(_SIGN1)] & 31)  # after the protected headers
    if head[place : place + 1] != _NO_UNPROTECTED or head[place + 1] >> 5 != _BYTE_STRING:
        return None
    small = head[place + 1] & 31
    if small < 24:
        content, header = small, 1
    elif small in {24, 25}:
        header = small - 22
        content = int.from_bytes(head[place + 2 : place + 1 + header])
    else:
        return None
    return place + 1 + header + content + 2 + _SIGNATURE_BYTES


def state_at(certificate: Certificate, now: dt.datetime) -> State:
    """Return the state of a certificate at an aware moment; it is expired from ``expires_at`` on (RFC 8392, exp)."""
    if now >= certificate.expires_at:
        return State.EXPIRED
    if now < certificate.valid_from:
        return State.NOT_YET_VALID
    return State.VALID


def _open(data: bytes) -> tuple[Algorithm, str]:
    """Return algorithm and key id of a message, after checking its outer form byte by byte."""
    if len(data) > MAX_COSE_BYTES:
        raise NotACertificate("too long for a certificate")
    for algorithm in Algorithm:
        kid_at = len(_SIGN1) + 1 + 5
        kid = data[kid_at : kid_at + KID_BYTES]
        head = _SIGN1 + cbor2.dumps(cbor2.dumps({1: algorithm.cose, 4: kid})) + _NO_UNPROTECTED
        if len(kid) == KID_BYTES and data.startswith(head):
            _require_body(data[len(head) :])
            return algorithm, kid.hex()
    raise NotACertificate("not a signed certificate of this format")


def _require_body(body: bytes) -> None:
    """Require a byte string, a signature byte string, and nothing else, in shortest form (RFC 8949 section 4.2.1)."""
    tail = cbor2.dumps(bytes(_SIGNATURE_BYTES))[:-_SIGNATURE_BYTES]
    for header in (1, 2, 3):  # a byte string of up to 65535 bytes has a header of 1 to 3 bytes
        length = len(body) - header - len(tail) - _SIGNATURE_BYTES
        if length >= 0 and body == cbor2.dumps(body[header : header + length]) + tail + body[-_SIGNATURE_BYTES:]:
            return
    raise CertificateMalformed("the message is cut, padded or encoded unusually")


def _verified_payload(data: bytes, key: VerificationKey) -> bytes:
    try:
        payload: bytes = COSE.new().decode(data, _cose_key(key.to_jwk(), key.kid))
    except (CWTError, ValueError, TypeError) as error:
        raise BadSignature("the signature does not fit the content") from error
    return payload


def _load(payload: bytes) -> object:
    if not is_plain(payload):
        raise CertificateMalformed("the payload is not plain CBOR")
    try:
        claims: object = cbor2.loads(payload)
        canonical = cbor2.dumps(claims, canonical=True)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CertificateMalformed("the payload is not CBOR") from error
    if canonical != payload:  # also refuses duplicate keys and trailing bytes
        raise CertificateMalformed("the payload is not deterministically encoded")
    return claims


@lru_cache(maxsize=4)  # one key signs thousands of certificates; equal keys have equal ids, which the id's hash ensures
def _private_key(key: SigningKey) -> COSEKeyInterface:
    return _cose_key(key.to_jwk(), key.kid)


def _cose_key(jwk: dict[str, str], kid: str) -> COSEKeyInterface:
    # cwt reads the kid of a JWK as text; the message has the eight bytes themselves.
    parameters = COSEKey.from_jwk(dict(jwk)).to_dict()
    return COSEKey.new({**parameters, 2: bytes.fromhex(kid)})

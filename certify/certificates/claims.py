"""Conversion of a certificate to CWT claims (RFC 8392), and a strict conversion back.

The private claims use integers below -65536, which the CWT registry leaves to private use (RFC 8392 section
9.1.1). Calendar days are whole days since 1970-01-01, as in RFC 8943 section 1.1 but without its tag.
docs/certificate.md shows the table to other implementers.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any, TypeVar

from certify.certificates.errors import CertificateMalformed, UnsupportedVersion
from certify.certificates.payload import VERSION, Certificate, CertifiedEntitlement, Method, StatusReference

_T = TypeVar("_T")
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


class Claim(enum.IntEnum):
    """CWT claim keys of a certificate."""

    ISS = 1
    EXP = 4
    NBF = 5
    IAT = 6
    CTI = 7
    STATUS = 65535  # draft-ietf-oauth-status-list, section "Status Claim"
    VERSION = -65537
    NAME = -65538
    BIRTH_YEAR = -65539
    ID_TAIL = -65540
    ENTITLEMENTS = -65541
    METHOD = -65542
    ASSURANCE = -65543
    VALID_UNTIL = -65544
    TIME_ZONE = -65545
    DETERMINATION = -65546


_METHOD_CODES = {Method.REMOTE_FACE: 1, Method.DATA: 2, Method.DOORSTEP: 3, Method.OFFICER: 4, Method.ATTESTED: 5}
_METHODS = {code: method for method, code in _METHOD_CODES.items()}
_REQUIRED = frozenset(int(claim) for claim in Claim) - {int(Claim.STATUS)}


def to_claims(certificate: Certificate) -> dict[int, Any]:
    """Return the claims of a certificate, ready for deterministic CBOR (RFC 8949 section 4.2.1)."""
    claims: dict[int, Any] = {
        Claim.ISS: certificate.issuer,
        Claim.EXP: int(certificate.expires_at.timestamp()),
        Claim.NBF: int(certificate.valid_from.timestamp()),
        Claim.IAT: int(certificate.issued_at.timestamp()),
        Claim.CTI: certificate.number.encode("ascii"),
        Claim.VERSION: VERSION,
        Claim.NAME: certificate.name,
        Claim.BIRTH_YEAR: certificate.birth_year,
        Claim.ID_TAIL: certificate.id_tail,
        Claim.ENTITLEMENTS: [[item.scheme, _days(item.valid_until)] for item in certificate.entitlements],
        Claim.METHOD: _METHOD_CODES[certificate.method],
        Claim.ASSURANCE: certificate.assurance,
        Claim.VALID_UNTIL: _days(certificate.valid_until),
        Claim.TIME_ZONE: certificate.time_zone,
        Claim.DETERMINATION: certificate.determination,
    }
    if certificate.status is not None:
        reference = {"idx": certificate.status.index, "uri": certificate.status.uri}
        claims[Claim.STATUS] = {"status_list": reference}
    return {int(claim): value for claim, value in claims.items()}


def from_claims(claims: object, *, key_id: str) -> Certificate:
    """Return the certificate that signed claims describe.

    Every claim must be present with its exact type, and no other claim: a claim that a verifier does not understand
    could change the meaning, so an addition needs a new version.

    Args:
        claims: the decoded payload.
        key_id: id of the key that verified the payload.

    Returns:
        The certificate.

    Raises:
        UnsupportedVersion: the claims are of another version (``unsupported_version``).
        CertificateMalformed: the claims do not follow the format (``malformed``).
    """
    if not isinstance(claims, dict):
        raise CertificateMalformed("the payload is not a map of claims")
    version = claims.get(Claim.VERSION)
    if type(version) is not int:
        raise CertificateMalformed("the payload has no version")
    if version != VERSION:
        raise UnsupportedVersion(f"certificate format {version}")
    if any(type(claim) is not int for claim in claims):
        raise CertificateMalformed("claim keys are integers")
    if set(claims) - {Claim.STATUS} != _REQUIRED:
        raise CertificateMalformed("claims are missing or not part of the format")
    try:
        return _read(claims, key_id)
    except (ValueError, OverflowError) as error:
        raise CertificateMalformed(str(error)) from error


def _read(claims: Mapping[int, Any], key_id: str) -> Certificate:
    method = _METHODS.get(_typed(claims, Claim.METHOD, int))
    if method is None:
        raise CertificateMalformed("unknown method")
    return Certificate(
        number=_typed(claims, Claim.CTI, bytes).decode("ascii"),
        issuer=_typed(claims, Claim.ISS, str),
        key_id=key_id,
        name=_typed(claims, Claim.NAME, str),
        birth_year=None if claims[Claim.BIRTH_YEAR] is None else _typed(claims, Claim.BIRTH_YEAR, int),
        id_tail=_typed(claims, Claim.ID_TAIL, str),
        entitlements=tuple(_entitlement(item) for item in _typed(claims, Claim.ENTITLEMENTS, list)),
        method=method,
        assurance=_typed(claims, Claim.ASSURANCE, str),
        issued_at=_instant(_typed(claims, Claim.IAT, int)),
        valid_from=_instant(_typed(claims, Claim.NBF, int)),
        valid_until=_date(_typed(claims, Claim.VALID_UNTIL, int)),
        time_zone=_typed(claims, Claim.TIME_ZONE, str),
        expires_at=_instant(_typed(claims, Claim.EXP, int)),
        determination=_typed(claims, Claim.DETERMINATION, bytes),
        status=_status(claims.get(Claim.STATUS)) if Claim.STATUS in claims else None,
    )


def _typed(claims: Mapping[int, Any], claim: Claim, expected: type[_T]) -> _T:
    value = claims[claim]
    if type(value) is not expected:  # exact, because True is an int
        raise CertificateMalformed(f"claim {claim.name} is not of type {expected.__name__}")
    return value


def _entitlement(item: object) -> CertifiedEntitlement:
    match item:
        case [str(scheme), int(days)] if type(days) is int:
            return CertifiedEntitlement(scheme, _date(days))
        case _:
            raise CertificateMalformed("an entitlement is a scheme and a day")


def _status(value: object) -> StatusReference:
    match value:
        case {"status_list": {"idx": int(index), "uri": str(uri), **more}, **others} if not more and not others:
            return StatusReference(index, uri)
        case _:
            raise CertificateMalformed("the status claim is not a status list reference")


def _days(day: dt.date) -> int:
    return day.toordinal() - _EPOCH_ORDINAL


def _date(days: int) -> dt.date:
    return dt.date.fromordinal(days + _EPOCH_ORDINAL)


def _instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(seconds=seconds)

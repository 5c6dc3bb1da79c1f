"""Offline verification of a certificate in any of its forms.

It needs the trusted keys and the time, but no network. It cannot see revocations, and the first of
`VerificationReport.lines` says so.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from certify.certificates.assurance import assessed, only_a_face
from certify.certificates.errors import CertificateMalformed, NotACertificate
from certify.certificates.file import from_file
from certify.certificates.keyset import KeySet
from certify.certificates.payload import Certificate
from certify.certificates.qr import MAX_IMAGE_BYTES, PREFIX, from_text, read_qr
from certify.certificates.signing import State, verify

# The XMP element that pdf.py writes; base45 needs no escaping in XML.
_IN_PDF = re.compile(rb"<cpl:certificate>(CPL1:[0-9A-Z $%*+\-./:]{1,4000})</cpl:certificate>")
_COSE_SIGN1 = b"\xd2\x84"


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """The result of offline verification.

    Attributes:
        state: by the signed dates alone.
        certificate: the genuine certificate.
        key_id: of the key that verified it.
        only_a_face: whether nothing but a matching face stands behind it, which is no proof of life.
        lines: the result for people; the first one says what to do.
    """

    state: State
    certificate: Certificate
    key_id: str
    only_a_face: bool
    lines: tuple[str, ...]


def verify_any(data: bytes | str, keys: KeySet, now: dt.datetime) -> VerificationReport:
    """Verify a certificate in any form. Only the signed content of a file counts, not the text around it.

    Args:
        data: COSE bytes, ``CPL1:`` text, a PNG or JPEG of the QR code, the JSON file or the PDF.
        keys: the trusted keys.
        now: the moment of verification; timezone-aware.

    Returns:
        The report.

    Raises:
        CertificateError: the certificate cannot be recognised, read or trusted; ``diagnostics()`` says why, for people.
        ValueError: ``now`` has no time zone, which is a programming error.
    """
    verified = verify(signed_bytes(data), keys, now=now)
    weak = only_a_face(verified.certificate)
    lines = _lines(verified.state, verified.certificate, weak=weak)
    return VerificationReport(verified.state, verified.certificate, verified.key_id, weak, lines)


def signed_bytes(data: bytes | str) -> bytes:
    """Return the signed bytes inside any form of a certificate, without verifying them.

    Args:
        data: as for `verify_any`.

    Returns:
        The COSE bytes.

    Raises:
        CertificateError: the data is not a form of a certificate, or is damaged.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise NotACertificate("too large")
    if isinstance(data, str):
        return _from_string(data)
    if data.startswith(_COSE_SIGN1):
        return data
    if data.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff")):
        return from_text(read_qr(data))
    if data.startswith(b"%PDF-"):
        return _from_pdf(data)
    try:
        return _from_string(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotACertificate("not a form of a certificate that is known here") from error


def _from_string(text: str) -> bytes:
    stripped = text.strip("\ufeff\t\r\n")
    if stripped.startswith(PREFIX):
        return from_text(stripped)
    if stripped.lstrip().startswith("{"):
        return from_file(stripped)
    raise NotACertificate("not a form of a certificate that is known here")


def _from_pdf(data: bytes) -> bytes:
    texts = {match[1] for match in _IN_PDF.finditer(data)}
    if not texts:
        raise NotACertificate("this PDF carries no certificate text; use a picture of its QR code")
    if len(texts) > 1:
        raise CertificateMalformed("this PDF carries several certificate texts")
    return from_text(texts.pop().decode("ascii"))


FACE_ONLY = "only a face was compared, perhaps of a picture. That is no proof of life: ask the person for more."


def _lines(state: State, certificate: Certificate, *, weak: bool) -> tuple[str, ...]:
    in_date = "Genuine and in date, unless it was revoked since: offline that cannot be seen."
    verdict = {
        State.VALID: f"Genuine, but WEAK: {FACE_ONLY}" if weak else in_date,
        State.EXPIRED: "Genuine, but EXPIRED: do not accept it as proof of life.",
        State.NOT_YET_VALID: "Genuine, but NOT YET VALID: do not accept it before its first day.",
    }[state]
    pensions = ", ".join(f"{item.scheme} (until {item.valid_until.isoformat()})" for item in certificate.entitlements)
    return (
        verdict,
        f"{certificate.name}, born {certificate.birth_year or 'unknown'}, national id ends with {certificate.id_tail}.",
        f"Certified until the end of {certificate.valid_until.isoformat()}, {certificate.time_zone} time.",
        f"Pensions: {pensions}.",
        f"How it was proven: {certificate.method.label}.",
        assessed(certificate.assurance),
        f"Number {certificate.number}, issued by {certificate.issuer}.",
        "Whether it was revoked since cannot be seen offline: ask the issuer.",
    )

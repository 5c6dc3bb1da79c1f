"""Offline verification of a certificate in any of its forms.

It needs the trusted keys and the time, but no network. It cannot see revocations, and the first of
`VerificationReport.lines` says so.
"""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass

from certify.certificates.assurance import assessed, only_a_face
from certify.certificates.errors import CertificateError, CertificateMalformed, NotACertificate
from certify.certificates.file import FORMAT, from_file
from certify.certificates.keyset import KeySet
from certify.certificates.loose_text import from_json, from_loose_text
from certify.certificates.payload import Certificate
from certify.certificates.picture import Seen, see
from certify.certificates.qr import MAX_IMAGE_BYTES, PREFIX, from_text
from certify.certificates.scan import pictures_of
from certify.certificates.signing import State, VerifiedCertificate, has_form, verify

# The XMP element that pdf.py writes; base45 needs no escaping in XML.
_IN_PDF = re.compile(rb"<cpl:certificate>(CPL1:[0-9A-Z $%*+\-./:]{1,4000})</cpl:certificate>")
_COSE_SIGN1 = b"\xd2\x84"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PICTURES = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"\0\0\0")


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
        data: COSE bytes; text with the certificate in it, as people copy it; a picture of the QR code, of any kind that
            :mod:`models.media.image` reads; the JSON file, or an answer of the service; the PDF, or a scan of it.
        keys: the trusted keys.
        now: the moment of verification; timezone-aware.

    Returns:
        The report.

    Raises:
        CertificateError: the certificate cannot be recognised, read or trusted; ``diagnostics()`` says why, for people.
        ValueError: ``now`` has no time zone, which is a programming error.
    """
    seen = _seen(data)
    verified = _first_genuine(seen.ways, keys, now)
    weak = only_a_face(verified.certificate)
    lines = _lines(verified.state, verified.certificate, weak=weak)
    if seen.others:
        lines += (f"The picture shows other codes too, which were not looked at: {', '.join(seen.others)}.",)
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
    return _seen(data).ways[0]


def _seen(data: bytes | str) -> Seen:
    if len(data) > MAX_IMAGE_BYTES:
        raise NotACertificate("too large", said="This file is too large for a certificate. Up to 20 MB are read.")
    if isinstance(data, str):
        return Seen(_from_string(data))
    if data.startswith(_COSE_SIGN1):
        return Seen((data,))
    if b"%PDF-" in data[:1024]:
        return _from_pdf(data)
    text = _as_text(data)
    if text is not None:
        return Seen(_from_string(text))
    return see([data])


def _as_text(data: bytes) -> str | None:
    """Return bytes as text, in the encodings in which editors save it; None if they are none."""
    if not data.startswith(_PICTURES) and (b"\0" not in data or data.startswith(_UTF16)):
        for encoding in ("utf-16",) if data.startswith(_UTF16) else ("utf-8-sig",):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    # Other encodings agree with ASCII, and a certificate is ASCII.
    return data.decode("latin-1") if PREFIX.encode() in data and b"\0" not in data else None


def _first_genuine(ways: tuple[bytes, ...], keys: KeySet, now: dt.datetime) -> VerifiedCertificate:
    """Return the first way to read a certificate that is genuine; if none is, the first one says why."""
    for cose in ways if len(ways) > 1 else ():
        with suppress(CertificateError):
            return verify(cose, keys, now=now)
    return verify(ways[0], keys, now=now)


def _from_string(text: str) -> tuple[bytes, ...]:
    stripped = text.strip("\ufeff\t\r\n ")
    if stripped.startswith(("{", "[")):
        return (from_file(stripped),) if f'"{FORMAT}"' in stripped else tuple(_answer(stripped))
    try:
        exact = from_text(text.strip("\ufeff\t\r\n"))
        if has_form(exact):
            return (exact,)
    except CertificateError:
        pass
    return tuple(from_loose_text(text))


def _answer(text: str) -> list[bytes]:
    try:
        return from_json(text)
    except NotACertificate:
        if PREFIX not in text:
            raise
        return from_loose_text(text)  # a part of an answer, copied


def _from_pdf(data: bytes) -> Seen:
    texts = {match[1] for match in _IN_PDF.finditer(data)}
    if len(texts) > 1:
        raise CertificateMalformed("this PDF carries several certificate texts")
    if texts:
        return Seen((from_text(texts.pop().decode("ascii")),))
    pictures = pictures_of(data)
    if not pictures:
        raise NotACertificate(
            "this PDF carries no certificate text and no picture that is read",
            said=_LOCKED if b"/Encrypt" in data else _NO_PICTURE,
        )
    return see(pictures)


_LOCKED = "This PDF is locked with a password. Send it unlocked, or a photo of the page."
_NO_PICTURE = "This PDF holds neither a certificate nor a scan that can be read. Send a photo of the page instead."

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

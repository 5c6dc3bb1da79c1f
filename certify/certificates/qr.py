"""Conversion of a signed certificate to text and to a QR code, and back from the exact text.

The text is ``CPL1:`` and the base45 (RFC 9285) of the COSE bytes, because QR codes have a dense alphanumeric mode for
exactly those 45 characters.
"""

from __future__ import annotations

import io

import base45  # type: ignore[import-untyped]
import segno

from certify.certificates.errors import CertificateMalformed, NotACertificate
from certify.certificates.signing import MAX_COSE_BYTES

PREFIX = "CPL1:"
MAX_TEXT = len(PREFIX) + (MAX_COSE_BYTES + 1) // 2 * 3
MAX_IMAGE_BYTES = 20_000_000
QUIET_ZONE = 4  # modules, ISO/IEC 18004 section 5.3.8
# A quarter of the code may be lost, because paper is folded, stamped and photographed in bad light (the EU Digital
# COVID Certificate has the same level for the same kind of text). Very long certificates get 15 %.
_ERROR_LEVELS = ("q", "m")


def to_text(cose: bytes) -> str:
    """Return the text of a signed certificate.

    Args:
        cose: the signed bytes.

    Returns:
        The text that a QR code holds.

    Raises:
        ValueError: the bytes are empty or too long.
    """
    if not 0 < len(cose) <= MAX_COSE_BYTES:
        raise ValueError("not the bytes of a certificate")
    encoded: bytes = base45.b45encode(cose)
    return PREFIX + encoded.decode("ascii")


def from_text(text: str) -> bytes:
    """Return the signed bytes in a text; line ends around it are ignored.

    Args:
        text: the text of a QR code.

    Returns:
        The COSE bytes.

    Raises:
        NotACertificate: the prefix is missing, or the text is too long (``not_a_certificate``).
        CertificateMalformed: the text is not base45 (``malformed``).
    """
    if len(text) > MAX_TEXT + 4:
        raise NotACertificate("too long for a certificate")
    text = text.strip("\r\n")
    if not text.startswith(PREFIX):
        raise NotACertificate(f"the text does not begin with {PREFIX}")
    try:
        data: bytes = base45.b45decode(text.removeprefix(PREFIX))
    except (ValueError, TypeError) as error:
        raise CertificateMalformed("the text is not base45") from error
    if not data:
        raise CertificateMalformed("the text is empty")
    return data


def qr_code(text: str) -> segno.QRCode:
    """Return the QR code of a certificate text at the best error correction level that fits.

    Args:
        text: the text of a certificate.

    Returns:
        The code.

    Raises:
        ValueError: the text does not fit a QR code.
    """
    for level in _ERROR_LEVELS:
        try:
            return segno.make_qr(text, error=level)
        except segno.DataOverflowError:
            continue
    raise ValueError("the text does not fit a QR code")


def qr_png(text: str, *, scale: int = 8) -> bytes:
    """Return the QR code as a black on white PNG with its quiet zone, ``scale`` pixels per module."""
    out = io.BytesIO()
    qr_code(text).save(out, kind="png", scale=scale, border=QUIET_ZONE, dark="#000", light="#fff")
    return out.getvalue()


def qr_svg(text: str) -> str:
    """Return the QR code as an SVG image with its quiet zone, which scales to its container."""
    out = io.BytesIO()
    qr_code(text).save(
        out, kind="svg", border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, xmldecl=False, nl=False
    )
    return out.getvalue().decode("utf-8")

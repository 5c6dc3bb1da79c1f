"""Read the certificate in a picture of its QR code: a photo of any kind that is read, or a scan inside a PDF.

A picture often shows more than one code: two people's certificates on one table, the code of a bill beside it. Only a
single certificate is taken, and each failure says what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import zxingcpp

from certify.certificates.errors import (
    CertificateError,
    CodeUnreadable,
    NoCode,
    NotACertificate,
    OtherCode,
    PictureUnreadable,
)
from certify.certificates.loose_text import only_one
from certify.certificates.other_codes import kind_of_code
from certify.certificates.qr import MAX_IMAGE_BYTES, PREFIX, from_text

if TYPE_CHECKING:
    from models.media.image import Pixels

_READING_SIDE = 1_500
"""Pixels of the longer side that a picture keeps at least at first. If nothing is read, it is read at its full size."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture shows.

    Attributes:
        ways: what the signed bytes of its one certificate may be, the likeliest first.
        others: in words, what its other codes are.
    """

    ways: tuple[bytes, ...]
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class _Codes:
    texts: list[str]
    broken: bool = False


def see(pictures: list[bytes]) -> Seen:
    """Read the one certificate in pictures of one document.

    Args:
        pictures: the files, at least one.

    Returns:
        The certificate, and what else the pictures show.

    Raises:
        PictureUnreadable: no picture can be opened (``picture_unreadable``).
        SeveralCertificates: they show several certificates (``several_certificates``).
        OtherCode: they show only codes of other kinds (``other_code``).
        CodeUnreadable: they show a QR code that cannot be read (``code_unreadable``).
        NoCode: they show no QR code (``no_code``).
        CertificateMalformed: the only code begins like a certificate and is none (``malformed``).
    """
    codes, refused, opened = _Codes([]), None, False
    for picture in pictures:
        try:
            _read(picture, codes)
            opened = True
        except PictureUnreadable as error:
            refused = error
    if not opened and refused is not None:
        raise refused
    return _judge(codes)


def read_qr(image: bytes) -> str:
    """Return the certificate text in one picture.

    Args:
        image: the bytes of the picture.

    Raises:
        NotACertificate: no certificate, or several, can be read in it; its class and code say why.
    """
    if len(image) > MAX_IMAGE_BYTES:
        raise PictureUnreadable("the picture is too large")
    codes = _Codes([])
    _read(image, codes)
    ours = [text for text in codes.texts if text.startswith(PREFIX)]
    if len(ours) == 1:
        return ours[0]
    _judge(codes)
    raise NotACertificate("no certificate")


def _judge(codes: _Codes) -> Seen:
    ours: list[str] = []
    others: list[str] = []
    for text in dict.fromkeys(codes.texts):
        (ours if text.startswith(PREFIX) else others).append(text)
    kinds = tuple(dict.fromkeys(kind_of_code(text) for text in others))
    if ours:
        found: list[bytes] = []
        errors: list[CertificateError] = []
        for text in ours:
            try:
                found.append(from_text(text))
            except CertificateError as error:
                errors.append(error)
        if not found:
            raise errors[0]
        return Seen((only_one(found),), kinds)
    if codes.broken:
        raise CodeUnreadable("a QR code could not be read")
    if kinds:
        one = " and ".join(kinds)
        raise OtherCode(
            "codes of other kinds",
            said=f"This is a code of another kind: {one}. Look for the square code on the certificate itself.",
        )
    raise NoCode("no QR code in the picture")


def _read(image: bytes, codes: _Codes) -> None:
    """Add the codes of a picture to what was seen."""
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    for pixels in _decoded(image):
        try:
            found = zxingcpp.read_barcodes(pixels, formats=formats, return_errors=True)
        except (RuntimeError, TypeError, ValueError) as error:
            raise PictureUnreadable("the picture cannot be read") from error
        texts = [code.text for code in found if code.valid]
        codes.texts += texts
        codes.broken |= any(not code.valid for code in found)
        if any(text.startswith(PREFIX) for text in texts):
            return


def _decoded(image: bytes) -> list[Pixels]:
    """Decode a picture reduced, and again larger if it is large."""
    # Loading the decoders takes half a second; a text needs none of them.
    from models.errors import ImageRefused  # noqa: PLC0415
    from models.guidance import sentence  # noqa: PLC0415
    from models.media.image import ImageLimits, decode, probe  # noqa: PLC0415

    limits = ImageLimits(max_bytes=MAX_IMAGE_BYTES, min_side=20)
    try:
        info = probe(image, limits)
        first = max(1, max(info.width, info.height) // _READING_SIDE)
        pixels, read = decode(image, limits, max_scale=first)
        return [pixels] if read.scale == 1 else [pixels, decode(image, limits, max_scale=1)[0]]
    except ImageRefused as refused:
        if refused.code == "not_an_image" and not image.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF")):
            raise NotACertificate("not a form of a certificate that is known here") from refused
        raise PictureUnreadable(refused.code, said=sentence(refused.code)) from refused

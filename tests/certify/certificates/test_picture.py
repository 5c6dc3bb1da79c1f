"""Photos, scans and screenshots of a certificate's QR code, and pictures that show something else."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pillow_heif
import pytest
import segno
from PIL import Image, ImageFilter

from certify.certificates import KeySet, SigningKey, qr_png, read_qr, sign, to_text, verify_any
from certify.certificates.errors import (
    CodeUnreadable,
    NoCode,
    NotACertificate,
    OtherCode,
    PictureUnreadable,
    SeveralCertificates,
)
from certify.certificates.verify import signed_bytes

from .conftest import NOW, build


@pytest.fixture(scope="module")
def text(key: SigningKey) -> str:
    return to_text(sign(build(key), key))


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


def photo(*texts: str, scale: int = 6) -> Image.Image:
    """Return a sheet with the codes beside each other."""
    codes = [
        opened(qr_png(text, scale=scale)) if text.startswith("CPL1:") else other(text, scale=scale) for text in texts
    ]
    sheet = Image.new("L", (sum(code.width for code in codes) + 200, max(code.height for code in codes) + 300), 235)
    left = 100
    for code in codes:
        sheet.paste(code, (left, 150))
        left += code.width
    return sheet.filter(ImageFilter.GaussianBlur(0.8))


def other(text: str, scale: int = 6) -> Image.Image:
    out = io.BytesIO()
    segno.make_qr(text).save(out, kind="png", scale=scale, border=4)
    return opened(out.getvalue())


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(image.convert("RGB")).save(out, quality=60)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_every_kind_of_picture_that_phones_make(kind: str, text: str, keys: KeySet) -> None:
    data = saved(photo(text), kind)
    assert verify_any(data, keys, NOW).certificate.name == "José Müller-Ortega"
    assert read_qr(data) == text


def test_a_picture_without_its_end_and_one_in_four_colours(text: str) -> None:
    assert read_qr(saved(photo(text), "JPEG")[:-2]) == text
    assert read_qr(saved(photo(text).convert("CMYK"), "JPEG")) == text


def pdf(*objects: tuple[bytes, bytes]) -> bytes:
    parts = [b"%PDF-1.4\n%\xe2\xe3\n"]
    for number, (head, body) in enumerate(objects, 1):
        parts.append(
            b"%d 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, head, len(body), body)
        )
    return b"".join(parts) + b"trailer\n<< >>\n%%EOF\n"


def image_of(picture: Image.Image, more: bytes) -> bytes:
    size = b"/Width %d /Height %d" % picture.size
    return b"/Type /XObject /Subtype /Image " + size + b" " + more


def scans(picture: Image.Image) -> dict[str, bytes]:
    colour, page = picture.convert("RGB"), (b"/Filter /FlateDecode", zlib.compress(b"q 1 0 0 1 0 0 cm /Im0 Do Q"))
    rows = picture.tobytes()
    predicted = b"".join(b"\0" + rows[start : start + picture.width] for start in range(0, len(rows), picture.width))
    black = picture.point(lambda value: 255 * (value > 128)).convert("1")
    jpeg = saved(picture, "JPEG", quality=80)
    grey = b"/ColorSpace /DeviceGray /BitsPerComponent 8 "
    return {
        "by Pillow": saved(colour, "PDF"),
        "JPEG": pdf(page, (image_of(picture, b"/Filter /DCTDecode"), jpeg)),
        "JPEG, packed": pdf((image_of(picture, b"/Filter [/FlateDecode /DCTDecode]"), zlib.compress(jpeg))),
        "rows": pdf((image_of(picture, grey + b"/Filter /FlateDecode"), zlib.compress(rows))),
        "rows as in PNG": pdf(
            (
                image_of(picture, grey + b"/Filter/FlateDecode /DecodeParms << /Predictor 15 /Colors 1 >>"),
                zlib.compress(predicted),
            )
        ),
        "rows in colour": pdf(
            (
                image_of(picture, b"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter [/FlateDecode]"),
                zlib.compress(colour.tobytes()),
            )
        ),
        "black and white": pdf(
            (image_of(picture, b"/BitsPerComponent 1 /Filter /FlateDecode"), zlib.compress(black.tobytes()))
        ),
    }


def test_a_scan_in_a_pdf(text: str) -> None:
    for name, data in scans(photo(text)).items():
        assert to_text(signed_bytes(data)) == text, name


def test_a_scan_of_something_else() -> None:
    for data in scans(photo("HTTPS://EXAMPLE.ORG")).values():
        with pytest.raises(OtherCode):
            signed_bytes(data)


def test_attack_a_scan_that_unpacks_without_end() -> None:
    head = b"/Subtype /Image /Width 90000 /Height 90000 /BitsPerComponent 8 /Filter /FlateDecode"
    with pytest.raises(Exception, match="PDF"):
        signed_bytes(pdf((head, zlib.compress(bytes(30_000_000)))))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("HC1:6BFOXN%TS3DH0YOJ58S", "a health certificate"),
        ("https://example.org/pay?id=1", "a web address"),
        ("BEGIN:VCARD\nVERSION:3.0\nN:Weber;Anna\nEND:VCARD", "an address card"),
        ("WIFI:T:WPA;S:home;P:secret;;", "the password of a wireless network"),
        ("BCD\n002\n1\nSCT\nBICXXXXX\nAnna\nDE00\nEUR12.3", "a payment"),
        ("SPC\r\n0200\r\n1\r\nCH00", "a payment"),
        ("upi://pay?pa=someone@bank", "a payment"),
        ("00020101021126580014br.gov.bcb.pix0136", "a payment"),
        ("otpauth://totp/Example?secret=ABC", "a key for sign-in codes"),
        ("tel:+4930123456", "a telephone number"),
        ("4006381333931", "a number"),
        ("just some words", "another text"),
    ],
)
def test_codes_of_other_kinds_are_named(content: str, said: str) -> None:
    with pytest.raises(OtherCode) as refused:
        signed_bytes(saved(photo(content), "PNG"))
    assert said in refused.value.diagnostics()
    assert "secret" not in refused.value.diagnostics()
    assert "sharper" not in refused.value.diagnostics()


def test_a_certificate_beside_another_code_is_verified(text: str, keys: KeySet) -> None:
    report = verify_any(saved(photo(text, "https://example.org"), "PNG"), keys, NOW)
    assert report.certificate.name == "José Müller-Ortega"
    assert report.lines[-1] == "The picture shows other codes too, which were not looked at: a web address."


def test_two_certificates_in_one_photo_are_named(key: SigningKey, text: str) -> None:
    second = to_text(sign(build(key, name="Anna [geb.] Weber"), key))
    with pytest.raises(SeveralCertificates) as several:
        signed_bytes(saved(photo(text, second), "PNG"))
    assert "José Müller-Ortega" in several.value.diagnostics()
    assert "Anna [geb.] Weber" in several.value.diagnostics()
    assert to_text(signed_bytes(saved(photo(text, text), "PNG"))) == text


def test_each_failure_has_its_own_reason(text: str) -> None:
    blurred = photo(text).filter(ImageFilter.GaussianBlur(4))
    torn = photo(text)
    torn.paste(235, (torn.width // 2, torn.height // 4, torn.width - 130, torn.height - 170))
    reasons: dict[bytes, type[NotACertificate] | tuple[type[NotACertificate], ...]] = {
        saved(Image.new("L", (600, 500), 235), "PNG"): NoCode,
        saved(blurred, "PNG"): (NoCode, CodeUnreadable),
        saved(torn, "PNG"): CodeUnreadable,
        saved(photo(text), "GIF"): PictureUnreadable,
        saved(photo(text), "TIFF"): PictureUnreadable,
        saved(photo(text), "PNG")[:2000]: PictureUnreadable,
    }
    said = set()
    for data, error in reasons.items():
        with pytest.raises(error) as refused:
            signed_bytes(data)
        said.add(refused.value.diagnostics())
    assert len(said) >= 5

"""Certificate text and QR code: round trips, photographs of the code, and hostile pictures."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from certify.certificates import (
    CertificateError,
    CertificateMalformed,
    KeySet,
    NotACertificate,
    SigningKey,
    State,
    from_text,
    qr_png,
    qr_svg,
    read_qr,
    sign,
    to_text,
)
from certify.certificates.qr import MAX_IMAGE_BYTES, MAX_TEXT, qr_code
from certify.certificates.signing import MAX_COSE_BYTES, verify

from .conftest import NOW, build


@pytest.fixture(scope="module")
def text(key: SigningKey) -> str:
    return to_text(sign(build(key), key))


def jpeg(image: Image.Image, quality: int = 60) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


@given(st.binary(min_size=1, max_size=MAX_COSE_BYTES))
def test_text_round_trip(data: bytes) -> None:
    assert from_text(to_text(data)) == data
    assert len(to_text(data)) <= MAX_TEXT


def test_the_longest_text_fits_a_code() -> None:
    assert qr_code(to_text(b"\xff" * MAX_COSE_BYTES)).error == "M"


def test_common_certificates_survive_a_quarter_lost(text: str) -> None:
    code = qr_code(text)
    assert code.error in {"Q", "H"}
    assert code.mode == "alphanumeric"
    assert isinstance(code.version, int)
    assert code.version <= 25  # modules of half a millimetre on the sheet


@pytest.mark.parametrize("wrong", ["", "CPL1:" + "A" * (MAX_TEXT + 10), "CPL2:AAA", "cpl1:AAA", "HC1:AAA"])
def test_text_of_something_else(wrong: str) -> None:
    with pytest.raises(NotACertificate):
        from_text(wrong)


@pytest.mark.parametrize("wrong", ["CPL1:", "CPL1:A", "CPL1:::::", "CPL1:ZZZ ", "CPL1:äöü", "CPL1:abc", "CPL1:٣٤٥"])
def test_text_that_is_not_base45(wrong: str) -> None:
    with pytest.raises(CertificateMalformed):
        from_text(wrong)


@pytest.mark.parametrize("data", [b"", bytes(MAX_COSE_BYTES + 1)])
def test_bytes_that_have_no_text(data: bytes) -> None:
    with pytest.raises(ValueError, match="bytes of a certificate"):
        to_text(data)


def test_png_is_read_back_and_verifies(text: str, keys: KeySet) -> None:
    read = read_qr(qr_png(text))
    assert read == text
    assert verify(from_text(read), keys, now=NOW).state is State.VALID


def test_svg_scales_and_has_a_quiet_zone(text: str) -> None:
    svg = qr_svg(text)
    side = qr_code(text).symbol_size(border=4)[0]
    assert svg.startswith("<svg")
    assert f'viewBox="0 0 {side} {side}"' in svg


@pytest.mark.parametrize("angle", [0, 4, 90, 187])
def test_a_photograph_is_read(text: str, angle: int) -> None:
    paper = Image.new("L", (1500, 1900), 225)
    paper.paste(opened(qr_png(text, scale=9)).point(lambda value: 40 + value * 185 // 255), (300, 400))
    photo = paper.rotate(angle, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=180)
    photo = photo.filter(ImageFilter.GaussianBlur(1.2)).resize((photo.width * 3 // 4, photo.height * 3 // 4))
    assert read_qr(jpeg(photo)) == text


def test_a_stained_code_is_read(text: str) -> None:
    image = opened(qr_png(text))
    stain = Image.new("L", (image.width // 4, image.height // 5), 0)
    image.paste(stain, (image.width // 2, image.height // 2))
    assert read_qr(jpeg(image, 80)) == text


def test_a_transparent_picture_is_read(text: str) -> None:
    image = opened(qr_png(text))
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    layer.paste((0, 0, 0, 255), mask=image.point(lambda value: 255 - value))
    out = io.BytesIO()
    layer.save(out, "PNG")
    assert read_qr(out.getvalue()) == text


def test_two_certificates_in_one_picture(key: SigningKey, text: str) -> None:
    other = opened(qr_png(to_text(sign(build(key, name="Another Person"), key)), scale=4))
    one = opened(qr_png(text, scale=4))
    both = Image.new("L", (one.width + other.width, max(one.height, other.height)), 255)
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    with pytest.raises(NotACertificate, match="several"):
        read_qr(jpeg(both, 90))


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("L", (10, 10)).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0" + bytes(50),
        png_header(9_000, 9_000),
        png_header(12_000, 10_000),
        png_header(2**31 - 1, 2**31 - 1),
        png_header(0, 0),
        png_header(100, 100),
        gif(),
        jpeg(Image.new("L", (200, 200), 255)),
        jpeg(Image.new("L", (1, 1), 255)),
        bytes(MAX_IMAGE_BYTES + 1),
    ],
    ids=range(12),
)
def test_hostile_and_empty_pictures(image: bytes) -> None:
    with pytest.raises(NotACertificate):
        read_qr(image)


def test_a_qr_code_of_another_kind() -> None:
    with pytest.raises(NotACertificate):
        read_qr(qr_png("HTTPS://EXAMPLE.ORG"))


@given(st.data())
def test_damaged_files_never_raise_anything_else(data: st.DataObject) -> None:
    picture = bytearray(_DAMAGED)
    for _ in range(data.draw(st.integers(1, 4))):
        picture[data.draw(st.integers(0, len(picture) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CertificateError):
        read_qr(bytes(picture[: data.draw(st.integers(1, len(picture)))]))


_DAMAGED = qr_png("CPL1:AAA", scale=3)

"""Pictures that every viewer shows: written by old cameras, messengers, editors and broken uploads."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from fixtures.faces import Picture
from models.errors import ImageRefused
from models.media.decoder_process import DecoderProcess
from models.media.image import ImageInfo, decode, probe

WIDE, HIGH = 200, 160


def picture() -> Picture:
    across, down = np.meshgrid(np.linspace(0, 255, WIDE), np.linspace(0, 255, HIGH))
    noise = np.random.default_rng(0).integers(-8, 8, (HIGH, WIDE, 3))
    return (np.stack([across, down, 255 - across], axis=2) + noise).clip(0, 255).astype(np.uint8)


def saved(kind: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture()).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def exif(value: int, *, kind: int = 3, order: str = "<", before: int = 0) -> bytes:
    """Return an Exif block whose orientation is stored with a type of TIFF, after other tags."""
    form = {1: "B3x", 3: "H2x", 4: "I", 9: "i"}[kind]
    entries = b"".join(struct.pack(f"{order}HHII", 0x0132 + tag, 4, 1, 0) for tag in range(before))
    entries += struct.pack(f"{order}HHI", 0x0112, kind, 1) + struct.pack(order + form, value)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return start + struct.pack(f"{order}H", before + 1) + entries + bytes(4)


def segment(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def xmp(orientation: int, *, element: bool = False) -> bytes:
    said = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if element else f'tiff:Orientation="{orientation}"'
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description {said}/></x:xmpmeta>".encode()


def with_segments(*bodies: bytes, jpeg: bytes | None = None) -> bytes:
    data = jpeg or saved()
    return data[:2] + b"".join(segment(body) for body in bodies) + data[2:]


EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize(
    ("data", "orientation"),
    [
        (with_segments(EXIF + exif(6)), 6),
        (with_segments(EXIF + exif(6, order=">")), 6),
        (with_segments(EXIF + exif(6, kind=4)), 6),
        (with_segments(EXIF + exif(8, kind=4, order=">")), 8),
        (with_segments(EXIF + exif(3, kind=1)), 3),
        (with_segments(EXIF + exif(6, kind=9)), 6),
        (with_segments(EXIF + exif(6, before=5)), 6),
        (with_segments(EXIF + exif(1), EXIF + exif(6)), 1),
        (with_segments(EXIF + exif(6), EXIF + exif(1)), 6),
        (with_segments(EXIF + b"broken", EXIF + exif(6)), 6),
        (with_segments(XMP + xmp(6)), 6),
        (with_segments(XMP + xmp(8, element=True)), 8),
        (with_segments(XMP + xmp(6), EXIF + exif(1)), 1),
        (with_segments(EXIF + exif(1), XMP + xmp(6)), 1),
        (with_segments(EXIF + exif(0), XMP + xmp(6)), 6),
        (with_segments(EXIF + exif(99)), 1),
        (saved("PNG", exif=EXIF + exif(6, kind=4)), 6),
        (saved("WEBP", exif=EXIF + exif(6, kind=4)), 6),
        (saved("WEBP", xmp=xmp(8)), 8),
    ],
)
def test_orientation_in_every_form_that_viewers_accept(data: bytes, orientation: int) -> None:
    info = probe(data)
    assert info.orientation == orientation
    assert (info.width < info.height) == (orientation in {6, 8})
    assert decode(data)[0].shape[:2] == (info.height, info.width)


def decoded(data: bytes) -> tuple[Picture, ImageInfo]:
    assert probe(data) == decode(data)[1]
    return decode(data)


FORMS = {
    "baseline": saved(quality=90),
    "progressive": saved(quality=90, progressive=True),
    "restarts": saved(quality=90, restart_marker_rows=1),
    "grey": saved(mode="L", quality=90),
    "four colours": saved(mode="CMYK", quality=90),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", [1, 2])
def test_only_the_end_marker_is_missing(form: str, cut: int) -> None:
    whole = FORMS[form]
    pixels, info = decoded(whole[:-cut])
    assert info.unended
    assert np.array_equal(pixels, decode(whole)[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_picture_that_lacks_more_than_its_marker_is_sent_again(form: str, share: float) -> None:
    whole = FORMS[form]
    cut = whole[: int(len(whole) * share)]
    try:
        unended = probe(cut).unended
    except ImageRefused as refused:
        unended = refused.code == "truncated"
    assert unended
    with pytest.raises(ImageRefused) as refusal:
        decode(cut)
    assert refusal.value.code == "truncated"


def test_a_png_without_its_end_is_shown() -> None:
    whole = saved("PNG")
    pixels, info = decoded(whole[:-12])
    assert info.unended
    assert np.array_equal(pixels, decode(whole)[0])
    with pytest.raises(ImageRefused) as refusal:
        decode(whole[:-40])
    assert refusal.value.code == "truncated"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "before", [b"\r\n", b"\xef\xbb\xbf", b"--form\r\nContent-Type: image/jpeg\r\n\r\n", b"\0" * 64]
)
def test_stray_bytes_before_the_picture(kind: str, before: bytes) -> None:
    whole = saved(kind)
    assert np.array_equal(decoded(before + whole)[0], decode(whole)[0])


@pytest.mark.parametrize("after", [b"\0", b"\r\n--form--\r\n", b"SEFT trailer", bytes(100_000)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_stray_bytes_after_the_picture(kind: str, after: bytes) -> None:
    whole = saved(kind)
    assert np.array_equal(decoded(whole + after)[0], decode(whole)[0])


def test_stray_bytes_between_the_segments() -> None:
    whole = saved()
    second = 4 + struct.unpack_from(">H", whole, 4)[0]
    for stray in (b"\0\0\0", b"abc", b"\xff\xff\xff", b"\xff\0"):
        data = whole[:second] + stray + whole[second:]
        assert np.array_equal(decoded(data)[0], decode(whole)[0])


def test_a_jpeg_of_empty_segments_costs_little() -> None:
    for filling in (b"\xff\x01" * 200_000, b"\xff\xe0\0\2" * 200_000):
        with pytest.raises(ImageRefused):
            probe(b"\xff\xd8" + b"\xff\xe0\0\2" + filling)


def rebranded(first: bytes, *others: bytes) -> bytes:
    """Return a HEIC picture that names other brands."""
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture())).save(stream)
    data = stream.getvalue()
    size = struct.unpack_from(">I", data)[0]
    brands = (first + bytes(4) + b"".join(others)).ljust(size - 8, b"\0")
    assert len(brands) == size - 8
    return data[:8] + brands + data[size:]


@pytest.mark.parametrize("brands", [(b"mif1",), (b"mif1", b"miaf"), (b"heix", b"mif1"), (b"msf1", b"hevc")])
def test_brands_of_heif(brands: tuple[bytes, ...]) -> None:
    pixels, info = decoded(rebranded(*brands))
    assert info.format == "HEIF"
    assert np.abs(pixels.astype(int) - picture()[:, :, ::-1]).mean() < 12


def test_a_heif_that_holds_another_coding_is_named() -> None:
    data = rebranded(b"mif1").replace(b"hvcC", b"av1C")
    with pytest.raises(ImageRefused) as refusal:
        probe(data)
    assert refusal.value.code == "is_avif"


@pytest.mark.parametrize(("width", "height"), [(9000, 12000), (12240, 16320)])
def test_a_photo_of_108_and_200_megapixels_is_reduced(width: int, height: int) -> None:
    """Its rows are stored once and repeated, so that the test needs little time."""
    stream = io.BytesIO()
    Image.new("L", (width, 64), 90).save(stream, "JPEG", quality=30, restart_marker_rows=1)
    data = repeated(stream.getvalue(), height)
    info = probe(data)
    assert (info.width, info.height, info.scale) == (width, height, 8)
    pixels, _ = decode(data)
    assert pixels.shape == (-(-height // 8), -(-width // 8), 3)
    assert abs(float(pixels.mean()) - 90) < 3


def test_photos_of_48_megapixels_stay_within_the_memory_of_the_decoder() -> None:
    """Four colours took 610 MB; the process may take 300 MB beyond its own size, and would end."""
    decoders = DecoderProcess()
    try:
        for mode in ("CMYK", "RGB"):
            stream = io.BytesIO()
            Image.new(mode, (6048, 8064)).save(stream, "JPEG", quality=5)
            pixels, info = decoders.decode(stream.getvalue())
            assert (info.scale, pixels.shape) == (8, (1008, 756, 3))
    finally:
        decoders.close()


def repeated(jpeg: bytes, height: int) -> bytes:
    """Return a JPEG with more rows, which repeat: each row of blocks ends with a restart."""
    size = jpeg.index(b"\xff\xc0") + 5
    scan = jpeg.index(b"\xff\xda")
    scan += 2 + struct.unpack_from(">H", jpeg, scan + 2)[0]
    restarts = [
        place for place in range(scan, len(jpeg) - 1) if jpeg[place] == 0xFF and 0xD0 <= jpeg[place + 1] <= 0xD7
    ]
    assert {later - earlier for earlier, later in pairwise(restarts)}
    row = jpeg[scan : restarts[0]]
    rows = b"".join(row + bytes([0xFF, 0xD0 + number % 8]) for number in range(-(-height // 8)))
    return jpeg[:size] + struct.pack(">H", height) + jpeg[size + 2 : scan] + rows[:-2] + b"\xff\xd9"

"""Hostile and unusual pictures: refused with a stable code, or decoded with the same result as Pillow."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from fixtures.faces import Picture
from models.errors import ImageRefused
from models.media.image import EVALUATION_LIMITS, ImageLimits, decode, halve, probe
from models.media.orientation import exif_orientation


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(stream, kind, **options)
    return stream.getvalue()


def smooth(width: int = 200, height: int = 160) -> Picture:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([across, down, 255 - across], axis=2).astype(np.uint8)


def code_of(data: bytes, limits: ImageLimits | None = None) -> str:
    with pytest.raises(ImageRefused) as decoding:
        decode(data, limits)
    with pytest.raises(ImageRefused) as probing:
        probe(data, limits)
    assert decoding.value.code == probing.value.code
    return decoding.value.code


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_an_image"),
        (b"hello, I am a text", "not_an_image"),
        (b"%PDF-1.7 something", "is_pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "truncated"),
        (b"RIFF\x10\x00\x00\x00WEBPJUNKJUNKJUNK", "not_an_image"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(40), "is_avif"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "not_an_image"),
        (huge_png(60_000, 60_000), "too_many_pixels"),
        (saved(smooth(40, 40), "PNG"), "too_few_pixels"),
        (saved(smooth(), "GIF"), "is_gif"),
        (saved(smooth(), "TIFF"), "is_tiff"),
        (saved(smooth(), "BMP"), "unsupported_format"),
        (saved(smooth(), "PPM"), "unsupported_format"),
    ],
)
def test_refused_with_code(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_too_many_bytes() -> None:
    assert code_of(saved(smooth(), "JPEG"), ImageLimits(max_bytes=100)) == "too_many_bytes"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_truncated(kind: str, share: float) -> None:
    data = saved(smooth(), kind)
    with pytest.raises(ImageRefused) as refusal:
        decode(data[: int(len(data) * share)])
    assert refusal.value.code == "truncated"


def test_jpeg_with_something_appended_is_complete() -> None:
    data = saved(smooth(), "JPEG")
    assert decode(data + b"SEFT-trailer-of-a-phone" * 100)[1].width == 200


def test_png_that_promises_more_pixels_than_it_has_is_refused() -> None:
    with pytest.raises(ImageRefused) as refusal:
        decode(huge_png(5_000, 5_000))
    assert refusal.value.code == "not_an_image"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated(kind: str) -> None:
    frames = [Image.fromarray(smooth()), Image.fromarray(255 - smooth())]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    assert code_of(stream.getvalue()) == "animated"


def test_progressive_jpeg_with_too_many_scans() -> None:
    data = saved(smooth(), "JPEG", progressive=True)
    assert decode(data)[1].format == "JPEG"
    assert code_of(data[:-2] + b"\xff\xda\x00\x00" * 100 + data[-2:]) == "unsupported_format"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_like_pillow(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(smooth(), kind, exif=exif)
    pixels, info = decode(data)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))[:, :, ::-1]
    assert (info.width, info.height) == (expected.shape[1], expected.shape[0])
    assert np.abs(pixels.astype(int) - expected).max() <= 4
    assert probe(data) == info


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
def test_pixel_modes(mode: str) -> None:
    grey = np.full((80, 90), 200, np.uint8)
    image = Image.fromarray(np.full((80, 90), 200 << 8, np.uint16)) if mode == "I;16" else Image.fromarray(grey)
    image = image if mode in {"I;16", "L"} else image.convert("RGB").convert(mode)
    pixels, _ = decode(saved(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert pixels.shape == (80, 90, 3)
    assert pixels.dtype == np.uint8
    # One bit can only mix black and white pixels.
    assert abs(float(pixels.mean()) - 200) < (60 if mode == "1" else 3)


def test_sixteen_bit_colour_is_not_clipped() -> None:
    data = saved(Image.fromarray((smooth()[:, :, 0].astype(np.uint16)) * 257), "PNG")
    pixels, _ = decode(data)
    assert np.abs(pixels[:, :, 0].astype(int) - smooth()[:, :, 0]).max() <= 1


def test_transparent_becomes_grey() -> None:
    clear: NDArray[np.uint8] = np.zeros((80, 80, 4), np.uint8)
    assert np.all(decode(saved(clear, "PNG"))[0] == 128)


def test_heic() -> None:
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(smooth())).save(stream)
    pixels, info = decode(stream.getvalue())
    assert (info.format, info.width, info.height) == ("HEIF", 200, 160)
    assert np.abs(pixels.astype(int) - smooth()[:, :, ::-1]).mean() < 6
    with pytest.raises(ImageRefused):
        decode(stream.getvalue()[:-300])
    # It opens as an empty collection of pictures; found by bench.fuzz_decoders.
    assert code_of(stream.getvalue().replace(b"hvcC", b"hvcX", 1)) == "not_an_image"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_large_pictures_are_reduced(kind: str) -> None:
    data = saved(smooth(4000, 3000), kind)
    pixels, info = decode(data)
    assert (info.scale, info.width, info.height) == (4, 4000, 3000)
    assert pixels.shape == (750, 1000, 3)
    assert decode(data, max_scale=2)[0].shape == (1500, 2000, 3)


def test_pgm_only_for_evaluation() -> None:
    data = saved(Image.fromarray(smooth(92, 112)).convert("L"), "PPM")
    assert decode(data, EVALUATION_LIMITS)[1].format == "PGM"
    assert code_of(data) == "unsupported_format"
    assert code_of(data[:-500], EVALUATION_LIMITS) == "truncated"


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBPVP8X", b"P5"])
)
def test_noise_is_always_refused(noise: bytes, start: bytes) -> None:
    with pytest.raises(ImageRefused):
        decode(start + noise, EVALUATION_LIMITS)


@given(st.data())
def test_damaged_files_never_crash(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))
    good = bytearray(saved(smooth(70, 66), kind))
    for _ in range(data.draw(st.integers(1, 5))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels, info = decode(bytes(good))
    except ImageRefused:
        return
    assert pixels.shape == (-(-info.height // info.scale), -(-info.width // info.scale), 3)


@given(st.binary(max_size=64))
def test_exif_noise(noise: bytes) -> None:
    assert exif_orientation(b"II*\0" + noise) in {None, *range(1, 9)}


def test_halving_keeps_whole_blocks() -> None:
    picture, block = halve(smooth(203, 161), 5)
    assert block == 4
    assert picture.shape == (40, 50, 3)


def test_no_network_runtime_is_loaded() -> None:
    program = "import models.media.image, sys; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

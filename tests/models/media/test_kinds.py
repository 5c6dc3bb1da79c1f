"""Files that are no picture we read: each is named for what it is, and no advice makes the same file again."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from models.errors import ImageRefused
from models.guidance import SENTENCES, sentence
from models.media.image import CODES, decode, probe
from models.media.kinds import is_film, kind_of


def saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((80, 90, 3), 120, np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return stream.getvalue()


def tiff(*tags: int, order: str = "<", mark: bytes = b"") -> bytes:
    """Return a TIFF with these tags, as the raw photos of cameras begin."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 16) + mark.ljust(8, b"\0")
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, 1) for tag in tags)
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(100)


def box(brand: bytes, *others: bytes) -> bytes:
    body = brand + bytes(4) + b"".join(others)
    return struct.pack(">I4s", 8 + len(body), b"ftyp") + body + bytes(200)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (saved("JPEG2000"), "is_jpeg2000"),
        (saved("JPEG2000", no_jp2=True), "is_jpeg2000"),
        (b"\xff\x0a" + bytes(100), "is_jpegxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), "is_jpegxl"),
        (saved("AVIF"), "is_avif"),
        (box(b"mif1", b"avif", b"miaf"), "is_avif"),
        (saved("TIFF"), "is_tiff"),
        (saved("TIFF", big_tiff=True), "is_tiff"),
        (saved("GIF"), "is_gif"),
        (saved("BMP"), "unsupported_format"),
        (saved("ICO"), "unsupported_format"),
        (saved("PPM"), "unsupported_format"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
        (tiff(0xC612), "is_raw"),  # DNG
        (tiff(0x010F, 0x014A, order=">"), "is_raw"),  # Nikon, Sony
        (tiff(mark=b"CR\2"), "is_raw"),  # Canon
        (box(b"crx "), "is_raw"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(100), "is_raw"),
        (saved("PDF"), "is_pdf"),
        (b"\r\n\r\n" + saved("PDF"), "is_pdf"),
        (zipped("IMG_0001.jpg"), "is_archive"),
        (b"Rar!\x1a\x07\x01\0" + bytes(50), "is_archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "is_archive"),
        (b"\x1f\x8b\x08\0" + bytes(50), "is_archive"),
        (zipped("[Content_Types].xml", "word/document.xml"), "is_document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), "is_document"),
        (b"  <!DOCTYPE html><html><body>Sign in to download</body></html>", "is_document"),
        (b"ID3\3\0" + bytes(50), "is_sound"),
        (b"\xff\xfb\x90\0" + bytes(50), "is_sound"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(50), "is_sound"),
        (b"OggS\0\2" + bytes(22) + b"OpusHead" + bytes(50), "is_sound"),
        (b"#!AMR\n" + bytes(50), "is_sound"),
        (box(b"M4A ", b"mp42"), "is_sound"),
        (box(b"mp42", b"isom"), "is_film"),
        (box(b"3gp4"), "is_film"),
        (b"\x1a\x45\xdf\xa3" + bytes(50), "is_film"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(50), "is_film"),
        ((b"\x47" + bytes(187)) * 3, "is_film"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(50), "is_film"),
        (b"Please find my photo attached.", "not_an_image"),
        (b"", "not_an_image"),
        (bytes(500), "not_an_image"),
    ],
)
def test_a_file_that_is_no_picture_is_named(data: bytes, code: str) -> None:
    for read in (probe, decode):
        with pytest.raises(ImageRefused) as refusal:
            read(data)
        assert refusal.value.code == code
    assert code in CODES
    assert is_film(data) == (code == "is_film")


def test_advice_for_pictures_never_makes_the_same_file_again() -> None:
    """A camera that is set to such a format or size makes it every time."""
    for code in CODES - {"not_an_image"}:
        assert "take a new one" not in sentence(code).lower(), code
    assert SENTENCES.keys() >= CODES


@pytest.mark.parametrize("code", ["is_jpeg2000", "is_jpegxl", "is_avif", "is_tiff", "is_raw", "unsupported_format"])
def test_the_advice_names_the_kind_that_is_read(code: str) -> None:
    assert "JPEG" in sentence(code)


def test_a_picture_that_is_read_is_of_no_other_kind() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        assert kind_of(saved(kind)) is None
        assert not is_film(saved(kind))

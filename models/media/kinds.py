"""Name what a file is by its first bytes, if it is neither a picture nor a film that is accepted.

People send what their phone or computer holds: photos that the camera app stored in another format, a scan, a whole
folder, a sound. "This is not a picture" does not tell them what to do, and "take a new one" makes the same file again.
So each kind has a code of its own, whose sentence (:mod:`models.guidance`) says what it is and what helps.
"""

from __future__ import annotations

import struct

PICTURES = frozenset({"is_jpeg2000", "is_jpegxl", "is_avif", "is_raw", "is_tiff", "is_gif", "unsupported_format"})
"""Codes of pictures that are not read."""

OTHERS = frozenset({"is_pdf", "is_archive", "is_document", "is_sound", "is_film"})
"""Codes of files that are no picture."""

FILM = "unsupported_video"
"""Code of films of a kind that is not read."""

HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2", b"miaf"})
"""Brands of pictures in the container of HEIF (ISO/IEC 23008-12; the register at mp4ra.org)."""
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_SOUND_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\0\0\0\x0cjP  \r\n\x87\n", "is_jpeg2000"),
    (b"\xff\x4f\xff\x51", "is_jpeg2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "is_jpegxl"),
    (b"\xff\x0a", "is_jpegxl"),
    (b"FUJIFILMCCD-RAW", "is_raw"),
    (b"IIRO", "is_raw"),
    (b"IIRS", "is_raw"),
    (b"MMOR", "is_raw"),
    (b"IIU\0", "is_raw"),
    (b"FOVb", "is_raw"),
    (b"\0MRM", "is_raw"),
    (b"II+\0", "is_tiff"),
    (b"MM\0+", "is_tiff"),
    (b"GIF8", "is_gif"),
    (b"BM", "unsupported_format"),
    (b"<svg", "unsupported_format"),
    (b"\0\0\1\0", "unsupported_format"),
    (b"8BPS", "unsupported_format"),
    (b"PK\5\6", "is_archive"),
    (b"Rar!\x1a\x07", "is_archive"),
    (b"7z\xbc\xaf\x27\x1c", "is_archive"),
    (b"\x1f\x8b", "is_archive"),
    (b"BZh", "is_archive"),
    (b"\xfd7zXZ\0", "is_archive"),
    (b"\x28\xb5\x2f\xfd", "is_archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is_document"),
    (b"{\\rtf", "is_document"),
    (b"ID3", "is_sound"),
    (b"fLaC", "is_sound"),
    (b"#!AMR", "is_sound"),
    (b"caff", "is_sound"),
    (b"FLV", FILM),
    (b"\0\0\1\xba", FILM),  # MPEG program stream
    (b"\0\0\1\xb3", FILM),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", FILM),  # Windows Media
    (b"\x06\x0e+4", FILM),  # MXF
    (b".RMF", FILM),
    (b"YUV4MPEG2", FILM),
    (b"\x1f\x07\0", FILM),  # DV
)
_SYNC, _PACKETS = 0x47, ((0, 188), (4, 192))
"""Transport streams consist of packets of 188 bytes that begin with this byte; cameras put four bytes before each."""
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide"})
"""Boxes with which a film of the family of MP4 begins; the oldest phones wrote none that names the kind."""
_DNG, _SUB_IMAGES, _MAKE = 0xC612, 0x014A, 0x010F
"""Tags of TIFF: a photo as the sensor of a camera saw it is a DNG, or has further images and names its maker."""


def kind_of(data: bytes) -> str | None:
    """Return the code of a file that is not read; None for files that are unknown or may be read.

    Args:
        data: the file's bytes; the first 4 kB are looked at.
    """
    head = data[:4096]
    for start, code in _STARTS:
        if head.startswith(start):
            return code
    for named in (_of_container, _of_riff, _of_ogg, _of_tiff, _of_zip, _of_text, _of_sound):
        found = named(head, data)
        if found is not None:
            return found
    return None


def is_film(data: bytes) -> bool:
    """Tell by the first bytes whether a file is a film: of a kind that is read, or of another one.

    Args:
        data: the file, or its first bytes.
    """
    if data.startswith(b"\x1a\x45\xdf\xa3") or is_avi(data) or is_transport_stream(data):
        return True
    code = kind_of(data)
    return code == FILM or (code is None and data[4:8] in _BOXES and not is_picture(data))


def is_avi(data: bytes) -> bool:
    """Tell whether a file is an AVI, by its first bytes."""
    return data.startswith(b"RIFF") and data[8:12] == b"AVI "


def is_transport_stream(data: bytes) -> bool:
    """Tell whether a file is an MPEG transport stream: three packets in a row begin as they must."""
    return any(
        len(data) > start + 2 * size and all(data[start + count * size] == _SYNC for count in range(3))
        for start, size in _PACKETS
    )


def brands_of(data: bytes) -> frozenset[bytes]:
    """Return the brands that a file of the family of MP4 and HEIF declares; none for other files."""
    if data[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(data[:4], "big"), 256)
    # Without the version between the first brand and the list.
    return frozenset({data[8:12], *(data[start : start + 4] for start in range(16, end, 4))})


def is_picture(data: bytes) -> bool:
    """Tell whether a file of the family of MP4 and HEIF holds a picture, by its first brand."""
    return data[8:12] in HEIF_BRANDS | _AVIF_BRANDS | {b"crx ", b"jp2 ", b"jpx ", b"jxl "}


def _of_container(head: bytes, _data: bytes) -> str | None:
    brands = brands_of(head)
    if head[8:12] == b"crx ":
        return "is_raw"
    if is_picture(head) and brands & _AVIF_BRANDS and not brands & {b"heic", b"heix"}:
        return "is_avif"
    if head[8:12] in _SOUND_BRANDS:
        return "is_sound"
    return None


def _of_riff(head: bytes, _data: bytes) -> str | None:
    if head.startswith(b"FORM") and head[8:12] in {b"AIFF", b"AIFC"}:
        return "is_sound"
    return "is_sound" if head.startswith(b"RIFF") and head[8:12] == b"WAVE" else None


def _of_ogg(head: bytes, _data: bytes) -> str | None:
    if not head.startswith(b"OggS"):
        return None
    return FILM if b"theora" in head else "is_sound" if b"Opus" in head or b"vorbis" in head else FILM


def _of_tiff(head: bytes, data: bytes) -> str | None:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None:
        return None
    if head[8:10] == b"CR":  # Canon
        return "is_raw"
    tags = set()
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        tags = {struct.unpack_from(f"{order}H", data, start + 2 + 12 * index)[0] for index in range(min(count, 512))}
    except struct.error:
        pass
    return "is_raw" if _DNG in tags or {_SUB_IMAGES, _MAKE} <= tags else "is_tiff"


def _of_zip(head: bytes, _data: bytes) -> str | None:
    if head[257:262] == b"ustar":
        return "is_archive"
    if not head.startswith(b"PK\3\4"):
        return None
    office = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/")
    return "is_document" if any(name in head for name in office) else "is_archive"


def _of_text(head: bytes, _data: bytes) -> str | None:
    if b"%PDF-" in head[:1024]:
        return "is_pdf"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "is_document"
    if text.startswith(b"<?xml"):
        return "unsupported_format" if b"<svg" in text else "is_document"
    return "unsupported_format" if text.startswith(b"<svg") else None


def _of_sound(head: bytes, _data: bytes) -> str | None:
    # MP3 and AAC without tags: a frame begins with eleven or twelve set bits, and version and layer are valid.
    if len(head) < 4 or head[0] != 0xFF:
        return None
    mp3 = head[1] in {0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3} and head[2] >> 4 not in {0, 15}
    return "is_sound" if mp3 or head[1] in {0xF0, 0xF1, 0xF8, 0xF9} else None

"""Recognise media by their headers, without decoding them, and pack several photos of one moment into one file."""

from __future__ import annotations

from collections.abc import Sequence

from models.media.decoders import Decoders
from models.media.image import probe
from models.media.video_probe import VideoLimits

_PICTURES = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx "})
"""Brands of the container that MP4 shares with pictures such as HEIC (the register at mp4ra.org)."""


def is_video(data: bytes) -> bool:
    """Tell by the first bytes whether to read this as a video: WebM, or MP4 that is not a picture."""
    return data.startswith(b"\x1a\x45\xdf\xa3") or (data[4:8] == b"ftyp" and data[8:12] not in _PICTURES)


def media_type_of(data: bytes, max_bytes: int, decoders: Decoders) -> str:
    """Check media by their headers, without decoding, and return their media type.

    Args:
        data: the whole file.
        max_bytes: the largest video that is accepted.
        decoders: what reads the headers of a video; those of a picture are plain byte arithmetic.

    Returns:
        ``video/webm``, ``video/mp4``, or ``image/`` and the format of the picture.

    Raises:
        ImageRefused: it is not a usable image.
        VideoRefused: it is not a usable video.
    """
    if is_video(data):
        header = decoders.probe_video(data, VideoLimits(max_bytes=max_bytes))
        return "video/webm" if header.container in ("webm", "matroska") else "video/mp4"
    return f"image/{probe(data).format.lower()}"


MEDIA_TYPE = "application/x-certify-series"
"""Media type of several photos packed into one file."""
_MAGIC = b"CERTIFYSERIES1\n"


def pack(photos: Sequence[bytes]) -> bytes:
    """Pack photos into one file: each with its length in four bytes before it."""
    return _MAGIC + b"".join(len(photo).to_bytes(4) + photo for photo in photos)


def is_series(data: bytes) -> bool:
    """Tell whether these are several photos that ``pack`` packed."""
    return data.startswith(_MAGIC)


def unpack(data: bytes) -> list[bytes]:
    """Undo ``pack``."""
    photos, start = [], len(_MAGIC)
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4])
        photos.append(data[start + 4 : end])
        start = end
    return photos

"""Recognise media by their headers, without decoding them, and pack several photos of one moment into one file."""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import ImageRefused, VideoRefused
from models.media.decoders import Decoders
from models.media.image import probe
from models.media.kinds import OTHERS, is_film, kind_of
from models.media.video_probe import VideoLimits

_TYPES = {"webm": "video/webm", "matroska": "video/webm", "avi": "video/x-msvideo", "mpegts": "video/mp2t"}


def media_type_of(data: bytes, max_bytes: int, decoders: Decoders) -> str:
    """Check media by their headers, without decoding, and return their media type.

    Only a picture whose end is missing is decoded: no header tells whether more is missing than the mark at its end.

    Args:
        data: the whole file.
        max_bytes: the largest video that is accepted.
        decoders: what reads the headers of a video; those of a picture are plain byte arithmetic.

    Returns:
        ``video/`` and the container, or ``image/`` and the format of the picture.

    Raises:
        ImageRefused: it is not a usable image.
        VideoRefused: it is not a usable video.
    """
    if is_film(data):
        header = decoders.probe_video(data, VideoLimits(max_bytes=max_bytes))
        return _TYPES.get(header.container, "video/mp4")
    info = probe(data)
    if info.unended:
        decoders.decode(data)
    return f"image/{info.format.lower()}"


def refuse_no_video(data: bytes) -> None:
    """Raise the refusal of a file that should be a video, if its first bytes are not those of one.

    Args:
        data: the first bytes.

    Raises:
        VideoRefused: it is no video that is known (``not_a_video``).
        ImageRefused: it is a file of another kind, which the code names (:mod:`models.media.kinds`).
    """
    if is_film(data):
        return
    code = kind_of(data)
    if code in OTHERS:
        raise ImageRefused(code, "This kind of file is not accepted")
    raise VideoRefused("not_a_video", "The first bytes are not those of a video")


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

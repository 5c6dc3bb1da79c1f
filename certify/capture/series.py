"""Several photos of one moment as one piece of media, so that they are stored, judged and replayed together.

Only the service itself makes these, from photos it has checked one by one; nobody can send one.
"""

from __future__ import annotations

from collections.abc import Sequence

MEDIA_TYPE = "application/x-certify-series"
_MAGIC = b"CERTIFYSERIES1\n"


def pack(photos: Sequence[bytes]) -> bytes:
    """Put photos together."""
    return _MAGIC + b"".join(len(photo).to_bytes(4) + photo for photo in photos)


def is_series(data: bytes) -> bool:
    """Tell whether these are several photos."""
    return data.startswith(_MAGIC)


def unpack(data: bytes) -> list[bytes]:
    """Undo ``pack``."""
    photos, start = [], len(_MAGIC)
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4])
        photos.append(data[start + 4 : end])
        start = end
    return photos

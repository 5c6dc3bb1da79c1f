"""Read how a picture must be turned to stand upright, in every form in which viewers accept it.

The tag is Orientation of Exif 2.32 (0x0112). Writers store it as a short number, as a long one or as a byte; some write
it only into XMP. If a file has several blocks, the first one that says something counts, as in Pillow and in browsers.
"""

from __future__ import annotations

import re
import struct

_FORMS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""Types of TIFF that hold whole numbers, and how their first value is stored."""
_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\b")
MAX_XMP = 65_536
"""Bytes of XMP that are searched: one segment of a JPEG."""


def exif_orientation(tiff: bytes) -> int | None:
    """Return the orientation, 1 to 8, of a TIFF-structured Exif block; None if it is absent or broken."""
    tiff = tiff.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for index in range(min(count, 512)):
            place = start + 2 + 12 * index
            tag, kind = struct.unpack_from(f"{order}HH", tiff, place)
            if tag == 0x0112 and kind in _FORMS:
                (value,) = struct.unpack_from(order + _FORMS[kind], tiff, place + 8)
                return int(value) if 1 <= value <= 8 else None
    except struct.error:
        return None
    return None


def xmp_orientation(text: bytes) -> int | None:
    """Return the orientation, 1 to 8, that XMP names; None if it names none."""
    found = _XMP.search(text[:MAX_XMP])
    return int(found[1]) if found else None

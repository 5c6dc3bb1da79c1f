"""What stands around a person in a photo, as a hash that is nearly the same for the same room.

A difference hash (neighbouring grey levels compared, as in the well-known dHash), taken from the two strips left and
right of the person, so that the person does not matter. Photos of one room differ in a few of the 64 bits.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.face.detect import Face
from models.media.image import Pixels

_REACH = 0.9
"""Widths of the face, to each side of it, that may be shoulders and hair."""
_NARROWEST = 0.08
"""Of the width of the picture; a narrower strip shows too little."""
_ROWS, _COLUMNS = 8, 4


def background_hash(pixels: Pixels, face: Face) -> int | None:
    """Return 64 bits, 32 of each side; None when the person fills the picture.

    Args:
        pixels: BGR, upright.
        face: of the person.
    """
    wide = pixels.shape[1]
    left, _, width, _ = face.box
    edges = (int(left - _REACH * width), int(left + (1 + _REACH) * width))
    strips = (pixels[:, : max(edges[0], 0)], pixels[:, max(edges[1], 0) :])
    if any(strip.shape[1] < _NARROWEST * wide for strip in strips):
        return None
    value = 0
    for strip in strips:
        grey = cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, (_COLUMNS + 1, _ROWS), interpolation=cv2.INTER_AREA).astype(np.int16)
        for bit in (small[:, 1:] > small[:, :-1]).flat:
            value = value << 1 | int(bit)
    return value

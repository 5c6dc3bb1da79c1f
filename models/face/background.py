"""Hash the surroundings of a person in a photo, so that photos of the same room have nearly the same hash.

It is a difference hash (neighbouring grey levels are compared, as in dHash) of the two strips left and right of the
person, so that the person does not matter. Photos of one room differ in a few of the 64 bits.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.face.detect import Face
from models.media.image import Pixels

_REACH = 0.9
"""Face widths to each side of the face that may be shoulders and hair; the strips begin beyond them."""
_NARROWEST = 0.08
"""Share of the picture's width; a narrower strip shows too little."""
_ROWS, _COLUMNS = 8, 4


def background_hash(pixels: Pixels, face: Face) -> int | None:
    """Hash the surroundings of a face.

    Args:
        pixels: BGR, upright.
        face: the main face of the picture.

    Returns:
        64 bits, 32 of each side; None if the person fills the picture.
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

"""Measure what light does to a face: a bright background, glare on glasses, noise of a sensor in the dark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.align import ARCFACE_POINTS
from models.face.detect import Face
from models.media.image import Pixels

BRIGHT = 160.0
"""Luma of the surroundings, 75th percentile, below which they are no bright background."""
SATURATED = 245
"""Luma from which a pixel near the eye shows nothing but a reflection."""
_EYE = (15, 11)
"""Half width and half height of the region of an eye with the glass before it, in pixels of the aligned face."""
_AROUND, _HEAD = 2.6, 1.5
"""Sides of the surroundings and of the head, in sizes of the box of the face."""
_SAMPLES, _PATCH = 80, 128
"""Samples across the surroundings, and the side in pixels of the middle of the face in which noise is measured."""
_FINE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def backlight(pixels: Pixels, face: Face, highlights: float) -> float | None:
    """Return by how many stops the surroundings of a head are brighter than the highlights of the face.

    The highlights stand for the light on the face: well lit dark skin has them, and a face before a window has none.

    Args:
        pixels: the picture, BGR.
        face: the face in it.
        highlights: 90th percentile of the luma of the face.

    Returns:
        Stops (log2); 0 if the surroundings are not bright; None if nothing of them is in the picture.
    """
    inner = _box(pixels, face, _HEAD)
    left, top, right, bottom = _box(pixels, face, _AROUND)
    if right - left < 2 or bottom - top < 2 or face.box[1] + face.box[3] <= top:
        return None
    # Below the chin there are shoulders and clothes.
    bottom = min(bottom, max(round(face.box[1] + face.box[3]), top))
    step = max((right - left) // _SAMPLES, 1)
    around = cv2.cvtColor(np.ascontiguousarray(pixels[top:bottom:step, left:right:step]), cv2.COLOR_BGR2GRAY)
    rows, columns = np.arange(top, bottom, step)[:, None], np.arange(left, right, step)[None, :]
    head = (rows >= inner[1]) & (rows < inner[3]) & (columns >= inner[0]) & (columns < inner[2])
    seen = around[~head]
    if seen.size < 20:
        return None
    bright = float(np.percentile(seen, 75))
    return 0.0 if bright < BRIGHT else max(float(np.log2((bright + 1) / (highlights + 1))), 0.0)


def glare(grey: NDArray[np.float64]) -> float:
    """Return the share of saturated pixels around that eye which has more of them.

    A catchlight in the pupil is small; a reflection of a window or a screen on glasses is not.

    Args:
        grey: luma of the aligned face, [112,112].
    """
    wide, high = _EYE
    shares = []
    for x, y in ARCFACE_POINTS[:2]:
        part = grey[round(y) - high : round(y) + high + 1, round(x) - wide : round(x) + wide + 1]
        shares.append(float((part >= SATURATED).mean()))
    return max(shares)


def noise(pixels: Pixels, face: Face) -> float | None:
    """Return the noise of the picture within the face, in grey levels.

    J. Immerkaer, "Fast noise variance estimation" (1996): the mean of a mask that constant slopes do not answer. The
    median stands for the mean here, so that hair and edges count little.

    Args:
        pixels: the picture, BGR.
        face: the face in it.

    Returns:
        The standard deviation of the noise; None if the face has too few pixels.
    """
    left, top, right, bottom = _box(pixels, face, min(0.8, _PATCH / max(face.box[2], face.box[3], 1.0)))
    if right - left < 16 or bottom - top < 16:
        return None
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[top:bottom, left:right]), cv2.COLOR_BGR2GRAY)
    answered = np.abs(cv2.filter2D(grey.astype(np.float32), -1, _FINE)[1:-1, 1:-1])
    # The mask answers white noise with 6 sigma; the median of a half normal distribution is 0.6745.
    return float(np.median(answered)) / (6 * 0.6745)


def _box(pixels: Pixels, face: Face, times: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the box of a face so many times as large, within the picture."""
    left, top, width, height = face.box
    x, y = left + width / 2, top + height / 2
    rows, columns = pixels.shape[:2]
    half_width, half_height = width * times / 2, height * times / 2
    return (
        min(max(round(x - half_width), 0), columns),
        min(max(round(y - half_height), 0), rows),
        min(max(round(x + half_width), 0), columns),
        min(max(round(y + half_height), 0), rows),
    )

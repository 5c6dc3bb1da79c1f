"""Name the parts of a picture that the screen lights differently, and measure their colours.

A screen before the face lights what faces it and is near: forehead, cheeks and nose most, the sides of the head less
(the light falls on them at an angle), the body about as the face, and the room behind hardly. A tint that a program
lays over a picture knows nothing of this (:mod:`models.liveness.shading`).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.landmarks import MeshReading
from models.media.image import Pixels

# Outlines on MediaPipe's mesh; left and right as in the picture. Skin without hair, eyes and lips.
PARTS: dict[str, tuple[int, ...]] = {
    "forehead": (109, 10, 338, 337, 151, 108),
    "cheek_left": (117, 118, 101, 36, 205, 187, 123),
    "cheek_right": (346, 347, 330, 266, 425, 411, 352),
    "nose": (193, 417, 399, 456, 4, 236, 174),
    "chin": (201, 421, 428, 175, 208),
    "side_left": (162, 127, 234, 93, 132, 58, 177, 137, 227, 34),
    "side_right": (389, 356, 454, 323, 361, 288, 401, 366, 447, 264),
}
"""Polygons by the name of the part of the face."""
FRONT = ("forehead", "cheek_left", "cheek_right", "nose")
SIDES = ("side_left", "side_right")
NAMES = (*PARTS, "body")
"""The rows of :func:`region_colours`: the parts of the face, then neck and chest."""

_FEWEST_PIXELS = 12
_FEWEST_BODY = 0.25
"""Smallest visible share of the area below the chin."""


def region_colours(pixels: Pixels, mesh: MeshReading) -> NDArray[np.float64]:
    """Return the mean red, green and blue of each region, float64 [8,3]; NaN where it is outside the picture."""
    colours = np.full((len(NAMES), 3), np.nan)
    for row, outline in enumerate(PARTS.values()):
        colours[row] = _mean_inside(pixels, mesh.points[list(outline), :2])
    left, top, width, height = mesh.box
    low, high = int(top + 1.15 * height), int(top + 1.6 * height)
    first, last = int(left + 0.1 * width), int(left + 0.9 * width)
    body = pixels[max(low, 0) : max(high, 0), max(first, 0) : max(last, 0)]
    if body.size and body.shape[0] * body.shape[1] >= _FEWEST_BODY * (high - low) * (last - first):
        colours[-1] = cv2.mean(body)[2::-1]
    return colours


def _mean_inside(pixels: Pixels, outline: NDArray[np.float32]) -> NDArray[np.float64]:
    x, y, width, height = cv2.boundingRect(outline)
    x, y, right, bottom = max(x, 0), max(y, 0), min(x + width, pixels.shape[1]), min(y + height, pixels.shape[0])
    if right <= x or bottom <= y:
        return np.full(3, np.nan)
    mask = np.zeros((bottom - y, right - x), np.uint8)
    cv2.fillConvexPoly(mask, (outline - [x, y]).round().astype(np.int32), 1)
    if int(mask.sum()) < _FEWEST_PIXELS:
        return np.full(3, np.nan)
    return np.asarray(cv2.mean(pixels[y:bottom, x:right], mask)[2::-1], np.float64)


def facing(meshes: Sequence[MeshReading]) -> NDArray[np.float64]:
    """Return how much each part of the face faces the camera: the cosine of its mean slope, 0 to 1, float64 [7]."""
    total = np.zeros(len(PARTS))
    for mesh in meshes:
        for row, outline in enumerate(PARTS.values()):
            corner = mesh.points[list(outline)].astype(np.float64)
            corner -= corner.mean(0)
            # Twice the area that the outline encloses, as a vector along the slope's normal (Newell's method).
            normal = np.cross(corner, np.roll(corner, -1, 0)).sum(0)
            total[row] += abs(normal[2]) / max(float(np.linalg.norm(normal)), 1e-9)
    return total / max(len(meshes), 1)

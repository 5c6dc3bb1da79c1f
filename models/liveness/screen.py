"""Signs of a screen or print: the regular grid of its pixels or its raster.

A face has no strict period; a display has one, and so has the moire between its grid and the camera's. In the spectrum
either stands out as a sharp peak over its surroundings.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.detect import Face

SIDE = 192
"""Side of the piece of the face that is looked at, pixels of the picture (not scaled: scaling would hide the grid)."""
_RINGS = ((0.08, 0.15), (0.15, 0.25), (0.25, 0.35), (0.35, 0.5))
"""Bands of spatial frequency, cycles a pixel."""


def grid_peak(grey: NDArray[np.uint8], face: Face) -> float | None:
    """How far the strongest peak of the spectrum stands above the median of its band; None for a face below 96 pixels.

    Around 20 to 90 for faces, thousands for a display whose grid the camera resolves (docs/liveness.md).
    """
    left, top, width, height = face.box
    side = int(min(width, height, SIDE))
    if side < SIDE // 2:
        return None
    x = min(max(int(left + (width - side) / 2), 0), grey.shape[1] - side)
    y = min(max(int(top + (height - side) / 2), 0), grey.shape[0] - side)
    if x < 0 or y < 0:
        return None
    part = grey[y : y + side, x : x + side].astype(np.float32)
    part = (part - cv2.GaussianBlur(part, (0, 0), 3)) * _window(side)
    power = np.abs(np.fft.rfft2(part)) ** 2
    return max(float(power[ring].max() / max(float(np.median(power[ring])), 1e-9)) for ring in _rings(side))


@cache
def _window(side: int) -> NDArray[np.float32]:
    hann = np.hanning(side).astype(np.float32)
    return np.outer(hann, hann).astype(np.float32)


@cache
def _rings(side: int) -> tuple[NDArray[np.bool_], ...]:
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    return tuple((radius >= low) & (radius < high) for low, high in _RINGS)

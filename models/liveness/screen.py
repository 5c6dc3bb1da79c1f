"""Signs of a screen or print: the regular grid of its pixels or its raster, and the moire between it and the camera.

A face has no strict period; a display has one, and so has the moire between its grid and the camera's. In the spectrum
of the picture either stands out as a sharp peak over its *surroundings*. Surroundings, not the whole band: a beard or
the folds of an old face make a spectrum uneven, but never sharp.

Three looks: brightness at full size (a raster the camera resolves), brightness at half size over a piece twice as wide,
and green against the other two colours at half size (the stripes of a display are coloured, skin has one colour, and
coloured moire survives a video's coarse colour where fine stripes do not). The strongest of the three counts.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.detect import Face
from models.media.image import Pixels

SIDE = 192
"""Side of the piece that is looked at, pixels (of the picture, or of the picture at half size)."""
_FROM, _FROM_HALF, _TO = 0.06, 0.04, 0.5
"""Band of spatial frequency at full and at half size, cycles a pixel: waves of up to 50 pixels of the picture. Below
lie eyes and mouth. On the development clips a lower end at half size changes no living face and finds broad moire."""
_AXIS = 1.6
"""Lines of the spectrum next to its axes that are left out: there the blocks of a video's coder have their peaks."""
_AROUND = 31
"""Side of the surroundings a peak is compared with, in lines of the spectrum; odd, as medians want."""
_STEPS = 6.0
"""Steps an e-fold for the median filter, which wants bytes: a peak is known to a sixth of that, 0.07 in log10."""


def grid_peak(pixels: Pixels, face: Face) -> float | None:
    """How far the strongest peak of the spectrum stands above its surroundings, as a ratio of powers.

    None for a face below 96 pixels. 15 to 50 for faces, 200 to 20,000 for a display whose grid or moire the camera
    resolves (docs/liveness.md).

    Args:
        pixels: BGR, upright.
        face: where to look. Only the face: walls and shirts may have stripes.
    """
    wide = min(face.box[2:])
    if wide < SIDE // 2:
        return None
    part = _square(pixels, face, min(max(face.box[2:]), 2 * SIDE))
    half = cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32)
    near = cv2.cvtColor(_square(pixels, face, min(wide, SIDE)), cv2.COLOR_BGR2GRAY)
    tint = half @ np.array([-0.5, 1.0, -0.5], np.float32)
    bright = cv2.cvtColor(half, cv2.COLOR_BGR2GRAY)
    looks = [_peak(near.astype(np.float32), _FROM)]
    if min(half.shape[:2]) >= SIDE // 2:
        looks += [_peak(np.asarray(plane, np.float32), _FROM_HALF) for plane in (bright, tint)]
    return max(looks)


def _square(pixels: Pixels, face: Face, side: float) -> Pixels:
    """Cut a square around the middle of the face, as far as the picture reaches."""
    rows, columns = pixels.shape[:2]
    whole = int(min(side, rows, columns)) // 2 * 2
    left, top, width, height = face.box
    x = min(max(int(left + (width - whole) / 2), 0), columns - whole)
    y = min(max(int(top + (height - whole) / 2), 0), rows - whole)
    return pixels[y : y + whole, x : x + whole]


def _peak(part: NDArray[np.float32], lowest: float) -> float:
    side = part.shape[0]
    window, band = _window(side), _band(side, lowest)
    flat = (part - cv2.GaussianBlur(part, (0, 0), 4)) * window
    power = np.log(np.abs(np.fft.fftshift(np.fft.rfft2(flat), axes=0)) ** 2 + 1e-6).astype(np.float32)
    floor = cv2.medianBlur(np.clip((power + 15) * _STEPS, 0, 255).astype(np.uint8), _AROUND)
    above = power - (floor.astype(np.float32) / _STEPS - 15)
    return float(np.exp(above[band].max()))


@cache
def _window(side: int) -> NDArray[np.float32]:
    hann = np.hanning(side).astype(np.float32)
    return np.outer(hann, hann).astype(np.float32)


@cache
def _band(side: int, lowest: float) -> NDArray[np.bool_]:
    down, across = np.fft.fftshift(np.fft.fftfreq(side))[:, None], np.fft.rfftfreq(side)[None]
    radius = np.hypot(down, across)
    axes = (np.abs(down) < _AXIS / side) | (np.abs(across) < _AXIS / side)
    return np.asarray((radius >= lowest) & (radius < _TO) & ~axes)

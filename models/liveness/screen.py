"""Measure signs of a screen or print: the regular grid of its pixels or raster, and the moire with the camera.

A face has no strict period. A display has one, and so has the moire between its grid and the camera's. In the spectrum
of the picture, each is a sharp peak above its *surroundings*. The peak is not compared with the whole band: a beard or
the folds of an old face make a spectrum uneven, but never sharp.

There are three spectra, and the strongest peak counts: brightness at full size (a raster that the camera resolves),
brightness at half size over a square twice as wide, and green against the other two colours at half size. The stripes
of a display are coloured and skin has one colour; coloured moire survives the coarse colour of a video, fine stripes do
not.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.detect import Face
from models.media.image import Pixels

SIDE = 192
"""Side of the analysed square, in pixels of the picture or of the picture at half size."""
_FROM, _FROM_HALF, _TO = 0.06, 0.04, 0.5
"""Band of spatial frequency at full and at half size, in cycles a pixel: waves of up to 50 pixels of the picture. Eyes
and mouth have lower frequencies. On the development clips a lower end at half size changes no bona fide face and finds
broad moire."""
_AXIS = 1.6
"""Lines of the spectrum next to its axes that are left out, because the blocks of a video's coder have peaks there."""
_AROUND = 31
"""Side of the surroundings of a peak, in lines of the spectrum; odd, as the median filter requires."""
_STEPS = 6.0
"""Steps for each factor e, because the median filter takes bytes: a peak is exact to a sixth of it, 0.07 in log10."""


def grid_peak(pixels: Pixels, face: Face) -> float | None:
    """Return the ratio of the strongest peak of the spectrum to its surroundings, in power.

    Args:
        pixels: BGR, upright.
        face: the analysed part of the picture; walls and shirts may have stripes.

    Returns:
        15 to 50 for faces, 200 to 20,000 for a display whose grid or moire the camera resolves (docs/liveness.md);
        None for a face below 96 pixels.
    """
    wide = min(face.box[2:])
    if wide < SIDE // 2:
        return None
    part = _square(pixels, face, min(max(face.box[2:]), 2 * SIDE))
    half = cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32)
    near = cv2.cvtColor(_square(pixels, face, min(wide, SIDE)), cv2.COLOR_BGR2GRAY)
    tint = half @ np.array([-0.5, 1.0, -0.5], np.float32)
    bright = cv2.cvtColor(half, cv2.COLOR_BGR2GRAY)
    peaks = [_peak(near.astype(np.float32), _FROM)]
    if min(half.shape[:2]) >= SIDE // 2:
        peaks += [_peak(np.asarray(plane, np.float32), _FROM_HALF) for plane in (bright, tint)]
    return max(peaks)


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

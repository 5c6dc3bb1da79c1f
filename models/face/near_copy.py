"""Recognise a photo of a face that is a copy of an earlier one, even mirrored, cropped, turned, re-coded or relit.

Two photos of one living face differ where no camera or editor makes a difference: a lid, a corner of the mouth, the
turn of the head. A copy agrees everywhere once it lies exactly over the original. So the aligned faces are brought into
register (an affine map, found by the enhanced correlation coefficient: Evangelidis and Psarakis, 2008), and compared
in nine overlapping parts, after differences of light are taken out. The part that agrees least decides. The
surroundings of the face do not matter.

docs/liveness.md has the measured rates; ``python -m bench.near_copies`` repeats them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.align import SIDE
from models.media.image import Pixels

FacePrint = NDArray[np.uint8]
"""Grey uint8 [112,112]: an aligned face. It shows the face, so it is stored sealed."""

COPY_FROM = 0.975
"""Correlation of the least equal part from which a photo is a copy. Chosen on half of the people of the development
films: there 98 % and more of each alteration lie above it, and 1 % of pairs of frames two to four seconds apart."""

_COARSE_FROM = 0.93
"""Correlation of the whole face at half size below which the fine comparison is not made. Copies had 0.97 and more."""
_SEEN_FROM = 0.2
"""Correlation before any registration below which two faces have nothing in common."""
_COARSE_STEPS, _FINE_STEPS = 30, 20

_REACH = 33
"""Side in pixels of the surroundings whose mean and contrast are taken out."""
_HALF = SIDE // 2
_ROWS, _COLUMNS = np.mgrid[0:SIDE, 0:SIDE]
_FACE = np.exp(-((((_COLUMNS - 56) / 34) ** 2 + ((_ROWS - 70) / 38) ** 2) ** 2)).astype(np.float32)
"""Weight of each pixel: the face from the brows to the chin, without hair and background."""
_INSIDE = (_FACE > 0.15).astype(np.uint8)
_INSIDE_HALF = cv2.resize(_INSIDE, (_HALF, _HALF), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
_FACE_HALF = cv2.resize(_FACE, (_HALF, _HALF), interpolation=cv2.INTER_AREA).astype(np.float32)
_PARTS = np.stack(
    [
        np.exp(-(((_COLUMNS - x) / 11) ** 2 + ((_ROWS - y) / 11) ** 2)).astype(np.float32)
        for y in (52, 72, 92)
        for x in (36, 56, 76)
    ]
)
"""Weights of the nine parts: brows and eyes, cheeks and nose, mouth and chin."""
_PART_SHARES = (_PARTS / _PARTS.sum(axis=(1, 2), keepdims=True)).reshape(len(_PARTS), -1)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far two photos of faces are equal.

    Attributes:
        least: correlation of the part that agrees least, -1 to 1; 0 if the faces were too different to compare parts.
        mirrored: whether the later one had to be mirrored.
    """

    least: float
    mirrored: bool

    @property
    def copied(self) -> bool:
        """Return whether one photo is a copy of the other."""
        return self.least >= COPY_FROM


NO_LIKENESS = Likeness(0.0, mirrored=False)


def face_print(aligned: Pixels) -> FacePrint:
    """Return what is stored of an aligned face to recognise a copy later.

    Args:
        aligned: uint8 [112,112,3] BGR (:func:`models.face.align.align`).
    """
    return cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def compare_prints(earlier: FacePrint, later: FacePrint) -> Likeness:
    """Compare two faces as they are and mirrored, and return the better likeness.

    It takes a millisecond for faces that are clearly different and about five for a copy.
    """
    first, second = _relit(earlier), _relit(later)
    small = np.asarray(cv2.resize(first, (_HALF, _HALF), interpolation=cv2.INTER_AREA), np.float32)
    forms = []
    for mirrored in (False, True):
        form = np.asarray(cv2.flip(second, 1), np.float32) if mirrored else second
        half = np.asarray(cv2.resize(form, (_HALF, _HALF), interpolation=cv2.INTER_AREA), np.float32)
        forms.append((_correlation(small, half, _FACE_HALF), mirrored, form, half))
    best = NO_LIKENESS
    for seen, mirrored, form, half in sorted(forms, key=lambda one: -one[0]):
        if seen < _SEEN_FROM or best.copied:
            break
        warp = _register(small, half, np.eye(2, 3, dtype=np.float32), _INSIDE_HALF, _COARSE_STEPS)
        if _correlation(small, _moved(half, warp), _FACE_HALF) < _COARSE_FROM:
            continue
        warp[:, 2] *= 2
        moved = _moved(form, _register(first, form, warp, _INSIDE, _FINE_STEPS))
        least = _least_correlation(first, moved)
        best = max(best, Likeness(least, mirrored), key=lambda one: one.least)
    return best


def nearest_print(earlier: Iterable[FacePrint], later: FacePrint) -> Likeness:
    """Return the greatest likeness of a face to any of the earlier ones."""
    return max((compare_prints(one, later) for one in earlier), key=lambda found: found.least, default=NO_LIKENESS)


def _relit(grey: FacePrint) -> NDArray[np.float32]:
    """Take out noise and differences of light: each pixel relative to mean and contrast of its surroundings."""
    smooth = np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.2), np.float32)
    mean = _surroundings(smooth)
    spread = np.sqrt(_surroundings((smooth - mean) ** 2))
    return np.asarray((smooth - mean) / (spread + 3), np.float32)


def _surroundings(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean around each pixel: two boxes in a row, nearly a Gaussian of 14 pixels and much faster."""
    return np.asarray(cv2.blur(cv2.blur(picture, (_REACH, _REACH)), (_REACH, _REACH)), np.float32)


def _register(
    fixed: NDArray[np.float32],
    moving: NDArray[np.float32],
    start: NDArray[np.float32],
    inside: NDArray[np.uint8],
    most_steps: int,
) -> NDArray[np.float32]:
    """Return the affine map that lays one picture over the other; the start if none is found."""
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, most_steps, 1e-4)
    try:
        _, found = cv2.findTransformECC(fixed, moving, start.copy(), cv2.MOTION_AFFINE, until, inside, 5)
    except cv2.error:  # the search left the picture, or the pictures have nothing in common
        return start
    return np.asarray(found, np.float32)


def _moved(picture: NDArray[np.float32], warp: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32], weight: NDArray[np.float32]) -> float:
    """Return the weighted correlation of two pictures; 0 if one of them is even."""
    share = weight / weight.sum()
    a, b = first - (share * first).sum(), second - (share * second).sum()
    length = float(np.sqrt((share * a * a).sum() * (share * b * b).sum()))
    return float((share * a * b).sum()) / length if length > 1e-6 else 0.0


def _least_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the correlation of the part that agrees least; 0 for a part in which one of the pictures is even."""
    a, b = first.reshape(-1), second.reshape(-1)
    mean_a, mean_b, aa, bb, ab = (_PART_SHARES @ np.stack([a, b, a * a, b * b, a * b], axis=1)).astype(np.float64).T
    length = np.sqrt(np.maximum(aa - mean_a**2, 0) * np.maximum(bb - mean_b**2, 0))
    return float(np.where(length > 1e-6, (ab - mean_a * mean_b) / np.maximum(length, 1e-6), 0).min())

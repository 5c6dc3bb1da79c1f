"""Measure whether the face moves like a body or like a picture of a face that is moved and bent.

There are two measures over the capture:

* *planarity*: the landmarks of all frames are fitted to their median by the best second-order map of the plane, which
  explains every shift, turn, tilt and smooth bend of a sheet. The residual, in eye distances, is the motion of lids,
  lips and brows and the depth that a turning head shows. A print leaves almost none.
* *new appearance*: dense optical flow maps two frames, a few tenths of a second apart, to each other. What flow cannot
  explain is new: teeth, irises, folds, light that moves over the skin. A still animated by a mesh shows nothing that
  was not in the still. What counts is what is seen while the head turns, if it turned: a person who turns once in a
  quiet film shows little in the rest of it.

``liveness.toml`` has their likelihood ratios; docs/liveness.md has the measurements.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.liveness.readings import PATCH, Detail

MIN_FRAMES = 12
"""Fewest frames with landmarks for a measure: a little over a second."""
_APART_S, _MOST_APART = 0.3, 3
"""Distance of the two frames of a pair in seconds, and the most frames that is: three at ten frames a second. A live
capture has five or six, and three of those would be twice as long: an animated still then shows as much that is new as
a living face."""
_TURNING = 3.0
"""Degrees between the two frames of a pair from which the head turns: ten a second, the middle of a slow turn."""
_FEWEST_TURNING = 6
"""Fewest such pairs. A turn of 15 degrees and back has ten to thirty at ten frames a second, half as many live."""
_PER_DEGREE, _REFERENCE, _MOST_DEGREES = 0.05, 4.0, 16.0
"""By how much (log10) a pair shows more for each degree that it turned more. Living films: 0.04 a degree (-1.18 at 2,
-0.80 at 12); animated stills, also before a camera: 0.06. So a fast turn is no better than a slow one. With it, of 96
living films that turn two are below the best of 33 drawn stills and 8 drawn portraits before a camera."""
_BLUR = 2.0
"""Standard deviation in pixels of the patch: it removes noise and keeps teeth and folds."""
_SKIN = 468
"""The mesh without the irises."""


def planarity(details: tuple[Detail, ...]) -> float | None:
    """Return the residual of the best second-order map of the plane: the 95th percentile of the frames' rms values.

    Returns:
        The residual in eye distances; None if there are too few frames with landmarks.
    """
    meshes = [detail.mesh for detail in details if detail.mesh is not None]
    if len(meshes) < MIN_FRAMES:
        return None
    points = np.stack([mesh.points[:_SKIN, :2] for mesh in meshes]).astype(np.float64)
    unit = float(np.median([mesh.inter_eye for mesh in meshes]))
    middle = np.median(points, 0)
    x, y = ((middle - middle.mean(0)) / unit).T
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)
    # One factorisation for all frames: the projection onto the span of the basis.
    orthogonal, _ = np.linalg.qr(basis)
    rest = points - orthogonal @ (orthogonal.T @ points)
    return float(np.percentile(np.sqrt((rest**2).sum(2).mean(1)), 95) / unit)


def new_appearance(details: tuple[Detail, ...]) -> float | None:
    """Return the change between frames that flow does not explain: the median over pairs of the mean over the face.

    The median is taken over the pairs between which the head turned, if there are enough, and else over all. The change
    is blurred and averaged. The largest sharp values would be a camera's noise, or the edges of an animated still at
    which skin moves behind skin. On 24 animated stills and 48 bona fide clips the mean leaves a gap of 0.28 log10
    between the two, and 0.08 if only the stills get noise of 3 grey levels. The 98th percentile leaves 0.09, and none
    with noise.

    Returns:
        The change in units of the face's contrast, as between two frames four degrees apart; None if there are too few
        frames with landmarks.
    """
    pairs = _pairs(details)
    if pairs is None:
        return None
    turning = turning_pairs(details)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    changes = [
        _unexplained(flow, first.patch, second.patch) / (_by_angle(_turned_between(first, second)) if turning else 1.0)
        for first, second in turning or pairs[::2]
        if first.patch is not None and second.patch is not None
    ]
    return float(np.median(changes)) if changes else None


def turning_pairs(details: tuple[Detail, ...]) -> list[tuple[Detail, Detail]]:
    """Return the pairs of frames between which the head turned; empty if there are too few to show what is new."""
    pairs = _pairs(details) or []
    turning = [pair for pair in pairs if _turned_between(*pair) >= _TURNING]
    return turning if len(turning) >= _FEWEST_TURNING else []


def _pairs(details: tuple[Detail, ...]) -> list[tuple[Detail, Detail]] | None:
    """Return the pairs of frames a few tenths of a second apart; None if there are too few frames."""
    known = [detail for detail in details if detail.patch is not None]
    if len(known) < MIN_FRAMES:
        return None
    usual = float(np.median(np.diff([detail.time_s for detail in known])))
    step = min(max(round(_APART_S / max(usual, 1e-3)), 1), _MOST_APART)
    # Not across a gap: while the face was lost, anything may have changed.
    near = 1.5 * step * usual
    return [pair for pair in zip(known[:-step], known[step:], strict=True) if pair[1].time_s - pair[0].time_s < near]


def _by_angle(degrees: float) -> float:
    """Return how much more a pair shows that is new than one four degrees apart."""
    return float(10 ** (_PER_DEGREE * (min(degrees, _MOST_DEGREES) - _REFERENCE)))


def _turned_between(first: Detail, second: Detail) -> float:
    """Return by how many degrees yaw or pitch changed, whichever more."""
    if first.mesh is None or second.mesh is None:
        return 0.0
    before, after = first.mesh.pose, second.mesh.pose
    return max(abs(after.yaw - before.yaw), abs(after.pitch - before.pitch))


_ROWS, _COLUMNS = np.mgrid[:PATCH, :PATCH].astype(np.float32)
_FACE = cv2.ellipse(np.zeros((PATCH, PATCH), np.uint8), (PATCH // 2, PATCH // 2), (36, 46), 0, 0, 360, 1, -1) > 0
"""The face's area in a patch, without its outline, at which background comes and goes. Measured: with a wider or a
narrower ellipse the turning outline of an animated still counts more as new appearance."""


def _unexplained(flow: cv2.DISOpticalFlow, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    field = flow.calc(second, first, np.zeros((PATCH, PATCH, 2), np.float32))
    moved = cv2.remap(first, _COLUMNS + field[..., 0], _ROWS + field[..., 1], cv2.INTER_CUBIC)
    change = cv2.GaussianBlur(second.astype(np.float32) - moved.astype(np.float32), (0, 0), _BLUR)
    values = np.abs(change[_FACE] - np.median(change[_FACE]))
    contrast = max(float(second[_FACE].std()), 1.0)
    return float(values.mean()) / contrast

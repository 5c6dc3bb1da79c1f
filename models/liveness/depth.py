"""Does the face move as a body does? A picture of a face, moved and bent, stays a picture.

Two measures over the capture:

* *planarity*: the landmarks of all frames are laid onto their median by the best second-order map of the plane, which
  takes up every shift, turn, tilt and smooth bend of a sheet. What remains, in eye distances, is the motion of lids,
  lips and brows and the depth that a turning head shows. A print leaves next to nothing.
* *new appearance*: two frames a few tenths of a second apart are laid onto each other by dense optical flow. What flow
  cannot explain is new: teeth, irises, folds, light that moves over the skin. A still animated by a mesh shows nothing
  that was not in the still.

What they mean: ``liveness.toml``, measured in docs/liveness.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.liveness.readings import PATCH, Detail

MIN_FRAMES = 12
"""Frames with landmarks below which nothing is said: a little over a second."""
_STEP = 3
"""Frames between the two of a pair: 0.3 s at ten frames a second."""
_BLUR = 2.0
"""Standard deviation, pixels of the patch: noise goes, teeth and folds stay."""
_SKIN = 468
"""The mesh without the irises."""


def planarity(details: tuple[Detail, ...]) -> float | None:
    """95th percentile over the frames of what no second-order map of the plane explains, in eye distances (rms)."""
    meshes = [detail.mesh for detail in details if detail.mesh is not None]
    if len(meshes) < MIN_FRAMES:
        return None
    points = np.stack([mesh.points[:_SKIN, :2] for mesh in meshes]).astype(np.float64)
    unit = float(np.median([mesh.inter_eye for mesh in meshes]))
    middle = np.median(points, 0)
    x, y = ((middle - middle.mean(0)) / unit).T
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)
    # One factorisation for all frames: the projection onto what the basis can express.
    orthogonal, _ = np.linalg.qr(basis)
    rest = points - orthogonal @ (orthogonal.T @ points)
    return float(np.percentile(np.sqrt((rest**2).sum(2).mean(1)), 95) / unit)


def new_appearance(details: tuple[Detail, ...]) -> float | None:
    """Median over pairs of frames of the mean of what flow does not explain, in contrasts of the face.

    The mean over the face, and blurred, rather than the largest values and sharp: those are the edges of an animated
    still where skin slips behind skin, and a camera's noise. Measured on 24 animated stills and 48 living clips: 0.28
    log10 between the nearest two, and still 0.08 with noise of 3 grey levels on the stills alone; by the 98th
    percentile 0.09, and none.
    """
    patches = [detail.patch for detail in details if detail.patch is not None]
    if len(patches) < MIN_FRAMES:
        return None
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = [
        _unexplained(flow, first, second) for first, second in zip(patches[:-_STEP:2], patches[_STEP::2], strict=False)
    ]
    return float(np.median(found))


_ROWS, _COLUMNS = np.mgrid[:PATCH, :PATCH].astype(np.float32)
_FACE = cv2.ellipse(np.zeros((PATCH, PATCH), np.uint8), (PATCH // 2, PATCH // 2), (36, 46), 0, 0, 360, 1, -1) > 0
"""Where the face lies in a patch, without its outline, at which the background comes and goes. Measured: a wider one
lets the turning outline of an animated still pass for news, a narrower one all the more."""


def _unexplained(flow: cv2.DISOpticalFlow, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    field = flow.calc(second, first, np.zeros((PATCH, PATCH, 2), np.float32))
    moved = cv2.remap(first, _COLUMNS + field[..., 0], _ROWS + field[..., 1], cv2.INTER_CUBIC)
    change = cv2.GaussianBlur(second.astype(np.float32) - moved.astype(np.float32), (0, 0), _BLUR)
    values = np.abs(change[_FACE] - np.median(change[_FACE]))
    contrast = max(float(second[_FACE].std()), 1.0)
    return float(values.mean()) / contrast

"""Check that the same person is in the capture from the first frame to the last.

The frames that the detector examined are embedded, at most 24 of them (:mod:`models.liveness.examined`). Single frames
of one person differ as much as two people do when the head is turned or the picture is blurred, so means are compared:
for every moment at which the person could have changed, the mean of all frames before it with the mean of all after it.
Only frames in which the head is near its usual pose count there. What is seen in any other pose asks for another
film and never fails one: a cut, or frames that jump.

docs/liveness.md has the measurements (``python -m bench.continuity``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, not_assessed, passed

NAME = "continuity"

SAME_FROM = 0.45
"""Smallest cosine of the means before and after a cut that is the same person (second embedder)."""
OTHER_BELOW = 0.35
"""Cosine below which another person came. ``bench.continuity`` has the shares of living films and of films that change
the person below both limits."""
JUMPS = 2
"""Number of neighbouring frames below :data:`OTHER_BELOW` from which the film is asked for again."""
FAILS_FROM = 5
"""Fewest compared frames for a failure. In a film of four, one hand before the face is a quarter of it."""
_YAW, _PITCH = 30.0, 18.0
"""Degrees around the median pose within which a frame counts for a cut: turned further, a face is half hidden."""
_LEAST = 3
"""Fewest frames for a comparison."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One embedded frame.

    Attributes:
        vector: unit vector.
        yaw: degrees.
        pitch: degrees.
    """

    vector: NDArray[np.float32]
    yaw: float
    pitch: float


def check_continuity(faces: Sequence[SeenFace]) -> CheckResult:
    """Compare what was before and after every possible cut.

    Args:
        faces: of frames spread over the capture, in their order.
    """
    if len(faces) < _LEAST:
        return not_assessed(NAME, "too_few_frames", frames=len(faces))
    stack = np.stack([face.vector for face in faces]).astype(np.float64)
    poses = np.array([[face.yaw, face.pitch] for face in faces])
    near = (np.abs(poses - np.median(poses, 0)) <= [_YAW, _PITCH]).all(1)
    jumps = int(((stack[1:] * stack[:-1]).sum(1) < OTHER_BELOW).sum())
    lowest = _lowest_cut(stack[near]) if near.sum() >= _LEAST else None
    lowest_any = _lowest_cut(stack)
    values = {
        "lowest": lowest,
        "lowest_in_any_pose": lowest_any,
        "frames": len(faces),
        "compared": int(near.sum()),
        "jumps": jumps,
    }
    if lowest is not None and lowest < OTHER_BELOW and near.sum() >= FAILS_FROM:
        return failed(NAME, "person_changed", **values)
    if lowest is None or lowest < SAME_FROM or lowest_any < OTHER_BELOW or jumps >= JUMPS:
        return not_assessed(NAME, "perhaps_another_person", **values)
    return passed(NAME, **values)


def _lowest_cut(vectors: NDArray[np.float64]) -> float:
    """Return the smallest cosine of the means before and after a cut, over all cuts."""
    sums = np.cumsum(vectors, 0)
    before, after = sums[:-1], sums[-1] - sums[:-1]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return float(((before * after).sum(1) / np.maximum(lengths, 1e-9)).min())

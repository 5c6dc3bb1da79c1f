"""Check that the same person is in the capture from the first frame to the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, not_assessed, passed

NAME = "continuity"

SAME_FROM = 0.45
"""Smallest cosine of a frame and the capture's median face that is the same person (second embedder). Frames of one
video are far above it, with any turn of the head; different people are far below (docs/liveness.md)."""
OTHER_BELOW = 0.25


def check_continuity(vectors: Sequence[NDArray[np.float32]]) -> CheckResult:
    """Compare unit vectors of frames, spread over the capture, with their median."""
    if len(vectors) < 3:
        return not_assessed(NAME, "too_few_frames", frames=len(vectors))
    stack = np.stack(vectors).astype(np.float64)
    middle = np.median(stack, 0)
    middle /= max(float(np.linalg.norm(middle)), 1e-9)
    lowest = float((stack @ middle).min())
    values = {"lowest": lowest, "frames": len(vectors)}
    if lowest < OTHER_BELOW:
        return failed(NAME, "person_changed", **values)
    return passed(NAME, **values) if lowest >= SAME_FROM else not_assessed(NAME, "unsure", **values)

"""Check the times of the frames: fail those that no camera can produce, and report how regular they are.

A video file's encoder makes times regular, and a browser's recorder makes them uneven. So regularity is only reported
and decides nothing. Frames with equal or decreasing times, or faster than any phone films, fail.
"""

from __future__ import annotations

import numpy as np

from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.readings import Glance

NAME = "timing"

MIN_FRAMES = 15
FASTEST = 250.0
"""Frames a second, by the median interval, that no phone's camera delivers: slow motion ends at 240."""
_REGULAR = 0.002
"""Seconds. Containers round times to a millisecond (WebM), so intervals of a regular source differ by at most one."""


def check_timing(glances: tuple[Glance, ...]) -> CheckResult:
    """Fail on impossible times; pass on uneven ones, as a camera makes them; regular ones are not assessed."""
    if len(glances) < MIN_FRAMES:
        return not_assessed(NAME, "too_few_frames", frames=len(glances))
    steps = np.diff([glance.time_s for glance in glances])
    usual = float(np.median(steps))
    uneven = float(np.sqrt(np.mean((steps - usual) ** 2)))
    values = {
        "rate": float(1 / usual) if usual > 0 else None,
        "shortest": float(steps.min()),
        "longest": float(steps.max()),
        "uneven": uneven,
    }
    if float(steps.min()) <= 0 or usual < 1 / FASTEST:
        return failed(NAME, "impossible_times", **values)
    return not_assessed(NAME, "regular", **values) if uneven < _REGULAR else passed(NAME, **values)

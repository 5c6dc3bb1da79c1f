"""The times of the frames: what no camera can do, and how regular it was.

A film's encoder makes times regular and a browser's recorder makes them uneven, so regularity is reported and decides
nothing. Frames that come at no time at all, backwards, or faster than any phone films are refused.
"""

from __future__ import annotations

import numpy as np

from models.liveness.checks import CheckResult, failed, open_question, passed
from models.liveness.readings import Glance

NAME = "timing"

MIN_FRAMES = 15
FASTEST = 250.0
"""Frames a second, by the median interval, that no phone's camera gives to a browser: slow motion ends at 240."""
_REGULAR = 0.002
"""Seconds. Containers round times to a millisecond (WebM), so intervals of a steady source differ by one at most."""


def check_timing(glances: tuple[Glance, ...]) -> CheckResult:
    """Fail on impossible times; a perfectly regular film says nothing, an uneven one a little for a camera."""
    if len(glances) < MIN_FRAMES:
        return open_question(NAME, "too_few_frames", frames=len(glances))
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
    return open_question(NAME, "regular", **values) if uneven < _REGULAR else passed(NAME, **values)

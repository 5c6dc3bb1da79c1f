"""Signs that the frames did not come from a camera at that moment: repeated frames, frozen stretches."""

from __future__ import annotations

import numpy as np

from models.liveness.checks import CheckResult, failed, open_question, passed
from models.liveness.readings import Glance

NAME = "injection"

MIN_FRAMES = 15
TWIN = 0.2
"""A frame is a twin of another when they differ by less than this share of what neighbouring frames differ. What a
camera sees never comes back that exactly: of 20 stretches of live video none had such a frame (docs/liveness.md)."""
_APART = 6
"""Frames between a frame and its possible twin: videos that were brought to another rate repeat single frames."""


def twin_share(glances: tuple[Glance, ...]) -> float:
    """Share of frames that have an exact twin elsewhere: a frozen stretch, or one that is played again."""
    thumbs = np.stack([glance.thumb for glance in glances]).reshape(len(glances), -1).astype(np.float64)
    thumbs -= thumbs.mean()
    # Root mean square differences of all pairs, by one matrix product.
    power = (thumbs**2).sum(1)
    squares = np.maximum(power[:, None] + power[None] - 2 * thumbs @ thumbs.T, 0) / thumbs.shape[1]
    apart = np.sqrt(squares)
    usual = float(np.median(np.diag(apart, 1)))
    near = np.abs(np.arange(len(thumbs))[:, None] - np.arange(len(thumbs))[None]) < _APART
    apart[near] = np.inf
    return float((apart.min(1) < TWIN * max(usual, 1e-3)).mean())


def check_injection(glances: tuple[Glance, ...], *, twins_from: float) -> CheckResult:
    """Fail when parts of the capture were frozen or played twice."""
    if len(glances) < MIN_FRAMES:
        return open_question(NAME, "too_few_frames", frames=len(glances))
    twins = twin_share(glances)
    values = {"twins": twins, "frames": len(glances), "step": float(np.median([glance.step for glance in glances]))}
    return failed(NAME, "repeated_frames", **values) if twins >= twins_from else passed(NAME, **values)

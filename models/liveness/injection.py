"""Signs that the frames did not come from a camera at that moment: frozen stretches, and stretches played again.

What a camera sees never comes back exactly. How exactly is told in grey levels, on those parts of the picture that move
in this capture: there a face that hardly moves still moves, and the noise of everything else does not count.

* *Frozen*: the moving parts stand still, to a tenth of a grey level, for six steps and a fifth of a second. A person
  sitting still breathes and sways; the camera adds noise. Single repeated frames are what a changed frame rate leaves.
* *Played again*: three frames in a row, forwards or backwards, equal three others, much more than neighbouring frames
  equal each other there and then.

Where the picture hardly changes, or a coder at a very low bitrate leaves frames out all the time, neither can be told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, open_question, passed
from models.liveness.readings import Glance

NAME = "injection"

MIN_FRAMES = 15
_MOVING = 0.1
"""Share of the thumbnail that moves most, on which frames are compared."""
_STILL = 0.1
"""Root mean square difference, grey levels, below which the moving parts stand still. Live clips, also at a low bitrate
(H.264, CRF 30): at most 3 steps in a row; frozen stretches at that bitrate: 9 and more (docs/liveness.md)."""
_FROZEN_STEPS, _FROZEN_SECONDS = 6, 0.2
_AGAIN = 0.35
"""Difference over that of neighbouring frames below which three frames are three others. Live clips: 0.53 and more (a
head that sways fast and evenly), mostly above 1; repeated parts: 0.03 to 0.3, coded twice."""
_USUAL_S = 0.08
"""Seconds between frames up to which the limit holds as it is. Further apart, neighbours differ so much more that what
a head shows on its way out and again on its way back would count; the limit falls in proportion (live captures with
five or six frames a second: a fast turn and back gave 0.23)."""
_APART = 4
"""Frames between a frame and its possible twin: nearer ones are alike by themselves."""
_LEAST = 0.5
"""Grey levels: the upper quartile of the steps of the moving parts below which nothing can be told. Live clips at any
bitrate: 1.6 and more."""
_SKIPPED = 0.25
"""Share of still steps outside the frozen stretches from which the coder, not an attacker, leaves frames out. Frozen
clips: at most 0.14, and 0.26 at a low bitrate (CRF 30); films of a calm person in which the coder leaves stretches out
(CRF 41 to 47): 0.27 to 0.61, and one of 0.15."""


def repeated_share(glances: tuple[Glance, ...]) -> float | None:
    """Share of frames in frozen stretches, or with an exact twin elsewhere; None where it cannot be told."""
    if len(glances) < MIN_FRAMES:
        return None
    thumbs = np.stack([glance.thumb for glance in glances]).reshape(len(glances), -1).astype(np.float64)
    moving = np.argsort(thumbs.std(0))[-round(_MOVING * thumbs.shape[1]) :]
    parts = thumbs[:, moving] - thumbs[:, moving].mean(0)
    apart = _distances(parts)
    steps = np.diag(apart, 1)
    if float(np.percentile(steps[steps >= _STILL], 75) if (steps >= _STILL).any() else 0.0) < _LEAST:
        return None
    times = np.array([glance.time_s for glance in glances])
    again = _AGAIN * min(1.0, _USUAL_S / max(float(np.median(np.diff(times))), 1e-3))
    frozen = _frozen(steps, times)
    free = ~(frozen[1:] & frozen[:-1])
    if frozen.any() and (not free.any() or float((steps[free] < _STILL).mean()) > _SKIPPED):
        return None
    return float((frozen | _played_again(apart, steps, again)).mean())


def _distances(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square differences of all pairs of frames, by one matrix product."""
    power = (parts**2).sum(1)
    return np.asarray(np.sqrt(np.maximum(power[:, None] + power[None] - 2 * parts @ parts.T, 0) / parts.shape[1]))


def _frozen(steps: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.bool_]:
    found = np.zeros(len(times), np.bool_)
    begin = 0
    for index in range(len(steps) + 1):
        if index < len(steps) and steps[index] < _STILL:
            continue
        if index - begin >= _FROZEN_STEPS and times[index] - times[begin] >= _FROZEN_SECONDS:
            found[begin : index + 1] = True
        begin = index + 1
    return found


def _played_again(apart: NDArray[np.float64], steps: NDArray[np.float64], again: float) -> NDArray[np.bool_]:
    """Frames in the middle of three that equal three others; ``again`` is how much less they may differ."""
    count = len(apart)
    # What neighbours differ around each frame; a frame within a frozen stretch has no such neighbours, and no twin.
    around = np.median(np.stack([steps[:-3], steps[1:-2], steps[2:-1], steps[3:]]), 0)
    usual = np.full(count, np.inf)
    usual[2 : count - 2] = np.where(around >= _STILL, around, np.inf)
    inner = apart[1:-1, 1:-1]
    forwards = (apart[:-2, :-2] + inner + apart[2:, 2:]) / 3
    backwards = (apart[:-2, 2:] + inner + apart[2:, :-2]) / 3
    known = np.isfinite(usual[1:-1])
    smaller = np.minimum(usual[1:-1, None], usual[None, 1:-1])
    near = np.abs(np.arange(count - 2)[:, None] - np.arange(count - 2)[None]) < _APART
    alike = (np.minimum(forwards, backwards) < again * smaller) & ~near & known[:, None] & known[None]
    found = np.zeros(count, np.bool_)
    found[1:-1] = alike.any(1)
    return found


def noise(glances: tuple[Glance, ...]) -> float | None:
    """Change from frame to frame in the calmest tenth of the picture, grey levels; None for too few frames.

    A camera leaves some: 1 to 4 here, and 0.05 to 0.2 after heavy compression, which is why the lack of it, as a
    renderer's film shows it, is reported and decides nothing.
    """
    found = [glance.calm for glance in glances if glance.calm is not None]
    return float(np.median(found)) if len(found) >= MIN_FRAMES // 3 else None


def check_injection(glances: tuple[Glance, ...], *, repeated_from: float) -> CheckResult:
    """Fail when parts of the capture were frozen or played twice."""
    if len(glances) < MIN_FRAMES:
        return open_question(NAME, "too_few_frames", frames=len(glances))
    repeated = repeated_share(glances)
    values = {
        "repeated": repeated,
        "noise": noise(glances),
        "frames": len(glances),
        "step": float(np.median([glance.step for glance in glances])),
    }
    if repeated is None:
        return open_question(NAME, "too_still", **values)
    return failed(NAME, "repeated_frames", **values) if repeated >= repeated_from else passed(NAME, **values)

"""Detect frames that did not come from a camera at that moment: frozen parts, and parts played again.

A camera never records exactly the same picture twice. The difference is measured in grey levels on those parts of the
picture that move most in this capture: a face that hardly moves still moves there, and the noise of the rest does not
count.

* *Frozen*: the moving parts stand still, to a tenth of a grey level, for six steps and a fifth of a second. A person
  who sits still breathes and sways, and the camera adds noise. A changed frame rate repeats only single frames.
* *Played again*: three successive frames, forwards or backwards, equal three others much more than neighbouring frames
  equal each other at that time.

Two things that cameras do by themselves are left out first. Many deliver dark or equal pictures until they are ready:
such a *start* is cut off. And a busy phone stalls: *one* stall of less than 0.6 s does not count as frozen; the person
is asked for another film.

If the picture hardly changes, or a coder at a very low bitrate drops many frames, nothing can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.readings import THUMB, Glance

NAME = "injection"

MIN_FRAMES = 15
_MOVING = 0.1
"""Share of the thumbnail on which frames are compared: the pixels that change most."""
_STILL = 0.1
"""Root mean square difference in grey levels below which the moving parts stand still. Bona fide clips, also at a low
bitrate (H.264, CRF 30): at most 3 steps in a row. Frozen parts at that bitrate: at least 9 (docs/liveness.md)."""
_FROZEN_STEPS, _FROZEN_SECONDS = 6, 0.2
_AGAIN = 0.35
"""Three frames are a repetition of three others if their difference, relative to that of neighbouring frames, is below
this. Bona fide clips: at least 0.53 (a head that sways fast and evenly), mostly above 1. Repeated parts: 0.03 to 0.3,
after a second coding."""
_USUAL_S = 0.08
"""Seconds between frames up to which that limit holds. With longer intervals neighbours differ much more, so a head
that turns and comes back would count as a repetition; the limit falls in proportion (live captures with five or six
frames a second: a fast turn and back gave 0.23)."""
_APART = 4
"""Smallest distance, in frames, of a frame and its repetition: nearer frames are alike by themselves."""
_LEAST = 0.5
"""Smallest upper quartile of the steps of the moving parts, in grey levels, for a measure. Bona fide clips at any
bitrate: at least 1.6."""
_SKIPPED = 0.25
"""Share of still steps outside the frozen parts from which the coder, not an attacker, drops frames. Frozen clips: at
most 0.14, and 0.26 at a low bitrate (CRF 30). Videos of a calm person in which the coder drops frames (CRF 41 to 47):
0.27 to 0.61, and one of 0.15."""


_START_S = 1.5
"""Longest start that is cut off, in seconds. The frames after it are judged as always, so a longer one would hide
nothing from the checks; it would only shorten what they see."""
_DARK = 16.0
"""Mean grey level below which a picture of a start is dark: video black is 16."""
_STALL_S = 0.6
"""Shortest stall, in seconds, that a person is not asked about but that counts as frozen."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which part of a capture was repeated.

    Attributes:
        share: share of frames that are frozen or repeated elsewhere; None if it cannot be measured.
        start_s: seconds that were cut off at the beginning, because the pictures were dark or stood still.
        stalled_s: seconds of the one short stall that does not count; 0 without one.
    """

    share: float | None
    start_s: float = 0.0
    stalled_s: float = 0.0


def repeated_share(glances: tuple[Glance, ...]) -> float | None:
    """Return the share of frames that are frozen or repeated elsewhere; None if it cannot be measured."""
    return find_repeats(glances).share


def find_repeats(glances: tuple[Glance, ...]) -> Repeats:
    """Find frozen parts and parts that are played again, after the camera's own start."""
    if len(glances) < MIN_FRAMES:
        return Repeats(None)
    begin = _end_of_start(glances)
    start_s = glances[begin].time_s - glances[0].time_s
    glances = glances[begin:]
    if len(glances) < MIN_FRAMES:
        return Repeats(None, start_s)
    thumbs = np.stack([glance.thumb for glance in glances]).reshape(len(glances), -1).astype(np.float64)
    moving = np.argsort(thumbs.std(0))[-round(_MOVING * thumbs.shape[1]) :]
    parts = thumbs[:, moving] - thumbs[:, moving].mean(0)
    apart = _distances(parts)
    steps = np.diag(apart, 1)
    if float(np.percentile(steps[steps >= _STILL], 75) if (steps >= _STILL).any() else 0.0) < _LEAST:
        return Repeats(None, start_s)
    times = np.array([glance.time_s for glance in glances])
    again = _AGAIN * min(1.0, _USUAL_S / max(float(np.median(np.diff(times))), 1e-3))
    stretches = _frozen(steps, times)
    frozen = np.zeros(len(times), np.bool_)
    for first, last in stretches:
        frozen[first : last + 1] = True
    free = ~(frozen[1:] & frozen[:-1])
    if frozen.any() and (not free.any() or float((steps[free] < _STILL).mean()) > _SKIPPED):
        return Repeats(None, start_s)
    stalled_s = sum(float(times[last] - times[first]) for first, last in stretches)
    if len(stretches) == 1 and stalled_s < _STALL_S:
        frozen[:] = False
    else:
        stalled_s = 0.0
    return Repeats(float((frozen | _played_again(apart, steps, again)).mean()), start_s, stalled_s)


def _end_of_start(glances: tuple[Glance, ...]) -> int:
    """Return the index of the first frame after a dark or standing start; 0 if there is none."""
    begin = _after(glances, 0, [float(glance.thumb.mean()) < _DARK for glance in glances])
    # A picture that stands still is compared with the next one where the two differ most: a coder may add a little.
    alike = [
        float(np.sort(((one.thumb - other.thumb) ** 2).ravel())[-_PIXELS:].mean()) < _STILL**2
        for one, other in pairwise(glances)
    ]
    standing = _after(glances, begin, [*alike, False])
    return standing if standing > begin + 1 else begin


_PIXELS = round(_MOVING * THUMB * THUMB)


def _after(glances: tuple[Glance, ...], begin: int, still: list[bool]) -> int:
    """Return the first index from ``begin`` on that is not marked; ``begin`` if the marked part is too long."""
    end = begin
    while end < len(glances) - 1 and still[end]:
        end += 1
    return end if glances[end].time_s - glances[0].time_s <= _START_S else begin


def _distances(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root mean square differences of all pairs of frames, by one matrix product."""
    power = (parts**2).sum(1)
    return np.asarray(np.sqrt(np.maximum(power[:, None] + power[None] - 2 * parts @ parts.T, 0) / parts.shape[1]))


def _frozen(steps: NDArray[np.float64], times: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the first and the last frame of each part that stands still."""
    found = []
    begin = 0
    for index in range(len(steps) + 1):
        if index < len(steps) and steps[index] < _STILL:
            continue
        if index - begin >= _FROZEN_STEPS and times[index] - times[begin] >= _FROZEN_SECONDS:
            found.append((begin, index))
        begin = index + 1
    return found


def _played_again(apart: NDArray[np.float64], steps: NDArray[np.float64], again: float) -> NDArray[np.bool_]:
    """Find the middle frames of three that equal three others; ``again`` is the largest relative difference."""
    count = len(apart)
    # The usual difference of neighbours around each frame. Inside a frozen part there is none, and no repetition.
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
    """Return the change from frame to frame in the calmest tenth of the picture, in grey levels.

    A camera has noise: 1 to 4 here, and 0.05 to 0.2 after heavy compression. A rendered video has none. Because of the
    compression, the value is only reported and decides nothing.

    Returns:
        The median change; None if there are too few frames.
    """
    changes = [glance.calm for glance in glances if glance.calm is not None]
    return float(np.median(changes)) if len(changes) >= MIN_FRAMES // 3 else None


def check_injection(glances: tuple[Glance, ...], *, repeated_from: float) -> CheckResult:
    """Fail if parts of the capture were frozen or played twice.

    Args:
        glances: of all frames.
        repeated_from: share of repeated frames from which the check fails.
    """
    if len(glances) < MIN_FRAMES:
        return not_assessed(NAME, "too_few_frames", frames=len(glances))
    found = find_repeats(glances)
    values = {
        "repeated": found.share,
        "noise": noise(glances),
        "frames": len(glances),
        "step": float(np.median([glance.step for glance in glances])),
        "start_s": found.start_s,
        "stalled_s": found.stalled_s,
    }
    if found.share is None:
        return not_assessed(NAME, "too_still", **values)
    if found.share >= repeated_from:
        return failed(NAME, "repeated_frames", **values)
    return not_assessed(NAME, "stalled", **values) if found.stalled_s else passed(NAME, **values)

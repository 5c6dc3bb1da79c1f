"""Check that the camera obeyed a command that the page gave it at a drawn moment: a darker exposure, or a zoom.

The page asks the camera of the phone for another setting (``applyConstraints``), and takes it back. What the camera
does must be in the film: with less exposure the whole picture darkens, with zoom it grows around its middle, for as
long as the command lasts. A program between camera and browser that ignores the command is noticed.

The phone says which settings its camera has, and can lie: it says nothing, and nothing is asked. A program that obeys,
by multiplying or enlarging its pictures, is not noticed either, because six frames a second do not show a camera's
delay. So the check never speaks for a person, and never fails one: if a camera that should have obeyed did not, the
person is asked again.
"""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, not_assessed, passed
from models.liveness.plan import CommandKind, Plan
from models.liveness.readings import THUMB, Glance, Readings

NAME = "command"

DARKER = 0.12
"""Fall of the logarithmic brightness that shows less exposure. 1.5 EV less are 0.47 (gamma 2.2); a cloud or a hand
changes it by a few hundredths in a second."""
LARGER = 1.08
"""Growth of the picture that shows a zoom of 1.3: cameras zoom in steps, and a hand shakes."""
_LIKER = 0.03
"""By how much the correlation with the picture before must be better at that growth than without growth."""
_BEFORE_S = 1.0
_DELAY_S = 0.5
"""Seconds after which a camera has obeyed: exposure control takes some frames."""
_FEWEST = 2
_GROWTHS = np.arange(0.9, 1.62, 0.04)


def check_commands(readings: Readings, plan: Plan | None, can: Collection[str]) -> CheckResult:
    """Judge whether the film shows the command of a plan.

    Args:
        readings: of the film.
        plan: what was asked of phone and person.
        can: the commands that the phone says its camera has.
    """
    if plan is None or not plan.commands:
        return not_assessed(NAME, "none_given")
    given = next((command for command in plan.commands if command.kind.value in can), None)
    if given is None:
        return not_assessed(NAME, "not_supported")
    before = _glances(readings, given.from_s - _BEFORE_S, given.from_s)
    during = _glances(readings, given.from_s + _DELAY_S, given.to_s)
    if len(before) < _FEWEST or len(during) < _FEWEST:
        return not_assessed(NAME, "command_too_short", before=len(before), during=len(during))
    change, shown = _darker(before, during) if given.kind is CommandKind.EXPOSURE else _larger(before, during)
    values = {"exposure": int(given.kind is CommandKind.EXPOSURE), "change": change, "frames": len(during)}
    return passed(NAME, **values) if shown else not_assessed(NAME, "command_not_shown", **values)


def _glances(readings: Readings, from_s: float, to_s: float) -> list[Glance]:
    return [glance for glance in readings.glances if from_s <= glance.time_s <= to_s]


def _darker(before: list[Glance], during: list[Glance]) -> tuple[float, bool]:
    first, second = (
        float(np.median([np.log(max(float(glance.thumb.mean()), 1.0)) for glance in glances]))
        for glances in (before, during)
    )
    return first - second, first - second >= DARKER


def _larger(before: list[Glance], during: list[Glance]) -> tuple[float, bool]:
    """Find the growth at which the picture before is most like the picture during the command."""
    first, second = (np.median([glance.thumb for glance in glances], 0) for glances in (before, during))
    likeness = {float(growth): _likeness(_grown(first, float(growth)), second) for growth in (*_GROWTHS, 1.0)}
    best = max(likeness, key=lambda growth: likeness[growth])
    return best, best >= LARGER and likeness[best] >= likeness[1.0] + _LIKER


def _grown(thumb: NDArray[np.float32], growth: float) -> NDArray[np.float32]:
    middle = (THUMB - 1) / 2 * (1 - growth)
    matrix = np.array([[growth, 0, middle], [0, growth, middle]])
    return np.asarray(cv2.warpAffine(thumb, matrix, (THUMB, THUMB), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the correlation of two pictures inside their margins, which a smaller picture lacks."""
    edge = THUMB // 10
    a, b = (picture[edge:-edge, edge:-edge].ravel().astype(np.float64) for picture in (one, other))
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 1e-6 else 0.0

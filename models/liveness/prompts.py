"""Whether the person did what was asked, in the order and the windows that the server drew.

Each prompt has a signal (an angle, a blendshape, the size of the face) and a size it must reach over what the person
showed before the prompt. An answer begins in its window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, open_question, passed
from models.liveness.plan import Plan, Prompt, Step
from models.liveness.readings import Detail, Readings

NAME = "prompts"

_EARLY = 0.3
"""Seconds before its window at which an answer may begin: clocks of screen and camera differ."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """How an answer to a prompt is recognised.

    Attributes:
        signal: which signal, see :func:`signals_of`.
        size: change against rest that counts as an answer, in the signal's unit, with its sign.
    """

    signal: str
    size: float


GESTURES: dict[Prompt, Gesture] = {
    # Yaw is positive when the nose points to the right side of the picture: the person's own left.
    Prompt.TURN_LEFT: Gesture("yaw", 9.0),
    Prompt.TURN_RIGHT: Gesture("yaw", -9.0),
    Prompt.LOOK_UP: Gesture("pitch", 7.0),
    Prompt.COME_CLOSER: Gesture("size", 0.12),
    Prompt.SMILE: Gesture("smile", 0.3),
    Prompt.OPEN_MOUTH: Gesture("jaw", 0.2),
    Prompt.BLINK: Gesture("blink", 0.25),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen for one prompt.

    Attributes:
        reached: largest change against rest in the window, in units of the required size (1 = just enough).
        began_s: seconds after the window opened at which half of the required size was passed; None without an answer.
        rose_s: seconds from a tenth to half of the largest change.
        elsewhere: the largest change before the window, in the same units: an answer to a question not yet asked.
    """

    reached: float
    began_s: float | None
    rose_s: float | None
    elsewhere: float


def check_prompts(readings: Readings, plan: Plan | None) -> CheckResult:
    """Judge all prompts of a plan. Without prompts there is nothing to assess."""
    if plan is None or not plan.steps:
        return open_question(NAME, "none_asked")
    times, signals = signals_of(readings.followed)
    if len(times) < 5:
        return open_question(NAME, "too_few_frames")
    if readings.seconds < plan.steps[-1].from_s + 0.5:
        return open_question(NAME, "too_short", seconds=readings.seconds)
    answers = [answer(step, times, signals) for step in plan.steps]
    values: dict[str, float | int | None] = {}
    for number, found in enumerate(answers, 1):
        values |= {
            f"reached_{number}": found.reached,
            f"began_{number}": found.began_s,
            f"rose_{number}": found.rose_s,
            f"before_{number}": found.elsewhere,
        }
    done = sum(found.reached >= 1 for found in answers)
    values |= {"asked": len(answers), "answered": done}
    if done == len(answers):
        return passed(NAME, **values)
    # Nothing at all done is what a recording of somebody else's session looks like; a part of it, a slow person.
    if done == 0 or done * 2 < len(answers):
        return failed(NAME, "not_followed", **values)
    return open_question(NAME, "partly_followed", **values)


def answer(step: Step, times: NDArray[np.float64], signals: dict[str, NDArray[np.float64]]) -> Answer:
    """Look for the answer to one prompt."""
    gesture = GESTURES[step.prompt]
    signal = signals[gesture.signal]
    window = (times >= step.from_s - _EARLY) & (times <= step.to_s)
    before = (times < step.from_s) & (times >= step.from_s - 2.0)
    if not window.any():
        return Answer(0.0, None, None, 0.0)
    rest = float(np.median(signal[before])) if before.sum() >= 3 else float(np.median(signal))
    change = (signal - rest) / gesture.size
    inside, clock = change[window], times[window]
    reached = float(inside.max())
    elsewhere = float(change[before].max()) if before.any() else 0.0
    over = np.flatnonzero(inside >= 0.5)
    if not len(over):
        return Answer(reached, None, None, elsewhere)
    began = float(clock[over[0]] - step.from_s)
    start = np.flatnonzero(inside[: over[0] + 1] < 0.1 * max(reached, 1.0))
    rose = float(clock[over[0]] - clock[start[-1]]) if len(start) else None
    return Answer(reached, began, rose, elsewhere)


def signals_of(details: tuple[Detail, ...]) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return times in seconds, and by name: yaw, pitch in degrees, size relative to the median, blendshapes 0-1."""
    meshes = [(detail.time_s, detail.mesh) for detail in details if detail.mesh is not None]
    times = np.array([time_s for time_s, _ in meshes])
    size = np.array([max(mesh.box[2:]) for _, mesh in meshes])

    def both(name: str) -> NDArray[np.float64]:
        # The eye turned away is unsure: the mean of both sides.
        return np.array([(mesh.shape(f"{name}Left") + mesh.shape(f"{name}Right")) / 2 for _, mesh in meshes])

    return times, {
        "yaw": np.array([mesh.pose.yaw for _, mesh in meshes]),
        "pitch": np.array([mesh.pose.pitch for _, mesh in meshes]),
        "size": size / float(np.median(size)) if len(size) else size,
        "smile": both("mouthSmile"),
        "jaw": np.array([mesh.shape("jawOpen") for _, mesh in meshes]),
        "blink": both("eyeBlink"),
    }

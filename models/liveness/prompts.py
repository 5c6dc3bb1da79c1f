"""Check that the person followed the prompts, at the moments that the server drew.

Each step of a plan asks for one movement, which is held until the screen asks to come back. Both moments are drawn. An
answer counts only if it starts from rest, begins after it was asked for, goes in the asked direction and far enough,
stays until it is asked back, and then returns. A recording of a person who was asked something else does each of these
now and then, and all of them at the drawn moments hardly ever (docs/liveness.md has the rates).

Rest is the place of the face just before the prompt, not at the beginning: an arm sinks and a head settles meanwhile.
No one fails for being slow or for trembling: the limits are in units of the asked size, with much room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.plan import Plan, Prompt, Step
from models.liveness.readings import Detail, Readings

NAME = "prompts"


@dataclass(frozen=True, slots=True)
class Gesture:
    """How an answer to a prompt is recognised.

    Attributes:
        signal: name of the signal, see :func:`signals_of`.
        size: change relative to rest that counts as an answer, in the signal's unit, with its sign.
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

REACTION = 0.4
"""Shortest time in seconds from a prompt to half of the asked size. People need at least 0.2 s to react to what they
see (simple visual reaction), and the head needs time to move."""
REST_S = 1.2
"""Seconds before a prompt in which the face has to be at rest: what it moves then gives the place of rest."""
AT_REST = 0.6
"""Change, in units of the asked size, that a person who waits for a prompt does not reach: 5 degrees of the head."""
HELD, HELD_OWN = 0.85, 0.55
"""What an answer keeps until it is asked back: a share of the asked size, and a share of the person's own way."""
BACK = 0.5
"""Change below which a face is back: in units of the asked size, or as a share of the person's own way."""
MOST_TURNED = 1.5
"""Largest turn of the head, in units of a turn, while something else is asked for."""
MOST_ACROSS = 1.5
"""Largest change of the head up or down during a turn, and to a side while looking up, in units of those prompts.

These seven limits were chosen on half of the people of the development films, so that recordings follow seldom and
simulated old people nearly always; docs/liveness.md has the rates of the other half (bench/prompts.py)."""
APPROACH_TOLERANCE = 0.05
"""By how much a face may miss the asked growth: two measures of a size differ by that."""
_BEGUN = 0.5
_THERE = 0.8
_SETTLED = 0.8
"""Seconds after a prompt in which a head may still come back from the one before."""
_OF_THE_HEAD = frozenset({Prompt.TURN_LEFT, Prompt.TURN_RIGHT, Prompt.LOOK_UP})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one prompt. Changes are relative to rest, in units of the required size (1 = enough).

    Attributes:
        reached: largest change until the person is asked back.
        began_s: seconds after the prompt at which half of the required size was passed; None without an answer.
        before: largest change in the time of rest before the prompt, in any direction.
        opposite: largest change in the other direction, before the answer began.
        turned: largest turn of the head during a prompt that asks for something else.
        across: largest movement of the head across the way that is asked for; 0 for prompts of the face.
        held: smallest change from the answer until it is asked back; None if that is not asked.
        returned_s: seconds from being asked back until the face was back; None if it was not, or is not asked.
        counts: it is an answer to this prompt, at its moments.
    """

    reached: float
    began_s: float | None
    before: float
    opposite: float
    turned: float
    across: float
    held: float | None
    returned_s: float | None
    counts: bool


NO_ANSWER = Answer(0.0, None, 0.0, 0.0, 0.0, 0.0, None, None, counts=False)


def check_prompts(readings: Readings, plan: Plan | None) -> CheckResult:
    """Judge all prompts of a plan; without prompts it is not assessed."""
    if plan is None or not plan.steps:
        return not_assessed(NAME, "none_asked")
    times, signals = signals_of(readings.followed)
    if len(times) < 5:
        return not_assessed(NAME, "too_few_frames")
    if readings.seconds < plan.steps[-1].latest_s + 0.5:
        return not_assessed(NAME, "too_short", seconds=readings.seconds)
    answers = [answer(plan, number, times, signals) for number in range(len(plan.steps))]
    values: dict[str, float | int | None] = {}
    for number, given in enumerate(answers, 1):
        values |= {
            f"reached_{number}": given.reached,
            f"began_{number}": given.began_s,
            f"before_{number}": given.before,
            f"opposite_{number}": given.opposite,
            f"turned_{number}": given.turned,
            f"across_{number}": given.across,
            f"held_{number}": given.held,
            f"returned_{number}": given.returned_s,
            f"counts_{number}": int(given.counts),
        }
    reached = sum(given.reached >= 1 for given in answers)
    values |= {"asked": len(answers), "answered": sum(given.counts for given in answers)}
    if all(given.counts for given in answers):
        return passed(NAME, **values)
    # A recording of another session follows none of the prompts; a slow person follows some of them.
    if reached == 0 or reached * 2 < len(answers):
        return failed(NAME, "not_followed", **values)
    return not_assessed(NAME, "partly_followed", **values)


def answer(plan: Plan, number: int, times: NDArray[np.float64], signals: dict[str, NDArray[np.float64]]) -> Answer:
    """Find the answer to one prompt.

    Args:
        plan: the whole plan.
        number: index of the prompt.
        times: seconds after the first frame, for each value of the signals.
        signals: as :func:`signals_of` returns them.
    """
    step = plan.steps[number]
    gesture = GESTURES[step.prompt]
    resting = (times >= step.from_s - REST_S) & (times < step.from_s + REACTION)
    leave = step.to_s if step.back_s is None else step.back_s
    asked = (times >= step.from_s) & (times <= leave)
    if resting.sum() < 3 or not asked.any():
        return NO_ANSWER

    def change_of(name: str, size: float) -> NDArray[np.float64]:
        signal = signals[name]
        return np.asarray((signal - np.median(signal[resting])) / size, np.float64)

    change = change_of(gesture.signal, size_of(step.prompt, plan))
    before = float(np.abs(change[resting]).max())
    inside, clock = change[asked], times[asked]
    over = np.flatnonzero(inside >= _BEGUN)
    reached = float(inside.max())
    began = float(clock[over[0]] - step.from_s) if len(over) else None
    opposite = float(-inside[: over[0] + 1].min()) if len(over) else 0.0
    turned = 0.0
    if step.prompt not in _OF_THE_HEAD:
        settled = (times >= step.from_s + _SETTLED) & (times <= step.to_s)
        turns = np.abs(change_of("yaw", GESTURES[Prompt.TURN_LEFT].size))[settled]
        turned = float(turns.max()) if len(turns) else 0.0
    across = 0.0
    if step.prompt in _OF_THE_HEAD:
        way = GESTURES[Prompt.TURN_LEFT if step.prompt is Prompt.LOOK_UP else Prompt.LOOK_UP]
        across = float(np.abs(change_of(way.signal, way.size)[asked]).max())
    held, returned = _held(step, times, change, reached), _returned(step, times, change, reached)
    counts = (
        reached >= 1
        and began is not None
        and began >= REACTION
        and (before < AT_REST or step.prompt is Prompt.BLINK)
        and opposite < AT_REST
        and turned < MOST_TURNED
        and across < MOST_ACROSS
        and (
            step.back_s is None or (held is not None and held >= max(HELD, HELD_OWN * reached) and returned is not None)
        )
    )
    return Answer(reached, began, before, opposite, turned, across, held, returned, counts)


def size_of(prompt: Prompt, plan: Plan) -> float:
    """Return the change that answers a prompt of a plan, in its signal's unit: the plan says how close is close."""
    if prompt is Prompt.COME_CLOSER and plan.approach is not None:
        return plan.approach - 1 - APPROACH_TOLERANCE
    return GESTURES[prompt].size


def _held(step: Step, times: NDArray[np.float64], change: NDArray[np.float64], reached: float) -> float | None:
    """Return the smallest change from when the answer was nearly as large as it became until it is asked back."""
    if step.back_s is None:
        return None
    there = np.flatnonzero((times >= step.from_s) & (times <= step.back_s) & (change >= max(1.0, _THERE * reached)))
    if not len(there):
        return None
    until = change[there[0] :][times[there[0] :] <= step.back_s + REACTION]
    return float(until.min())


def _returned(step: Step, times: NDArray[np.float64], change: NDArray[np.float64], reached: float) -> float | None:
    """Return how many seconds after being asked back the face was on its way back by half."""
    if step.back_s is None:
        return None
    after = (times > step.back_s + REACTION) & (times <= step.to_s)
    near = np.flatnonzero(change[after] < BACK * max(1.0, reached))
    if not len(near):
        return None
    return float(times[after][near[0]] - step.back_s)


def signals_of(details: tuple[Detail, ...]) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return the signals of the frames with landmarks.

    Returns:
        The times in seconds, and the signals by name: yaw and pitch in degrees, size relative to the median,
        blendshapes 0-1.
    """
    meshes = [(detail.time_s, detail.mesh) for detail in details if detail.mesh is not None]
    times = np.array([time_s for time_s, _ in meshes])
    size = np.array([max(mesh.box[2:]) for _, mesh in meshes])

    def both(name: str) -> NDArray[np.float64]:
        # The value of the side that is turned away is uncertain, so use the mean of both sides.
        return np.array([(mesh.shape(f"{name}Left") + mesh.shape(f"{name}Right")) / 2 for _, mesh in meshes])

    return times, {
        "yaw": np.array([mesh.pose.yaw for _, mesh in meshes]),
        "pitch": np.array([mesh.pose.pitch for _, mesh in meshes]),
        "size": size / float(np.median(size)) if len(size) else size,
        "smile": both("mouthSmile"),
        "jaw": np.array([mesh.shape("jawOpen") for _, mesh in meshes]),
        "blink": both("eyeBlink"),
    }

"""Answers count only in their window and their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from models.liveness.plan import Flash, Plan, Profile, Prompt, Step
from models.liveness.prompts import check_prompts
from models.states import State
from tests.models.liveness.readings_made import made

PLAN = Plan(
    Profile.STANDARD,
    (Step(Prompt.TURN_LEFT, 2.0, 5.0), Step(Prompt.SMILE, 5.0, 8.0), Step(Prompt.TURN_RIGHT, 8.0, 11.0)),
    (),
    12.0,
)


def _between(time_s: float, start: float, end: float) -> float:
    """Return a movement that rises within half a second, stays, and goes back."""
    return max(0.0, min((time_s - start) / 0.5, 1.0, (end - time_s) / 0.5))


def _follow(time_s: float) -> Mapping[str, float]:
    smile = _between(time_s, 5.8, 7.5)
    yaw = 16 * _between(time_s, 2.7, 4.6) - 16 * _between(time_s, 8.6, 10.5)
    return {"yaw": yaw, "mouthSmileLeft": smile, "mouthSmileRight": smile}


def test_a_person_who_follows_passes() -> None:
    found = check_prompts(made(_follow, seconds=12), PLAN)
    assert found.state is State.PASS
    assert found.values["answered"] == 3


def test_the_mirrored_person_does_not_follow() -> None:
    """A recording of other prompts, or a mirrored replay, turns left instead of right."""
    found = check_prompts(made(lambda t: {**_follow(t), "yaw": -_follow(t)["yaw"]}, seconds=12), PLAN)
    assert found.state is State.FAIL
    assert found.reason == "not_followed"


def test_answers_in_another_order_do_not_count() -> None:
    shifted = made(lambda t: _follow((t + 3.0) % 12), seconds=12)
    assert check_prompts(shifted, PLAN).state is not State.PASS


def test_no_answer_fails_and_most_answers_mean_try_again() -> None:
    assert check_prompts(made(lambda _: {}, seconds=12), PLAN).state is State.FAIL
    partly = check_prompts(made(lambda t: {**_follow(t), "mouthSmileLeft": 0, "mouthSmileRight": 0}, seconds=12), PLAN)
    assert (partly.state, partly.reason) == (State.NOT_ASSESSED, "partly_followed")


def test_a_video_that_ends_before_the_last_prompt_is_too_short() -> None:
    assert check_prompts(made(_follow, seconds=7), PLAN).reason == "too_short"


@pytest.mark.parametrize("plan", [None, Plan(Profile.DOORSTEP, (), (), 10.0)])
def test_without_prompts_nothing_is_assessed(plan: Plan | None) -> None:
    assert check_prompts(made(_follow, seconds=12), plan).state is State.NOT_ASSESSED


def test_a_plan_survives_storage() -> None:
    plan = Plan(Profile.LIGHT, PLAN.steps, (Flash(255, 0, 128, 1.0, 1.7),), 12.0)
    assert Plan.from_json(plan.to_json()) == plan


TWO = Plan(Profile.STANDARD, (Step(Prompt.TURN_LEFT, 2.0, 5.5), Step(Prompt.SMILE, 5.5, 9.0)), (), 10.0)


def _two(time_s: float) -> dict[str, float]:
    smile = _between(time_s, 6.2, 8.0)
    return {"yaw": 16 * _between(time_s, 2.7, 4.6), "mouthSmileLeft": smile, "mouthSmileRight": smile}


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("answered before it was asked", lambda t: {"yaw": 16 * _between(t, 1.0, 4.6)}),
        ("no time to react", lambda t: {"yaw": 16 * _between(t, 1.75, 4.6)}),
        ("the other way first", lambda t: {"yaw": 16 * _between(t, 3.4, 5.0) - 12 * _between(t, 2.1, 3.3)}),
        ("turns when asked to smile", lambda t: {"yaw": 16 * (_between(t, 2.7, 4.6) + _between(t, 7.0, 8.5))}),
    ],
)
def test_movements_of_a_talking_person_do_not_count(what: str, other: Callable[[float], dict[str, float]]) -> None:
    assert check_prompts(made(_two, seconds=10), TWO).state is State.PASS
    found = check_prompts(made(lambda t: {**_two(t), **other(t)}, seconds=10), TWO)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "partly_followed"), what


def test_a_turn_that_is_held_until_the_next_prompt_counts() -> None:
    held = made(lambda t: {**_two(t), "yaw": 16 * _between(t, 2.7, 6.6)}, seconds=10)
    assert check_prompts(held, TWO).state is State.PASS


def test_going_back_is_no_turn_to_the_other_side() -> None:
    plan = Plan(Profile.STANDARD, (Step(Prompt.TURN_LEFT, 2.0, 5.5), Step(Prompt.TURN_RIGHT, 5.5, 9.0)), (), 10.0)
    only_left = made(lambda t: {"yaw": 18 * _between(t, 2.7, 6.5)}, seconds=10)
    found = check_prompts(only_left, plan)
    assert found.state is not State.PASS
    assert found.values["counts_2"] == 0


@pytest.mark.parametrize("own", [1.9, 2.05, 3.0])
def test_a_spontaneous_blink_does_not_hide_the_answer(own: float) -> None:
    plan = Plan(Profile.STANDARD, (Step(Prompt.BLINK, 2.0, 5.5), Step(Prompt.TURN_LEFT, 5.5, 9.0)), (), 10.0)

    def script(time_s: float) -> dict[str, float]:
        shut = float(own <= time_s < own + 0.25 or 3.8 <= time_s < 4.1)
        return {"eyeBlinkLeft": shut, "eyeBlinkRight": shut, "yaw": 16 * _between(time_s, 6.0, 8.0)}

    assert check_prompts(made(script, seconds=10), plan).state is State.PASS

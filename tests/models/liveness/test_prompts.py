"""Answers count only at the drawn moments: from rest, the asked way, held until the person is asked back."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from bench.prompts import DEMANDS, FOLLOWERS, follows
from certify.capture.challenge import draw
from models.liveness.plan import Flash, Plan, Profile, Prompt, Step
from models.liveness.prompts import check_prompts
from models.states import State
from tests.models.liveness.readings_made import made

LEFT, SMILE, RIGHT = (
    Step(Prompt.TURN_LEFT, 2.0, 7.0, 4.8),
    Step(Prompt.SMILE, 7.6, 12.4, 10.2),
    Step(Prompt.TURN_RIGHT, 13.0, 17.8, 15.6),
)
PLAN = Plan(Profile.STANDARD, (LEFT, SMILE, RIGHT), (), 18.6)
ONE = Plan(Profile.GENTLE, (LEFT,), (), 8.0)
Face = Mapping[str, float]


def _between(time_s: float, start: float, end: float) -> float:
    """Return a movement that rises within half a second, stays, and goes back after its end."""
    return max(0.0, min((time_s - start) / 0.5, 1.0, (end + 0.5 - time_s) / 0.5))


def _follow(time_s: float) -> Face:
    smile = _between(time_s, 8.4, 10.8)
    yaw = 16 * _between(time_s, 2.7, 5.4) - 16 * _between(time_s, 13.6, 16.2)
    return {"yaw": yaw, "mouthSmileLeft": smile, "mouthSmileRight": smile}


def test_a_person_who_follows_passes() -> None:
    found = check_prompts(made(_follow, seconds=19), PLAN)
    assert found.state is State.PASS, found.values
    assert found.values["answered"] == 3


def test_the_mirrored_person_does_not_follow() -> None:
    """A recording of other prompts, or a mirrored replay, turns left instead of right."""
    found = check_prompts(made(lambda t: {**_follow(t), "yaw": -_follow(t)["yaw"]}, seconds=19), PLAN)
    assert found.state is State.FAIL
    assert found.reason == "not_followed"


@pytest.mark.parametrize("shift", [-2.5, -1.2, 1.8, 3.0])
def test_attack_a_film_that_follows_the_same_prompts_at_other_moments_does_not_count(shift: float) -> None:
    shifted = made(lambda t: _follow(t - shift), seconds=19)
    assert check_prompts(shifted, PLAN).state is not State.PASS


def test_no_answer_fails_and_most_answers_mean_try_again() -> None:
    assert check_prompts(made(lambda _: {}, seconds=19), PLAN).state is State.FAIL
    partly = check_prompts(made(lambda t: {**_follow(t), "mouthSmileLeft": 0, "mouthSmileRight": 0}, seconds=19), PLAN)
    assert (partly.state, partly.reason) == (State.NOT_ASSESSED, "partly_followed")


def test_a_video_that_ends_before_the_last_prompt_is_too_short() -> None:
    assert check_prompts(made(_follow, seconds=12), PLAN).reason == "too_short"


@pytest.mark.parametrize("plan", [None, Plan(Profile.DOORSTEP, (), (), 10.0)])
def test_without_prompts_nothing_is_assessed(plan: Plan | None) -> None:
    assert check_prompts(made(_follow, seconds=12), plan).state is State.NOT_ASSESSED


def test_a_plan_survives_storage_also_one_of_an_earlier_release() -> None:
    plan = Plan(Profile.LIGHT, PLAN.steps, (Flash(255, 0, 128, 1.0, 1.7),), 12.0)
    assert Plan.from_json(plan.to_json()) == plan
    before = Plan(Profile.GENTLE, (Step(Prompt.TURN_LEFT, 4.0, 10.0),), (), 11.0)
    assert "back_ms" not in before.to_json()["steps"][0]
    assert Plan.from_json(before.to_json()) == before


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("answered before it was asked", lambda t: {"yaw": 16 * _between(t, 1.0, 5.4)}),
        ("no time to react", lambda t: {"yaw": 16 * _between(t, 1.85, 5.4)}),
        ("not at rest before", lambda t: {"yaw": 16 * _between(t, 2.7, 5.4) + 16 * _between(t, 1.0, 1.1)}),
        ("the other way first", lambda t: {"yaw": 16 * _between(t, 3.4, 5.4) - 12 * _between(t, 2.4, 2.5)}),
        ("nods at the same time", lambda t: {"yaw": 16 * _between(t, 2.7, 5.4), "pitch": 14 * _between(t, 2.7, 5.4)}),
        ("not far enough", lambda t: {"yaw": 7 * _between(t, 2.7, 5.4)}),
        ("back before it was asked", lambda t: {"yaw": 16 * _between(t, 2.7, 3.8)}),
        ("never back", lambda t: {"yaw": 16 * _between(t, 2.7, 99)}),
        ("back much too late", lambda t: {"yaw": 16 * _between(t, 2.7, 7.5)}),
        ("there and back and there", lambda t: {"yaw": 16 * (_between(t, 2.7, 3.3) + _between(t, 4.2, 5.4))}),
    ],
)
def test_movements_of_a_talking_person_do_not_count(what: str, other: Callable[[float], Face]) -> None:
    good = made(lambda t: {"yaw": 16 * _between(t, 2.7, 5.4)}, seconds=8)
    assert check_prompts(good, ONE).state is State.PASS
    found = check_prompts(made(other, seconds=8), ONE)
    assert found.state is not State.PASS, what


def test_a_turn_while_something_else_is_asked_does_not_count() -> None:
    plan = Plan(Profile.STANDARD, (Step(Prompt.SMILE, 2.0, 7.0, 4.8),), (), 8.0)

    def smile(time_s: float) -> dict[str, float]:
        value = _between(time_s, 2.7, 5.4)
        return {"mouthSmileLeft": value, "mouthSmileRight": value}

    assert check_prompts(made(smile, seconds=8), plan).state is State.PASS
    turning = made(lambda t: {**smile(t), "yaw": 16 * _between(t, 3.6, 4.2)}, seconds=8)
    assert check_prompts(turning, plan).state is not State.PASS


def test_rest_is_where_the_face_is_just_before_the_prompt() -> None:
    """An arm sinks and a head settles: by the last prompt the face is elsewhere than at the first."""
    drifting = made(lambda t: {**_follow(t), "yaw": _follow(t)["yaw"] + 1.2 * t}, seconds=19)
    assert check_prompts(drifting, PLAN).state is State.PASS


def test_a_prompt_that_was_shown_late_is_answered_late() -> None:
    late = ONE.shown([(3.4, 6.2)])
    assert late.steps[0] == Step(Prompt.TURN_LEFT, 3.4, 8.4, 6.2)
    answer = made(lambda t: {"yaw": 16 * _between(t, 4.1, 6.8)}, seconds=9)
    assert check_prompts(answer, late).state is State.PASS
    assert check_prompts(answer, ONE).state is not State.PASS
    assert ONE.shown([(1.0, 1.0)]) == ONE, "nothing is shown before its time, whatever a clock says"
    assert ONE.shown([(None, None)]) == ONE


@pytest.mark.parametrize("profile", DEMANDS)
def test_old_people_who_do_what_is_asked_pass(profile: str) -> None:
    """Slow, late, trembling, small movements, at six frames a second."""
    chance = random.Random(7)  # noqa: S311 - repeatable
    plans = [draw(DEMANDS[profile], chance.randbytes) for _ in range(60)]
    for name, manner in FOLLOWERS.items():
        passed = sum(follows(plan, manner, seed=seed, rate=6) is State.PASS for seed, plan in enumerate(plans))
        assert passed >= 58, name


@pytest.mark.parametrize("profile", DEMANDS)
def test_attack_a_film_of_another_plan_follows_seldom(profile: str) -> None:
    chance = random.Random(8)  # noqa: S311 - repeatable
    demand = DEMANDS[profile]
    count, followed = 80, 0
    for seed in range(count):
        plan, other = draw(demand, chance.randbytes), draw(demand, chance.randbytes)
        followed += follows(plan, FOLLOWERS["usual"], seed=seed, rate=6, answers=other) is State.PASS
    # On an unknown phone the movements are nearly the same each time. Then the plans differ by their colours, and the
    # light of another plan fails a film (tests/models/liveness/test_light.py).
    same = bool(demand.must and demand.flashes)
    assert followed <= {(False, False): 0.1, (True, True): 0.65}.get((demand.gentle, same), 0.35) * count

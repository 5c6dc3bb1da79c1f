"""The coach places, then records; it starts again if the face is lost or a prompt missed, a limited number of times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.face.detect import Face
from models.face.quality import QualityMeasure
from models.live.coach import FREE_STARTS, LOST_S, PATIENCE_S, STEADY_S, Advice, Coach, Phase
from models.liveness.plan import TAKES, Plan, Profile, Prompt, Step
from models.liveness.readings import Detail
from models.states import State
from tests.models.liveness.readings_made import made

RATE = 6
GOOD = (QualityMeasure("darkness", 120.0, "luma", 100.0, State.PASS, None),)
DIM = (QualityMeasure("darkness", 50.0, "luma", 30.0, State.FAIL, "too_dark"),)
BLACK = (QualityMeasure("darkness", 10.0, "luma", 0.0, State.FAIL, "too_dark", blocking=True),)
PLAN = Plan(Profile.STANDARD, (Step(Prompt.TURN_LEFT, 2.0, 6.6, 4.5),), (), 7.4)
AGAIN = Plan(Profile.STANDARD, (Step(Prompt.TURN_RIGHT, 3.0, 7.6, 5.5),), (), 8.4)


class Player:
    """Plays frames to a coach."""

    def __init__(self, *takes: Plan) -> None:
        self.coach = Coach(takes or (PLAN, AGAIN))
        self.time_s = 100.0
        self.said: list[Advice] = []

    def play(
        self, seconds: float, *, face: bool = True, quality: Any = GOOD, yaw: float = 0.0, faces: Any = None
    ) -> Advice:
        """Show the same frame for some seconds; return the last advice."""
        for _ in range(round(seconds * RATE)):
            mesh = made(lambda _: {"yaw": yaw}, seconds=0.1).details[0].mesh if face else None
            detail = Detail(len(self.said), self.time_s, faces, mesh, None, None)
            self.said.append(self.coach.see(detail, quality if face else ()))
            self.time_s += 1 / RATE
        return self.said[-1]

    def begin(self) -> None:
        """Show a well placed face until the recording begins."""
        assert self.play(STEADY_S + 0.4).phase is Phase.RECORDING


def test_a_well_placed_person_is_recorded_to_the_end() -> None:
    player = Player()
    assert player.play(0.4).phase is Phase.PLACING
    player.begin()
    assert player.play(1.0).prompt is None
    asked = player.play(1.4)
    assert (asked.prompt, asked.back, asked.reached) == (0, False, False)
    there = player.play(1.2, yaw=20.0)
    assert (there.answered, there.reached, there.back) == ((False,), True, False)
    assert player.play(1.2, yaw=20.0).back, "the screen asks to come back"
    assert player.play(0.6).answered == (True,)
    done = player.play(4.0)
    assert done.phase is Phase.DONE
    assert done.answered == (True,)
    assert done.progress == 1.0
    assert (done.take, len(done.moments)) == (0, 1)
    assert done.moments[0] == pytest.approx((2.0, 4.5), abs=1.5 / RATE)
    assert player.play(1.0).phase is Phase.DONE


def test_nothing_begins_without_a_face_or_in_the_dark() -> None:
    player = Player()
    assert player.play(PATIENCE_S * 2, face=False).say == ("no_face",)
    found = player.play(PATIENCE_S * 2, quality=BLACK)
    assert (found.phase, found.say, found.start_s) == (Phase.PLACING, ("too_dark",), None)


def test_advice_that_does_not_block_ends_after_a_while() -> None:
    player = Player()
    found = player.play(PATIENCE_S - 1, quality=DIM)
    assert (found.phase, found.say) == (Phase.PLACING, ("too_dark",))
    assert player.play(2.0, quality=DIM).phase is Phase.RECORDING


def test_a_lost_face_starts_the_recording_again_and_a_short_look_away_does_not() -> None:
    player = Player()
    player.begin()
    first = player.said[-1].start_s
    assert player.play(LOST_S - 0.5, face=False).say == ("no_face",)
    assert player.play(0.3).start_s == first
    player.play(LOST_S + 0.5, face=False)
    assert player.said[-1].phase is Phase.PLACING
    player.begin()
    assert player.said[-1].start_s != first


def test_a_missed_prompt_is_asked_again_with_another_plan_a_limited_number_of_times() -> None:
    player = Player()
    starts, prompts = set(), []
    found = player.play(0.1)
    for _ in range(int((TAKES + 2) * (AGAIN.seconds + 2) * RATE)):
        found = player.play(1 / RATE)
        starts.add(found.start_s)
        prompts += [found.take] if found.prompt is not None else []
        if found.phase is Phase.DONE:
            break
    assert found.phase is Phase.DONE
    assert found.answered == (False,)
    assert len(starts - {None}) == TAKES
    assert set(prompts) == {0, 1}
    assert any("follow_prompts" in advice.say for advice in player.said)


def test_attack_hiding_the_face_gives_no_more_takes_than_there_are_plans() -> None:
    """Who does not like a prompt looks away, and waits for one that a recording happens to answer."""
    player = Player()
    takes = []
    for _ in range(12):
        player.play(STEADY_S + 0.4)
        takes += [player.play(3.6).take] if player.said[-1].phase is Phase.RECORDING else []
        player.play(LOST_S + 0.4, face=False)
    assert sorted(set(takes)) == [0, 1]
    assert player.said[-1].phase is Phase.DONE, "the second take goes on to its end"
    assert len({advice.start_s for advice in player.said if advice.prompt is not None}) == TAKES


def test_before_the_first_prompt_the_recording_may_begin_again_and_shows_nothing() -> None:
    player = Player(AGAIN, PLAN)
    for _ in range(FREE_STARTS):
        player.begin()
        assert player.play(0.3).phase is Phase.RECORDING
        assert player.play(LOST_S + 0.4, face=False).take == 0


def test_a_recording_ends_even_if_the_face_never_comes_back() -> None:
    player = Player()
    for _ in range(FREE_STARTS + TAKES + 1):
        player.play(STEADY_S + 0.4)
        player.play(LOST_S + 0.6, face=False)
    assert player.play(AGAIN.seconds + 0.5, face=False).phase is Phase.DONE


def test_a_prompt_that_is_shown_late_is_asked_back_late() -> None:
    """The guide was behind: it saw no frame when the prompt was due."""
    player = Player(PLAN)
    player.begin()
    player.time_s += 3.0
    asked = player.play(0.4)
    assert asked.prompt == 0
    assert asked.moments[0][0] == pytest.approx(3.6, abs=0.5)


def test_there_is_no_capture_without_a_plan() -> None:
    with pytest.raises(ValueError, match="plan"):
        Coach(())


def test_a_second_face_gives_advice() -> None:
    player = Player()
    player.begin()
    points = np.array([[0, 0], [60, 0], [30, 30], [10, 60], [50, 60]], np.float32)
    main, small = Face((0, 0, 100, 100), points, 0.9), Face((0, 0, 20, 20), points * 0.3, 0.9)
    assert player.play(0.2, faces=(main, small)).say == ()
    assert player.play(0.2, faces=(main, replace(small, points=points * np.float32(0.8)))).say == ("several_faces",)


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_a_plan_without_prompts_just_records(seconds: float) -> None:
    player = Player(Plan(Profile.DOORSTEP, (), (), seconds))
    assert player.play(STEADY_S + 0.4 + seconds + 0.4).phase is Phase.DONE

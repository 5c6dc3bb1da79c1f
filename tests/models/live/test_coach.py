"""The coach places, then records; it starts again if the face is lost or a prompt missed, a limited number of times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.face.detect import Face
from models.face.quality import QualityMeasure
from models.live.coach import LOST_S, PATIENCE_S, RETAKES, STEADY_S, Advice, Coach, Phase
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.liveness.readings import Detail
from models.states import State
from tests.models.liveness.readings_made import made

RATE = 6
GOOD = (QualityMeasure("darkness", 120.0, "luma", 100.0, State.PASS, None),)
DIM = (QualityMeasure("darkness", 50.0, "luma", 30.0, State.FAIL, "too_dark"),)
BLACK = (QualityMeasure("darkness", 10.0, "luma", 0.0, State.FAIL, "too_dark", blocking=True),)
PLAN = Plan(Profile.STANDARD, (Step(Prompt.TURN_LEFT, 2.0, 5.0),), (), 6.0)


class Player:
    """Plays frames to a coach."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.coach = Coach(plan)
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
    assert player.play(1.4).prompt == 0
    assert player.play(0.6, yaw=20.0).answered == (True,)
    done = player.play(4.0)
    assert done.phase is Phase.DONE
    assert done.answered == (True,)
    assert done.progress == 1.0
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
    assert player.play(0.5).start_s == first
    found = player.play(LOST_S + 0.5, face=False)
    assert found.phase is Phase.PLACING
    player.begin()
    assert player.said[-1].start_s != first


def test_a_missed_prompt_is_asked_again_a_limited_number_of_times() -> None:
    player = Player()
    starts = set()
    found = player.said[-1] if player.said else player.play(0.1)
    for _ in range(int((RETAKES + 2) * (PLAN.seconds + 2) * RATE)):
        found = player.play(1 / RATE)
        starts.add(found.start_s)
        if found.phase is Phase.DONE:
            break
    assert found.phase is Phase.DONE
    assert found.answered == (False,)
    assert len(starts - {None}) == RETAKES + 1
    assert any("follow_prompts" in advice.say for advice in player.said)


def test_a_recording_ends_even_if_the_face_never_comes_back() -> None:
    player = Player()
    for _ in range(RETAKES):
        player.begin()
        player.play(LOST_S + 0.6, face=False)
    player.begin()
    assert player.play(PLAN.seconds + 0.5, face=False).phase is Phase.DONE


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

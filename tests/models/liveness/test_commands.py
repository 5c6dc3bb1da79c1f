"""The camera must obey what the page asks of it; what it does not have is not asked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.liveness.commands import check_commands
from models.liveness.fusion import DOUBTS
from models.liveness.plan import Command, CommandKind, Plan, Profile
from models.liveness.readings import Glance, Readings
from models.states import State

COMMANDS = (Command(CommandKind.EXPOSURE, 5.0, 6.3), Command(CommandKind.ZOOM, 5.0, 6.3))
PLAN = Plan(Profile.LIGHT, (), (), 8.0, commands=COMMANDS)
BOTH = ("exposure", "zoom")


def _film(*, gain: float = 1.0, growth: float = 1.0, delay: float = 0.25, drift: float = 0.0) -> Readings:
    """Return a film of a scene; ``gain`` and ``growth`` hold during the command, after a camera's delay."""
    random = np.random.default_rng(3)
    scene = cv2.GaussianBlur(random.uniform(0, 255, (64, 64)).astype(np.float32), (0, 0), 3)
    scene = 40 + 150 * (scene - scene.min()) / np.ptp(scene)
    glances = []
    for index in range(48):
        time_s = index / 6
        on = 5.0 + delay <= time_s < 6.3 + delay
        picture = _grown(scene, growth) * gain if on else scene
        noisy = picture * (1 + drift * np.sin(1.3 * time_s)) + random.normal(0, 1, scene.shape)
        glances.append(Glance(time_s, noisy.astype(np.float32), 1.0))
    return Readings(tuple(glances), ())


def _grown(scene: NDArray[np.float32], growth: float) -> NDArray[np.float32]:
    matrix = cv2.getRotationMatrix2D((31.5, 31.5), 0, growth)
    return np.asarray(cv2.warpAffine(scene, matrix, (64, 64), borderMode=cv2.BORDER_REFLECT_101), np.float32)


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.45])
def test_a_camera_that_obeys_is_seen_with_its_delay(delay: float) -> None:
    assert check_commands(_film(gain=0.63, delay=delay), PLAN, BOTH).state is State.PASS
    found = check_commands(_film(growth=1.3, delay=delay), PLAN, ("zoom",))
    assert found.state is State.PASS
    assert found.values["change"] == pytest.approx(1.3, abs=0.06)


@pytest.mark.parametrize("can", [BOTH, ("zoom",), ("exposure",)])
@pytest.mark.parametrize("drift", [0.0, 0.03])
def test_attack_a_virtual_camera_that_ignores_the_command_is_asked_again(can: tuple[str, ...], drift: float) -> None:
    found = check_commands(_film(drift=drift), PLAN, can)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "command_not_shown")
    assert found.reason in DOUBTS


def test_the_wrong_answer_is_none() -> None:
    assert check_commands(_film(gain=1.5), PLAN, BOTH).reason == "command_not_shown"
    assert check_commands(_film(growth=1.3), PLAN, ("exposure",)).reason == "command_not_shown"
    assert check_commands(_film(gain=0.63), PLAN, ("zoom",)).reason == "command_not_shown"


def test_what_the_camera_cannot_do_has_no_effect() -> None:
    for plan, can, reason in [
        (PLAN, (), "not_supported"),
        (None, BOTH, "none_given"),
        (Plan(Profile.LIGHT, (), (), 8.0), BOTH, "none_given"),
    ]:
        found = check_commands(_film(), plan, can)
        assert (found.state, found.reason) == (State.NOT_ASSESSED, reason)
        assert found.reason not in DOUBTS


def test_plans_of_earlier_releases_have_no_commands() -> None:
    old = {"profile": "light", "steps": [], "flashes": [], "total_ms": 8000}
    assert Plan.from_json(old).commands == ()
    assert Plan.from_json(old).approach is None
    assert Plan.from_json(PLAN.to_json()) == PLAN

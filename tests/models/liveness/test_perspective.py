"""A face that comes closer changes as a solid body does; an enlarged picture keeps its proportions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.face.blendshapes import NAMES as SHAPES
from models.face.head_pose import HeadPose
from models.face.landmarks import MeshReading
from models.liveness.perspective import check_perspective
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.liveness.readings import Detail, Glance, Readings
from models.states import State

PLAN = Plan(Profile.GENTLE, (Step(Prompt.COME_CLOSER, 3.0, 7.0),), (), 8.0, approach=1.3)
EYE = 100.0


def _face() -> NDArray[np.float64]:
    """Return points on a half ball with the eyes, the nose's edge and the outline where the check looks for them."""
    random = np.random.default_rng(1)
    angle, height = random.uniform(-1.4, 1.4, 478), random.uniform(-1.2, 1.2, 478)
    points = np.stack([np.sin(angle), height, -np.cos(angle)], 1) * [1.1, 1.0, 1.0]
    points[[33, 133]] = [[-0.75, -0.2, -0.6], [-0.25, -0.2, -0.7]]
    points[[362, 263]] = [[0.25, -0.2, -0.7], [0.75, -0.2, -0.6]]
    points[2] = [0, 0.9, -1.1]
    return points


def _film(distance: float, growth: float, *, solid: bool, yaw: float = 0.0, noise: float = 0.01) -> Readings:
    random, face = np.random.default_rng(2), _face()
    details, glances = [], []
    for index in range(80):
        time_s = index / 10
        share = min(max((time_s - 3.5) / 0.6, 0.0), 1.0)
        scale = 1 + (growth - 1) * share
        away = distance / scale if solid else distance
        seen = face[:, :2] * (distance / (away + face[:, 2:]) if solid else scale * distance / (distance + face[:, 2:]))
        points = np.column_stack([seen, face[:, 2]]) * EYE + random.normal(0, noise * EYE, face.shape) + 300
        pose = HeadPose(yaw * share, 0.0, 0.0, np.eye(4))
        box = (0.0, 0.0, 200.0 * scale, 200.0 * scale)
        mesh = MeshReading(points.astype(np.float32), 1.0, np.zeros(len(SHAPES), np.float32), pose, EYE, box, True)
        details.append(Detail(index, time_s, None, mesh, None, None))
        glances.append(Glance(time_s, np.zeros((64, 64), np.float32), 1.0))
    return Readings(tuple(glances), tuple(details))


@pytest.mark.parametrize("distance", [5.0, 7.0, 9.5])
@pytest.mark.parametrize("growth", [1.35, 1.6])
def test_a_solid_face_shows_perspective_at_any_usual_distance(distance: float, growth: float) -> None:
    found = check_perspective(_film(distance, growth, solid=True), PLAN)
    assert found.state is State.PASS
    assert found.values["nearness"] == pytest.approx(1 / distance, rel=0.35)


@pytest.mark.parametrize("growth", [1.35, 1.6])
def test_attack_a_face_that_is_only_enlarged_is_asked_again(growth: float) -> None:
    found = check_perspective(_film(7.0, growth, solid=False), PLAN)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "flat_approach")
    assert abs(found.values["nearness"] or 0.0) < 0.02


def test_attack_a_small_approach_or_a_turned_head_hides_nothing() -> None:
    assert check_perspective(_film(7.0, 1.15, solid=False), PLAN).reason == "small_approach"
    assert check_perspective(_film(7.0, 1.5, solid=False, yaw=12.0), PLAN).reason == "closer_not_seen"
    turn = Plan(Profile.GENTLE, (Step(Prompt.TURN_LEFT, 3.0, 7.0),), (), 8.0, approach=1.3)
    for plan in (None, turn, replace(PLAN, approach=None)):
        assert check_perspective(_film(7.0, 1.5, solid=False), plan).reason == "not_asked"
    assert check_perspective(Readings((), ()), PLAN).reason == "closer_not_seen"

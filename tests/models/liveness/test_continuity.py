"""The same person from the first frame to the last: means before and after every cut, and single frames that jump."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.liveness.continuity import SeenFace, check_continuity
from models.liveness.examined import FRAMES, frames_to_embed
from models.liveness.readings import Detail, Readings
from models.states import State
from tests.models.liveness.readings_made import made

_RANDOM = np.random.default_rng(5)
ONE, OTHER = np.eye(128)[0], np.eye(128)[1]


def _film(people: Sequence[NDArray[np.float64]], *, spread: float = 0.6, poses: object = None) -> list[SeenFace]:
    """Make frames whose cosine with their person is 1 / (1 + spread ** 2) on average."""
    turned = np.zeros((len(people), 2)) if poses is None else np.asarray(poses, np.float64)
    faces = []
    for person, (yaw, pitch) in zip(people, turned, strict=True):
        vector = person + _RANDOM.normal(0, spread / np.sqrt(128), 128)
        faces.append(SeenFace((vector / np.linalg.norm(vector)).astype(np.float32), float(yaw), float(pitch)))
    return faces


def test_one_person_passes_though_single_frames_differ() -> None:
    assert check_continuity(_film([ONE] * 12)).state is State.PASS


@pytest.mark.parametrize("cut", [2, 4, 6, 9, 10])
def test_another_person_from_any_moment_on_fails(cut: int) -> None:
    found = check_continuity(_film([ONE] * cut + [OTHER] * (12 - cut)))
    assert (found.state, found.reason) == (State.FAIL, "person_changed")


def test_a_person_who_only_looks_in_asks_for_another_film() -> None:
    """One strange frame in the middle changes no mean much, but it differs from both its neighbours."""
    found = check_continuity(_film([ONE] * 6 + [OTHER] + [ONE] * 6))
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "perhaps_another_person")


def test_a_turned_head_fails_no_one() -> None:
    """Turned far, a face may look like another; such frames at the end ask for another film."""
    poses = [[0, 0]] * 9 + [[45, 0]] * 3
    found = check_continuity(_film([ONE] * 9 + [OTHER] * 3, poses=poses))
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "perhaps_another_person")
    assert found.values["compared"] == 9


def test_attack_another_person_who_comes_with_a_turned_head_does_not_pass() -> None:
    """The second person keeps another pose, so no frame of theirs is compared; the cut in any pose shows it."""
    poses = [[0, 10]] * 7 + [[30, -15]] * 6
    assert check_continuity(_film([ONE] * 7 + [OTHER] * 6, poses=poses)).state is not State.PASS


def test_four_frames_fail_no_one() -> None:
    found = check_continuity(_film([ONE] * 2 + [OTHER] * 2))
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "perhaps_another_person")


def test_two_jumps_of_a_turned_head_ask() -> None:
    poses = [[0, 0]] * 5 + [[45, 0]] * 2 + [[0, 0]] * 5
    found = check_continuity(_film([ONE] * 5 + [OTHER] * 2 + [ONE] * 5, poses=poses))
    assert (found.state, found.values["jumps"]) == (State.NOT_ASSESSED, 2)


def test_too_few_frames_are_not_assessed() -> None:
    assert check_continuity(_film([ONE, OTHER])).reason == "too_few_frames"


def test_at_most_so_many_frames_are_embedded_spread_over_the_film() -> None:
    readings = made(lambda _: {}, seconds=6)
    face = np.zeros((112, 112, 3), np.uint8)
    details = tuple(
        Detail(one.index, one.time_s, None, one.mesh, None, None, aligned=face if one.index != 1 else None)
        for one in readings.details
    )
    chosen = frames_to_embed(Readings(readings.glances, details))
    assert len(chosen) == FRAMES
    assert (chosen[0].index, chosen[-1].index) == (0, 59)

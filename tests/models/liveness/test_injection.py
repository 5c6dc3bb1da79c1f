"""Repeated frames show an injected video; a still person and a converted frame rate do not count as repeated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.liveness.injection import check_injection, repeated_share
from models.liveness.readings import Glance
from models.states import State

Thumbs = Sequence[NDArray[np.float32]]


def _glances(thumbs: Thumbs) -> tuple[Glance, ...]:
    return tuple(Glance(index / 30, thumb, 1.0) for index, thumb in enumerate(thumbs))


def _camera(count: int, *, motion: float, noise: float = 1.0) -> list[NDArray[np.float32]]:
    random = np.random.default_rng(1)
    scene = random.uniform(0, 255, (64, 64))
    drift = random.normal(0, 1, (64, 64))
    return [
        (scene + motion * np.sin(index / 9) * drift + random.normal(0, noise, scene.shape)).astype(np.float32)
        for index in range(count)
    ]


def test_a_camera_never_repeats_a_frame_even_if_the_person_sits_still() -> None:
    assert repeated_share(_glances(_camera(120, motion=8))) == 0
    assert repeated_share(_glances(_camera(120, motion=0))) == 0


def test_a_loop_and_a_frozen_part_are_found() -> None:
    frames = _camera(120, motion=8)
    looped = _glances([*frames[:50], *frames[20:50], *frames[50:]])
    assert check_injection(looped, repeated_from=0.05).state is State.FAIL
    frozen = _glances([*frames[:50], *[frames[50]] * 24, *frames[51:]])
    assert check_injection(frozen, repeated_from=0.05).reason == "repeated_frames"


def test_one_short_stall_asks_and_two_are_an_attack() -> None:
    """A busy phone stalls for a moment; frames that were put in to hide cuts stand still several times."""
    frames = _camera(120, motion=8)
    once = check_injection(_glances([*frames[:50], *[frames[50]] * 12, *frames[51:]]), repeated_from=0.05)
    assert (once.state, once.reason) == (State.NOT_ASSESSED, "stalled")
    assert once.values["stalled_s"] == pytest.approx(0.4, abs=0.05)
    twice = [*frames[:30], *[frames[30]] * 12, *frames[31:80], *[frames[80]] * 12, *frames[81:]]
    assert check_injection(_glances(twice), repeated_from=0.05).state is State.FAIL


@pytest.mark.parametrize("level", [0, 12])
def test_a_dark_start_is_cut_off(level: int) -> None:
    frames = _camera(120, motion=8)
    dark = [np.full((64, 64), level, np.float32)] * 12
    found = check_injection(_glances([*dark, *frames]), repeated_from=0.05)
    assert found.state is State.PASS
    assert found.values["start_s"] == pytest.approx(0.4)


def test_a_start_that_stands_still_is_cut_off() -> None:
    frames = _camera(120, motion=8)
    found = check_injection(_glances([*[frames[0]] * 15, *frames]), repeated_from=0.05)
    assert found.state is State.PASS
    both = [*[np.zeros((64, 64), np.float32)] * 10, *[frames[0]] * 10, *frames]
    assert check_injection(_glances(both), repeated_from=0.05).state is State.PASS, "dark, and then still"


def test_a_start_that_stands_still_for_two_seconds_is_an_attack() -> None:
    frames = _camera(120, motion=8)
    assert check_injection(_glances([*[frames[0]] * 60, *frames]), repeated_from=0.05).state is State.FAIL


def test_a_loop_after_a_dark_start_is_found() -> None:
    frames = _camera(120, motion=8)
    looped = [*[np.zeros((64, 64), np.float32)] * 12, *frames[:60], *frames[20:60], *frames[60:]]
    assert check_injection(_glances(looped), repeated_from=0.05).reason == "repeated_frames"


def test_a_video_converted_from_24_to_30_frames_a_second_is_no_attack() -> None:
    frames = _camera(96, motion=8)
    doubled = [frame for index, frame in enumerate(frames) for _ in range(2 if index % 4 == 3 else 1)]
    assert check_injection(_glances(doubled), repeated_from=0.05).state is State.PASS


def test_frames_played_backwards_are_found() -> None:
    frames = _camera(90, motion=8)
    share = repeated_share(_glances([*frames[:60], *frames[59:20:-1], *frames[60:]]))
    assert share is not None
    assert share > 0.4


def _turn(rate: float, *, seed: int) -> list[NDArray[np.float32]]:
    """Return a head that turns in half a second, comes back almost the same way, and otherwise sways."""
    random = np.random.default_rng(seed)
    scene, turned, swayed, other = (random.normal(0, 40, (64, 64)) for _ in range(4))
    times = np.arange(0, 10, 1 / rate)
    turn = np.clip(np.minimum((times - 3) / 0.5, (4.4 - times) / 0.5), 0, 1)
    sway = np.cumsum(random.normal(0, 0.3 / np.sqrt(rate), len(times)))
    back = 0.25 * turn * (times > 3.7)  # no head moves exactly the same way twice
    shown = 128 + scene + np.multiply.outer(turn, turned) + np.multiply.outer(sway, swayed)
    shown += np.multiply.outer(back, other)
    return [(frame + random.normal(0, 1, scene.shape)).astype(np.float32) for frame in shown]


@pytest.mark.parametrize("rate", [5.5, 7.0, 30.0])
def test_a_turn_and_return_is_no_video_played_backwards(rate: float) -> None:
    shares = []
    for seed in range(8):
        frames = _turn(rate, seed=seed)
        glances = tuple(Glance(index / rate, thumb, 1.0) for index, thumb in enumerate(frames))
        share = repeated_share(glances)
        assert share is not None
        shares.append(share)
        again = [*frames[: len(frames) // 2], *frames[len(frames) // 4 :]]
        looped = tuple(Glance(index / rate, thumb, 1.0) for index, thumb in enumerate(again))
        assert check_injection(looped, repeated_from=0.05).state is State.FAIL, "what was played again is found"
    assert max(shares) < 0.05


def test_a_loop_of_a_face_that_hardly_moves_is_found_and_the_video_itself_passes() -> None:
    """Little motion in a few parts, coarse coding elsewhere; an earlier version let it pass."""
    random = np.random.default_rng(3)
    scene, motions = random.uniform(60, 180, (64, 64)), np.zeros((4, 64, 64))
    motions[:, 25:40, 25:40] = random.normal(0, 2, (4, 15, 15))
    way = np.cumsum(random.normal(0, 0.4, (150, 4)), 0)
    noise = random.normal(0, 0.15, (150, 64, 64))
    frames = [(scene + np.tensordot(way[i], motions, 1) + noise[i]).astype(np.float32) for i in range(150)]
    assert repeated_share(_glances(frames)) == 0
    looped = [*frames[:60], *(frame + np.float32(0.05) for frame in frames[40:60]), *frames[60:]]
    share = repeated_share(_glances(looped))
    assert share is not None
    assert share > 0.15


def test_a_video_without_visible_motion_is_not_assessed() -> None:
    flat = [np.full((64, 64), 100 + 0.2 * (index % 2), np.float32) for index in range(60)]
    found = check_injection(_glances(flat), repeated_from=0.05)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "too_still")


def test_a_coder_that_drops_many_frames_is_no_attack() -> None:
    frames = _camera(90, motion=8)
    thumbs = [frames[index - index % 3] for index in range(90)]  # two of three dropped, and a longer part once
    found = check_injection(_glances([*thumbs[:45], *[thumbs[45]] * 9, *thumbs[45:]]), repeated_from=0.05)
    assert found.state is State.NOT_ASSESSED


def test_too_few_frames_are_not_assessed() -> None:
    assert check_injection(_glances(_camera(10, motion=8)), repeated_from=0.05).state is State.NOT_ASSESSED

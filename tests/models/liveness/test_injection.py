"""Repeated frames give an injected video away; a still sitter and a converted frame rate do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.liveness.injection import check_injection, twin_share
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


def test_a_camera_never_repeats_itself_even_before_somebody_who_sits_still() -> None:
    assert twin_share(_glances(_camera(120, motion=8))) == 0
    assert twin_share(_glances(_camera(120, motion=0))) == 0


def test_a_loop_and_a_freeze_are_found() -> None:
    frames = _camera(120, motion=8)
    looped = _glances([*frames[:50], *frames[20:50], *frames[50:]])
    assert check_injection(looped, twins_from=0.05).state is State.FAIL
    frozen = _glances([*frames[:50], *[frames[50]] * 12, *frames[51:]])
    assert check_injection(frozen, twins_from=0.05).reason == "repeated_frames"


def test_a_video_brought_from_24_to_30_frames_a_second_is_no_attack() -> None:
    frames = _camera(96, motion=8)
    doubled = [frame for index, frame in enumerate(frames) for _ in range(2 if index % 4 == 3 else 1)]
    assert check_injection(_glances(doubled), twins_from=0.05).state is State.PASS


def test_too_few_frames_say_nothing() -> None:
    assert check_injection(_glances(_camera(10, motion=8)), twins_from=0.05).state is State.NOT_ASSESSED

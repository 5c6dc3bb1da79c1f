"""What is new in a film is looked for while the head turns: waiting for a prompt hides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.liveness.depth import new_appearance
from models.liveness.readings import PATCH, Detail
from tests.models.liveness.readings_made import made

Patch = NDArray[np.uint8]


def _texture(seed: int) -> Patch:
    coarse = np.random.default_rng(seed).uniform(60, 200, (16, 16)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (PATCH, PATCH), interpolation=cv2.INTER_CUBIC), np.float32).astype(np.uint8)


STILL = _texture(0)
BEGIN, END = 9.0, 10.5
"""When the head turns: for a second and a half of twelve."""


def _yaw(time_s: float) -> float:
    return float(np.interp(time_s, [BEGIN, (BEGIN + END) / 2, END], [0, 16, 0]))


def _film(turned: Callable[[float], Patch], *, yaw: Callable[[float], float] = _yaw) -> tuple[Detail, ...]:
    """Return a film whose face looks as given while it turns, and does not change before and after."""
    details = made(lambda time_s: {"yaw": yaw(time_s)}, seconds=12).details
    return tuple(
        replace(detail, patch=turned(yaw(detail.time_s)) if BEGIN <= detail.time_s <= END else STILL)
        for detail in details
    )


def _body(yaw: float) -> Patch:
    """Show more of another side, the more the head turns."""
    share = abs(yaw) / 32
    return np.asarray(cv2.addWeighted(STILL, 1 - share, _texture(1), share, 0), np.uint8)


def _picture(yaw: float) -> Patch:
    """Show the same skin, shifted."""
    matrix = np.array([[1, 0, yaw / 4], [0, 1, 0]], np.float32)
    moved = cv2.warpAffine(STILL, matrix, (PATCH, PATCH), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def test_a_person_who_waits_for_long_and_turns_once_shows_what_is_new_in_the_turn() -> None:
    found = new_appearance(_film(_body))
    assert found is not None
    assert found > 0.05, "the median over the whole film is zero"


def test_attack_a_picture_that_waits_and_turns_shows_nothing_new() -> None:
    found = new_appearance(_film(_picture))
    assert found is not None
    assert found < 0.02


def test_attack_flicker_while_the_head_is_still_counts_for_nothing() -> None:
    """New things are looked for where the head turns, so that a few changed frames elsewhere do not help."""
    film = _film(_picture)
    flicker = tuple(
        replace(detail, patch=_texture(index)) if 20 <= index < 60 else detail for index, detail in enumerate(film)
    )
    assert new_appearance(flicker) == pytest.approx(new_appearance(film))


def test_a_head_that_never_turns_is_measured_over_the_whole_film() -> None:
    assert new_appearance(_film(_body, yaw=lambda _: 0.0)) == 0


def test_frames_on_both_sides_of_a_gap_are_not_compared() -> None:
    film = tuple(detail for detail in _film(_picture) if not BEGIN <= detail.time_s <= END)
    changed = tuple(detail if detail.time_s < BEGIN else replace(detail, patch=_texture(2)) for detail in film)
    assert new_appearance(changed) == 0

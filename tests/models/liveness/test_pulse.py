"""A pulse is found at its rate; noise, stills and short captures are not assessed and never fail."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from models.liveness.pulse import check_pulse
from models.states import State
from tests.models.liveness.readings_made import made

TONE = np.array([150.0, 110.0, 90.0])
PULSE = np.array([0.33, 0.77, 0.53])
"""Strength of the pulse in red, green and blue (W. Wang et al., 2017)."""


def _skin(rate: float, strength: float, seed: int = 1) -> Callable[[float], object]:
    random = np.random.default_rng(seed)

    def colour(time_s: float) -> object:
        light = 1 + 0.01 * math.sin(0.9 * time_s)  # a cloud passes: all colours alike
        return TONE * light * (1 + strength * PULSE * math.sin(math.tau * rate * time_s)) + random.normal(0, 0.1, 3)

    return colour


@pytest.mark.parametrize("rate", [0.9, 1.2, 1.9])
def test_a_pulse_is_found_at_its_rate(rate: float) -> None:
    found = check_pulse(made(lambda _: {}, seconds=10, skin=_skin(rate, 0.01)))
    assert found.state is State.PASS
    beats = found.values["beats_a_minute"]
    assert beats is not None
    assert abs(beats - 60 * rate) < 5


def test_noise_and_stills_are_not_assessed() -> None:
    states = [check_pulse(made(lambda _: {}, seconds=10, skin=_skin(1.2, 0.0, seed))).state for seed in range(40)]
    assert State.FAIL not in states
    assert states.count(State.PASS) <= 2
    still = check_pulse(made(lambda _: {}, seconds=10, skin=lambda _: TONE))
    assert still.state is State.NOT_ASSESSED


def test_short_captures_and_captures_without_a_face_are_not_assessed() -> None:
    assert check_pulse(made(lambda _: {}, seconds=6, skin=_skin(1.2, 0.02))).reason == "too_short"
    assert check_pulse(made(lambda _: {}, seconds=10)).state is State.NOT_ASSESSED

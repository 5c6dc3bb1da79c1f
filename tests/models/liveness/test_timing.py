"""Times that no camera has fail; regular ones are not assessed."""

from __future__ import annotations

import numpy as np

from models.liveness.readings import Glance
from models.liveness.timing import check_timing
from models.states import State

THUMB = np.zeros((64, 64), np.float32)


def _at(times: list[float]) -> tuple[Glance, ...]:
    return tuple(Glance(time_s, THUMB, 1.0) for time_s in times)


def test_a_regular_film_says_nothing_and_an_uneven_one_passes() -> None:
    steady = [index / 30 for index in range(60)]
    assert check_timing(_at(steady)).reason == "regular"
    rounded = [round(time_s, 3) for time_s in steady]
    assert check_timing(_at(rounded)).reason == "regular", "a container's milliseconds are no jitter"
    random = np.random.default_rng(1)
    uneven = np.cumsum(random.uniform(0.02, 0.05, 60)).tolist()
    assert check_timing(_at(uneven)).state is State.PASS


def test_impossible_times_fail() -> None:
    steady = [index / 30 for index in range(60)]
    assert check_timing(_at([*steady[:30], steady[29], *steady[30:]])).reason == "impossible_times"
    assert check_timing(_at([*steady[:30], 0.5, *steady[30:]])).state is State.FAIL
    assert check_timing(_at([index / 1000 for index in range(60)])).state is State.FAIL
    assert check_timing(_at(steady[:5])).state is State.NOT_ASSESSED

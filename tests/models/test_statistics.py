"""Error rates, compared with scipy and with distributions whose rates are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.statistics import (
    beta_quantile,
    bootstrap_eer,
    clopper_pearson,
    equal_error_rate,
    incomplete_beta,
    people_of,
    rate,
    tail_threshold,
)


@pytest.fixture(scope="module")
def stats() -> Any:
    """What scipy computes. It takes a second to load, so processes that run other tests do without."""
    return pytest.importorskip("scipy.stats")


@given(x=st.floats(0.001, 0.999), a=st.floats(0.5, 5000), b=st.floats(0.5, 5000))
def test_incomplete_beta_equals_scipy(stats: Any, x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-9)


@given(counts=st.integers(0, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_equals_scipy(stats: Any, counts: tuple[int, int]) -> None:
    events, trials = counts
    low, high = clopper_pearson(events, trials)
    if trials == 0:
        assert (low, high) == (0.0, 1.0)
        return
    expected = stats.binomtest(events, trials).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_ends() -> None:
    assert (incomplete_beta(0, 2, 3), incomplete_beta(1, 2, 3)) == (0.0, 1.0)
    assert beta_quantile(0.5, 1, 1) == pytest.approx(0.5)
    assert rate(0, 0).value is None
    with pytest.raises(ValueError, match="between"):
        clopper_pearson(5, 4)


def test_equal_error_rate_of_two_normals(stats: Any) -> None:
    rng = np.random.default_rng(3)
    genuine, impostor = rng.normal(2, 1, 40_000), rng.normal(0, 1, 40_000)
    # Two unit normals two deviations apart cross where each loses Phi(-1) = 15.87 %.
    assert equal_error_rate(genuine, impostor) == pytest.approx(stats.norm.cdf(-1), abs=0.004)


def test_equal_error_rate_of_small_cases() -> None:
    ones = np.array([1.0, 2.0])
    assert equal_error_rate(ones + 5, ones) == 0
    assert equal_error_rate(ones, ones + 5) == 1
    assert equal_error_rate(np.array([0.2, 0.8]), np.array([0.1, 0.5])) == pytest.approx(0.5)
    assert equal_error_rate(ones, np.zeros(0)) is None


def test_weights_count_like_repetition() -> None:
    rng = np.random.default_rng(4)
    genuine, impostor = rng.normal(1, 1, 50), rng.normal(0, 1, 60)
    by_genuine, by_impostor = rng.integers(1, 4, 50), rng.integers(1, 4, 60)
    weighted = equal_error_rate(genuine, impostor, (by_genuine.astype(float), by_impostor.astype(float)))
    repeated = equal_error_rate(np.repeat(genuine, by_genuine), np.repeat(impostor, by_impostor))
    assert weighted == pytest.approx(repeated)


def test_bootstrap_covers_the_estimate_and_repeats() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.integers(0, 30, 3000), rng.integers(0, 30, 3000)
    second[:600] = first[:600]
    same = first == second
    scores = rng.normal(0, 1, 3000) + 2.0 * same
    interval = bootstrap_eer(scores, same, first, second)
    assert interval is not None
    assert interval == bootstrap_eer(scores, same, first, second)
    value = equal_error_rate(scores[same], scores[~same])
    assert value is not None
    assert interval[0] < value < interval[1]


def test_tail_threshold_of_an_exponential() -> None:
    scores = np.random.default_rng(8).exponential(1.0, 200_000)
    assert tail_threshold(scores, 1e-4) == pytest.approx(-np.log(1e-4), rel=0.05)


def test_people_are_what_same_pairs_connect() -> None:
    people = people_of([("a", "b"), ("b", "c"), ("x", "y")], "abcxyz")
    assert len({people[name] for name in "abc"}) == 1
    assert len(set(people.values())) == 3

"""Templates of one moment are averaged: unit length, in any order, nearer to the person than one frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.calibrate import Fit, parse_calibration
from models.face.embed import Embedder
from models.face.matcher import Matcher
from models.face.templates import Templates, average
from models.states import State, Zone

TEXT = """
format = 1
[models]
one = "{}"
[[fit]]
weights = {{ one = 10.0 }}
intercept = -5.0
bounds = [-9.0, 9.0]
threshold = 1.5
near = 0.5
""".format("0" * 64)


class Named:
    """An embedder that is only asked for its name and hash."""

    name, sha256, dim = "one", "0" * 64, 3

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise NotImplementedError


def template(*values: float, name: str = "one") -> Templates:
    vector = np.array(values, np.float32)
    return {name: vector / np.linalg.norm(vector)}


def matcher() -> Matcher:
    embedder: Embedder = Named()
    return Matcher([embedder], parse_calibration(TEXT))


def test_the_mean_has_length_one_and_a_single_template_is_unchanged() -> None:
    mean = average([template(1, 0, 0), template(0, 1, 0)])["one"]
    np.testing.assert_allclose(mean, [np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-6)
    assert mean.dtype == np.float32
    single = template(0.3, 0.4, 0.5)
    assert average([single]) is single
    with pytest.raises(ValueError, match="no template"):
        average([])


@given(st.permutations(range(5)))
def test_the_order_of_the_frames_does_not_matter(order: list[int]) -> None:
    rng = np.random.default_rng(3)
    frames = [template(*rng.standard_normal(8)) for _ in order]
    turned = average([frames[index] for index in order])["one"]
    np.testing.assert_allclose(turned, average(frames)["one"], atol=1e-6)


def test_an_embedder_that_lacks_in_some_is_averaged_over_the_others() -> None:
    both = {**template(1, 0), **template(0, 1, name="two")}
    mean = average([both, template(0, 1)])
    np.testing.assert_allclose(mean["two"], [0, 1])
    np.testing.assert_allclose(mean["one"], [np.sqrt(0.5), np.sqrt(0.5)], atol=1e-6)


def test_noisy_frames_are_nearer_together_than_apart() -> None:
    rng = np.random.default_rng(5)
    person = rng.standard_normal(64)
    frames = [template(*(person + rng.standard_normal(64))) for _ in range(4)]
    reference = [template(*person)]
    together = matcher().compare_many(frames, reference)
    apart = matcher().compare_scores(frames, reference)
    assert together.llr is not None
    assert apart.llr is not None
    assert together.llr > apart.llr + 0.3
    assert matcher().compare_many(frames[:1], reference) == matcher().compare_scores(frames[:1], reference)
    assert matcher().compare_many([], reference).state is State.NOT_ASSESSED


@pytest.mark.parametrize(
    ("cosine", "zone", "state"),
    [(1.0, Zone.MATCH, State.PASS), (0.75, Zone.NEAR, State.FAIL), (0.0, Zone.APART, State.FAIL)],
)
def test_the_zone_is_that_of_the_calibration(cosine: float, zone: Zone, state: State) -> None:
    found = matcher().compare(template(cosine, np.sqrt(1 - cosine**2)), [template(1, 0)])
    assert (found.zone, found.state) == (zone, state)


def test_a_calibration_of_an_earlier_release_has_no_middle_zone() -> None:
    fit = parse_calibration(TEXT.replace("near = 0.5", "")).fits[0]
    assert [fit.zone(llr) for llr in (1.5, 1.49, float("nan"))] == [Zone.MATCH, Zone.APART, Zone.APART]
    assert Fit({"one": 1.0}, 0.0, -9.0, 9.0, 2.0).zone(1.9) is Zone.APART

"""The generated pictures repeat byte by byte, and a missing package is named."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from fixtures.faces import DemoExtraMissing, Picture, no_face, portraits, rephotograph
from models.media.image import decode


def test_portraits() -> None:
    assert {name: picture.shape for name, picture in portraits().items()} == {
        "eileen_collins": (512, 512, 3),
        "grace_hopper": (600, 512, 3),
    }


def test_a_seed_repeats_and_another_differs(hopper: Picture) -> None:
    assert rephotograph(hopper, seed=1) == rephotograph(hopper, seed=1)
    assert rephotograph(hopper, seed=1) != rephotograph(hopper, seed=2)
    assert no_face(1) == no_face(1)


@pytest.mark.parametrize("megapixels", [0.5, 12])
def test_size(hopper: Picture, megapixels: float) -> None:
    _, info = decode(rephotograph(hopper, seed=1, megapixels=megapixels))
    assert info.width * info.height == pytest.approx(megapixels * 1e6, rel=0.02)


def test_darkness(hopper: Picture) -> None:
    light, dark = (decode(rephotograph(hopper, seed=1, darkness=value))[0].mean() for value in (0.0, 0.8))
    assert dark < 0.4 * light
    assert np.isfinite(dark)


def test_without_the_demo_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DemoExtraMissing, match="demo"):
        portraits()

"""Advice on light: what each factor does to its measure, and that undisturbed faces get none."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from bench.conditions import FACTORS
from fixtures import faces
from models.face.detect import Detector, Face
from models.face.exposure import backlight, glare, noise
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network


@pytest.fixture(scope="module")
def picture() -> Any:
    whole: Any = cv2.imdecode(np.frombuffer(faces.encode(faces.portraits()["eileen_collins"]), np.uint8), 1)
    return cv2.resize(whole, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def face(picture: Any) -> Face:
    return Detector(load_network(PackStore(default_cache_dir()), "yunet")).detect(picture)[0]


def told(engine: FaceEngine, pixels: Any) -> set[str]:
    return set(engine.measure(bytes(cv2.imencode(".png", pixels)[1])).guidance)


LIGHT = {"bright_behind", "glasses_glare", "noisy_light", "too_dark", "too_bright"}


def test_an_undisturbed_face_gets_no_advice_on_light(engine: FaceEngine, picture: Any) -> None:
    assert told(engine, picture).isdisjoint(LIGHT)


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("window behind, face x 0.4", "bright_behind"),
        ("window behind, face x 0.2", "bright_behind"),
        ("glare, large", "glasses_glare"),
        ("grain 30", "noisy_light"),
        ("light x 0.12, grain 3", "too_dark"),
    ],
)
def test_each_factor_gets_its_advice(engine: FaceEngine, picture: Any, face: Face, title: str, code: str) -> None:
    worse = FACTORS[title][0](picture, face, np.random.default_rng(1))
    assert code in told(engine, worse)


def test_well_lit_dark_skin_before_a_bright_wall_is_not_backlit(face: Face) -> None:
    """The highlights of the face count: the wall is bright, and the face has light."""
    wall = np.full((600, 600, 3), 220, np.uint8)
    square = Face((220.0, 200.0, 160.0, 200.0), face.points, 0.9)
    assert (backlight(wall, square, 115.0) or 0.0) < 1.2
    assert (backlight(wall, square, 60.0) or 0.0) > 1.2
    assert backlight(np.full((600, 600, 3), 120, np.uint8), square, 20.0) == 0.0, "no bright background"
    assert backlight(wall[200:400, 220:380], Face((0.0, 0.0, 160.0, 200.0), face.points, 0.9), 60.0) is None


def test_a_catchlight_is_no_glare() -> None:
    grey = np.full((112, 112), 120.0)
    cv2.circle(grey, (38, 52), 3, 255.0, -1)
    assert glare(grey) < 0.1
    cv2.ellipse(grey, (74, 52), (13, 9), 0, 0, 360, 255.0, -1)
    assert glare(grey) > 0.3


@pytest.mark.parametrize("sigma", [2.0, 10.0, 25.0])
def test_noise_is_measured_in_grey_levels(face: Face, sigma: float) -> None:
    grain = np.random.default_rng(2).standard_normal((400, 400)) * sigma
    slope = np.linspace(90, 160, 400)[None, :] + np.zeros((400, 1))
    pixels = np.repeat(np.clip(slope + grain, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    found = noise(pixels, Face((50.0, 50.0, 300.0, 300.0), face.points, 0.9))
    assert found == pytest.approx(sigma, rel=0.15, abs=0.5)
    assert noise(pixels, Face((0.0, 0.0, 10.0, 10.0), face.points, 0.9)) is None

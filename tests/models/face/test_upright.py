"""Pictures and films at any angle: the face is found, turned right and matched; level ones stay as they are."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from fixtures import faces, phone
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.face.upright import quarter_turns, turn_by, upright
from models.liveness.readings import Observer, best_frames
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(load_network(PackStore(default_cache_dir()), "yunet"))


@pytest.fixture(scope="module")
def portrait() -> Any:
    picture: Any = cv2.imdecode(np.frombuffer(faces.encode(faces.portraits()["eileen_collins"]), np.uint8), 1)
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def encoded(pixels: Any) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels)[1])


def test_a_level_picture_stays_as_it_is(detector: Detector, portrait: Any) -> None:
    same, found, turned = upright(detector, portrait, detector.detect(portrait))
    assert turned == 0
    assert same is portrait
    assert len(found) == 1


@pytest.mark.parametrize("angle", [30, 45, 75, 90, 135, 180, 225, 270, 330])
def test_a_turned_picture_matches_its_person(engine: FaceEngine, portrait: Any, angle: int) -> None:
    """A photo without EXIF, or from a phone held askew, was taken for somebody else."""
    reference = engine.measure(faces.encode(faces.portraits()["eileen_collins"])).templates
    measured = engine.measure(encoded(turn_by(portrait, angle)))
    found = engine.compare(measured.templates, [reference])
    assert found.state.value == "pass", (angle, found.llr)
    assert "hold_upright" not in measured.guidance


def test_turned_pictures_of_strangers_do_not_match(engine: FaceEngine, portrait: Any) -> None:
    reference = engine.measure(faces.encode(faces.portraits()["grace_hopper"])).templates
    for angle in (45, 180):
        measured = engine.measure(encoded(turn_by(portrait, angle)))
        assert engine.compare(measured.templates, [reference]).state.value == "fail"


def test_turning_back_undoes_a_turn(portrait: Any) -> None:
    for angle in (90, 180, 270):
        np.testing.assert_array_equal(turn_by(turn_by(portrait, angle), -angle), portrait)
    assert turn_by(portrait, 30).shape[0] > portrait.shape[0]


def test_without_a_face_nothing_is_turned(detector: Detector) -> None:
    grey = np.full((300, 400, 3), 128, np.uint8)
    same, found, turned = upright(detector, grey, detector.detect(grey))
    assert (found, turned) == ((), 0.0)
    assert same is grey
    assert quarter_turns(detector, grey) is None


@pytest.mark.parametrize("angle", [0, 90, 180, 270, 40])
def test_films_that_were_sent_sideways_or_filmed_askew_are_read_upright(
    engine: FaceEngine, detector: Detector, angle: int
) -> None:
    store = PackStore(default_cache_dir())
    still = phone.upright(faces.portraits()["eileen_collins"])
    observer = Observer(mesh=FaceMesh.load(store), detector=detector, pad=None)
    for number in range(4):
        observer.see(turn_by(still, angle), number / 10)
    (best,) = best_frames(observer.readings(), 1)
    assert best.aligned is not None
    probe = {one.name: one.embed(best.aligned[None])[0] for one in engine._embedders}
    reference = engine.measure(faces.encode(faces.portraits()["eileen_collins"])).templates
    assert engine.compare(probe, [reference]).state.value == "pass"
    assert best.mesh is not None
    assert abs(best.mesh.pose.roll) < 20 or angle == 40

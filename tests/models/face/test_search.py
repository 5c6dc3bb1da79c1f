"""The search for duplicate faces is exact, forgets what it must, and asks for more the more faces there are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibrate import load_calibration
from models.face.search import _BLOCK, LEAST_THRESHOLD, FaceIndex

FIT = load_calibration().fits[0]
_DIMENSIONS = {"sface": 128, "faceplugin": 512}


def _face(random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    found = {}
    for name, size in _DIMENSIONS.items():
        vector = random.standard_normal(size).astype(np.float32)
        found[name] = vector / np.linalg.norm(vector)
    return found


def test_the_likeliest_face_is_found_with_its_ratio_beyond_one_block() -> None:
    random, index = np.random.default_rng(1), FaceIndex(FIT)
    faces = [_face(random) for _ in range(_BLOCK + 10)]
    for number, face in enumerate(faces, start=1):
        index.add(number, face)
    for number in (1, _BLOCK, _BLOCK + 10):
        (hit,) = index.search(faces[number - 1])
        assert hit.number == number
        whole = (FIT.intercept + sum(FIT.weights.values())) / np.log(10)
        assert hit.llr == pytest.approx(whole, abs=0.02)
    assert index.search(_face(random)) == []


def test_forgotten_faces_are_not_found_and_numbers_only_rise() -> None:
    random, index = np.random.default_rng(2), FaceIndex(FIT)
    faces = [_face(random) for _ in range(5)]
    for number, face in enumerate(faces, start=10):
        index.add(number, face)
    index.add(12, _face(random))
    index.keep({10, 13, 99})
    assert len(index) == 2
    assert [bool(index.search(face)) for face in faces] == [True, False, False, True, False]
    index.add(15, faces[1])
    assert [hit.number for hit in index.search(faces[1])] == [15]


def test_a_face_without_all_models_is_noted_and_not_searched() -> None:
    random, index = np.random.default_rng(3), FaceIndex(FIT)
    half = {"sface": _face(random)["sface"]}
    assert not index.covers(half)
    index.add(7, half)
    assert (len(index), index.newest) == (0, 7)
    assert index.search(_face(random)) == []


def test_the_threshold_grows_with_the_number_of_faces() -> None:
    index = FaceIndex(FIT)
    assert index.threshold() == LEAST_THRESHOLD
    index._count = 1_000_000
    assert index.threshold() == pytest.approx(7.64, abs=0.01)

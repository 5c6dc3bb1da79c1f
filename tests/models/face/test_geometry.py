"""Alignment, detection and embedding: geometry by known transforms, networks on the two portraits."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.faces import Picture, encode
from models.errors import ModelMissing, ModelsError
from models.face.align import ARCFACE_POINTS, align, similarity
from models.face.detect import NMS_IOU, Detector, Face, _suppress
from models.face.embed import OnnxEmbedder, cosine, unit
from models.face.embed_dlib import DlibEmbedder
from models.face.pad import crop
from models.media.image import decode
from models.weights.packs import PackStore
from models.weights.runtime import load_network


@given(st.floats(0.2, 8), st.floats(-3.1, 3.1), st.floats(-500, 500), st.floats(-500, 500), st.integers(0, 2**32 - 1))
def test_similarity_recovers_a_known_transform(scale: float, angle: float, x: float, y: float, seed: int) -> None:
    source = np.random.default_rng(seed).uniform(0, 100, (5, 2))
    matrix = np.array([[np.cos(angle), -np.sin(angle), x], [np.sin(angle), np.cos(angle), y]])
    matrix[:, :2] *= scale
    found = similarity(source, source @ matrix[:, :2].T + matrix[:, 2])
    np.testing.assert_allclose(found, matrix, atol=1e-6 * max(scale, 1) * 100)


def test_similarity_is_never_a_mirror() -> None:
    mirrored = ARCFACE_POINTS * [-1, 1]
    assert np.linalg.det(similarity(ARCFACE_POINTS, mirrored)[:, :2]) > 0


def test_similarity_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.ones((5, 2)), ARCFACE_POINTS)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7, 2.5, 4.3, 9.0])
def test_align_puts_marks_where_they_belong(scale: float) -> None:
    side = int(160 * scale)
    points = (ARCFACE_POINTS + 20) * np.float32(scale)
    picture = np.zeros((side, side, 3), np.uint8)
    for point in points:
        cv2.circle(picture, (round(float(point[0])), round(float(point[1]))), max(1, round(2 * scale)), (255,) * 3, -1)
    aligned = align(picture, points.astype(np.float32))
    assert aligned.shape == (112, 112, 3)
    for x, y in ARCFACE_POINTS:
        spot = aligned[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7, 0].astype(float)
        rows, columns = np.mgrid[-6:7, -6:7]
        centre = np.array([(spot * columns).sum(), (spot * rows).sum()]) / spot.sum()
        assert np.abs(centre - [x - round(x), y - round(y)]).max() < 1.0


def test_suppression_keeps_the_best_of_a_cluster() -> None:
    rows = np.zeros((3, 15), np.float32)
    rows[:, :4] = [[0, 0, 10, 10], [1, 1, 10, 10], [30, 30, 10, 10]]
    rows[:, 14] = [0.7, 0.9, 0.8]
    assert _suppress(rows)[:, 14].tolist() == pytest.approx([0.9, 0.8])
    assert NMS_IOU < 0.5


def test_pad_crop_stays_inside() -> None:
    picture = np.zeros((100, 80, 3), np.uint8)
    points = np.zeros((5, 2), np.float32)
    for box in ((-10.0, -10.0, 30.0, 30.0), (60.0, 80.0, 30.0, 40.0), (-20.0, -20.0, 200.0, 200.0)):
        part = crop(picture, Face(box, points, 0.9))
        assert part.size
        assert part.shape[0] <= 100
        assert part.shape[1] <= 80


@pytest.fixture(scope="module")
def detector(store: PackStore) -> Detector:
    try:
        return Detector(load_network(store, "yunet"))
    except ModelsError as error:
        pytest.skip(f"FACE MODELS ARE NOT PREPARED: {error.message}")


@pytest.mark.parametrize("scale", [0.35, 1.0, 2.3])
def test_the_same_landmarks_at_every_size(detector: Detector, collins: Picture, scale: float) -> None:
    # Measured at 512 pixels; 4 pixels are a tenth of the eye distance.
    golden = np.array([[203.6, 100.8], [245.2, 101.2], [223.0, 124.3], [203.9, 143.9], [241.0, 142.0]])
    pixels = cv2.resize(decode(encode(collins))[0], None, fx=scale, fy=scale).astype(np.uint8)
    (face,) = detector.detect(pixels)
    assert face.score > 0.85
    np.testing.assert_allclose(face.points / scale, golden, atol=4)


def test_embedders_give_unit_vectors_that_know_people(store: PackStore, detector: Detector, collins: Picture) -> None:
    pixels = decode(encode(collins))[0]
    aligned = align(pixels, detector.detect(pixels)[0].points)
    for name, scaled, dim in (("sface", False, 128), ("faceplugin", True, 512)):
        try:
            embedder = OnnxEmbedder(load_network(store, name), scaled=scaled)
        except ModelMissing as error:
            pytest.skip(f"FACE MODELS ARE NOT PREPARED: {error.message}")
        vectors = embedder.embed(np.stack([aligned, aligned[:, ::-1]]))
        assert vectors.shape == (2, dim)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert cosine(vectors[0], vectors[1]) > 0.85


def test_cosine_never_exceeds_one() -> None:
    vector = unit(np.full((1, 512), 0.1, np.float32))[0]
    assert cosine(vector, vector) <= 1.0


def test_dlib_without_weights_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="dlib"):
        DlibEmbedder(PackStore(tmp_path))


def test_dlib_without_its_extra_is_missing(store: PackStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PackStore, "load", lambda *_: b"weights")
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(ModelMissing, match="not installed") as error:
        DlibEmbedder(store)
    assert "certify[dlib]" in error.value.hint


def test_dlib_port(store: PackStore) -> None:
    pytest.importorskip("dlib")
    try:
        embedder = DlibEmbedder(store)
    except ModelMissing as error:
        pytest.skip(f"dlib's weights are not prepared: {error.message}")
    vectors = embedder.embed(np.zeros((2, 112, 112, 3), np.uint8))
    assert vectors.shape == (2, 128)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

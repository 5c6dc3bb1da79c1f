"""A photo of a face that was changed is recognised as a copy; another photo of the face is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from fixtures import faces
from fixtures.faces import Picture
from models.face.near_copy import compare_prints, face_print
from models.pipeline import FaceEngine


@pytest.fixture(scope="module")
def photo() -> Any:
    picture = cv2.cvtColor(faces.portraits()["grace_hopper"], cv2.COLOR_RGB2BGR)
    return cv2.resize(picture, None, fx=1.5, fy=1.5)


def _jpeg(picture: Picture, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _turned(picture: Picture, degrees: float) -> Picture:
    rows, columns = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1)
    return cv2.warpAffine(picture, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def _cropped(picture: Picture) -> Picture:
    rows, columns = picture.shape[:2]
    return picture[int(0.01 * rows) : int(0.96 * rows), int(0.04 * columns) : int(0.99 * columns)]


def _lit(picture: Picture, levels: int) -> Picture:
    return np.clip(picture.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def _framed(picture: Picture) -> Picture:
    return cv2.copyMakeBorder(picture, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(200, 30, 30)).astype(np.uint8)


def _elsewhere(picture: Picture) -> Picture:
    rows, columns = picture.shape[:2]
    mask = np.zeros((rows, columns), np.float32)
    cv2.ellipse(mask, (columns // 2, int(rows * 0.42)), (columns // 3, int(rows * 0.4)), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 4)[..., None]
    other = np.random.default_rng(1).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    return (picture * soft + cv2.resize(other, (columns, rows)) * (1 - soft)).astype(np.uint8)


CHANGES: dict[str, Callable[[Picture], bytes]] = {
    "coded again": lambda picture: _jpeg(picture, 40),
    "mirrored": lambda picture: _jpeg(picture[:, ::-1]),
    "cropped": lambda picture: _jpeg(_cropped(picture)),
    "turned left": lambda picture: _jpeg(_turned(picture, 5)),
    "turned right": lambda picture: _jpeg(_turned(picture, -5)),
    "brighter": lambda picture: _jpeg(_lit(picture, 25)),
    "darker": lambda picture: _jpeg(_lit(picture, -25)),
    "framed": lambda picture: _jpeg(_framed(picture)),
    "elsewhere": lambda picture: _jpeg(_elsewhere(picture)),
    "all together": lambda picture: _jpeg(_framed(_lit(_turned(_cropped(picture[:, ::-1]), 3), 12)), 60),
}


def _face(engine: FaceEngine, data: bytes) -> Any:
    face = engine.measure(data).face
    assert face is not None
    return face


@pytest.mark.parametrize("change", CHANGES)
def test_attack_a_changed_copy_is_recognised(engine: FaceEngine, photo: Any, change: str) -> None:
    likeness = compare_prints(_face(engine, _jpeg(photo)), _face(engine, CHANGES[change](photo)))
    assert likeness.copied
    assert likeness.mirrored == (change in ("mirrored", "all together"))


def test_another_photo_and_another_person_are_no_copies(engine: FaceEngine, photo: Any) -> None:
    first = _face(engine, _jpeg(photo))
    for seed in (1, 2, 3):
        assert not compare_prints(first, _face(engine, _jpeg(faces.another_day(photo, seed=seed)))).copied
    assert not compare_prints(first, _face(engine, faces.encode(faces.portraits()["eileen_collins"]))).copied


def test_even_pictures_are_like_nothing() -> None:
    even = face_print(np.full((112, 112, 3), 90, np.uint8))
    assert compare_prints(even, even).least == 0

"""A grid or moire in the face is found; a camera's noise, a beard and a video's blocks are not."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from fixtures.faces import Picture
from models.face.detect import Face
from models.liveness.screen import grid_peak

CLEAR = 100.0
"""A value between faces (up to 50) and displays (from 240) on the development clips."""


def _face(picture: Picture, side: float = 220.0) -> Face:
    rows, columns = picture.shape[:2]
    box = (columns / 2 - side / 2, rows / 2 - side / 2, side, side)
    return Face(box, np.zeros((5, 2), np.float32), 1.0)


@pytest.fixture
def plain(collins: Picture) -> Picture:
    part = np.ascontiguousarray(collins[0:300, 70:370, ::-1])
    noise = np.random.default_rng(1).normal(0, 3, part.shape)
    return np.clip(part + noise, 0, 255).astype(np.uint8)


def _waves(picture: Picture, period: float, angle: float, strength: float, channel: int | None = None) -> Picture:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    wave = 1 + strength * np.sin(math.tau * (columns * math.cos(angle) + rows * math.sin(angle)) / period)
    changed = picture.astype(np.float64)
    if channel is None:
        changed *= wave[..., None]
    else:
        changed[..., channel] *= wave
    return np.clip(changed, 0, 255).astype(np.uint8)


def test_a_face_has_no_grid(plain: Picture) -> None:
    found = grid_peak(plain, _face(plain))
    assert found is not None
    assert found < CLEAR


@pytest.mark.parametrize(("period", "angle"), [(2.6, 0.3), (4.0, 1.2), (7.0, 0.8), (9.0, 2.2)])
def test_grids_and_moire_stand_out(plain: Picture, period: float, angle: float) -> None:
    found = grid_peak(_waves(plain, period, angle, 0.06), _face(plain))
    assert found is not None
    assert found > CLEAR


def test_coloured_moire_stands_out(plain: Picture) -> None:
    found = grid_peak(_waves(plain, 11.0, 0.7, 0.08, channel=1), _face(plain))
    assert found is not None
    assert found > CLEAR


def test_the_blocks_of_a_coder_do_not(plain: Picture) -> None:
    done, data = cv2.imencode(".jpg", plain, [cv2.IMWRITE_JPEG_QUALITY, 25])
    assert done
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    coarse = decoded.astype(np.uint8)
    found = grid_peak(coarse, _face(coarse))
    assert found is not None
    assert found < CLEAR


def test_a_small_face_is_not_measured(plain: Picture) -> None:
    assert grid_peak(plain, _face(plain, side=80)) is None

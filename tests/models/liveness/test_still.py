"""A single image is judged by its texture and grid; what could not be measured does not pass."""

from __future__ import annotations

import math

import cv2
import numpy as np

from fixtures.faces import Picture, encode, no_face
from models.liveness.still import judge_still
from models.pipeline import FaceEngine
from models.states import State


def test_a_screens_grid_turns_the_verdict(engine: FaceEngine, collins: Picture) -> None:
    near = cv2.resize(collins[:320, 80:400], (800, 800), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[:800, :800]
    grid = 1 + 0.12 * np.sin(math.tau * (columns * 0.9 + rows * 0.3) / 3.7)
    shown = np.clip(near * grid[..., None], 0, 255).astype(np.uint8)
    plain, screen = (judge_still(engine, encode(picture)) for picture in (near.astype(np.uint8), shown))
    assert plain.grid is not None
    assert screen.grid is not None
    assert screen.grid > 5 * plain.grid
    assert screen.llr is not None
    assert plain.llr is not None
    assert screen.llr < plain.llr
    assert screen.state is State.FAIL
    assert screen.reasons == ("like_replay",)


def test_nobody_in_the_picture_is_not_assessed(engine: FaceEngine) -> None:
    found = judge_still(engine, no_face(1))
    assert (found.state, found.llr, found.reasons) == (State.NOT_ASSESSED, None, ("no_face",))

"""People in the conditions in which pensioners film themselves are not taken for attacks.

The films are those beside the checkout (head turns, glasses, headgear, dark skin, coloured light), and films that are
changed here: a headscarf, a window behind the person, a lens that is held too near, heavy coding.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from fixtures.attacks import as_picture
from fixtures.faces import Picture
from fixtures.videos import encode
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.media.video import VideoLimits, VideoReader
from models.pipeline import FaceEngine
from models.states import State
from models.weights.packs import PackStore
from models.weights.runtime import load_network
from tests.shared_data import require_shared

FILMED = {
    "head turns, an old man": "820f6ffd3b.mp4",
    "glasses": "a08884cbd2.mp4",
    "cap and headphones": "0440b531c4.mp4",
    "dark skin": "c555f9a086.mp4",
    "dim red light": "7a1f975aef.mp4",
}
PLAIN = "3259e71967.mp4"
"""A film without any difficulty, which is changed."""


@pytest.mark.parametrize("condition", FILMED)
def test_a_person_who_is_filmed_in_this_condition_passes(engine: FaceEngine, condition: str) -> None:
    film = require_shared("liveness", FILMED[condition])
    report = engine.watch(film.read_bytes()).liveness
    assert report.state is State.PASS, report.reasons


def _backlight(frame: Picture) -> Picture:
    """Put a bright window behind the person; the camera darkens everything else."""
    rows, columns = frame.shape[:2]
    y, x = np.mgrid[:rows, :columns]
    away = np.hypot((x - columns / 2) / (0.42 * columns), (y - 0.5 * rows) / (0.6 * rows))
    window = np.clip((away - 1) / 0.25, 0, 1)[..., None]
    return as_picture(frame * 0.38 * (1 - window) + window * 250)


def _near(frame: Picture) -> Picture:
    """Film with a short lens from near: the middle grows, the edges shrink."""
    rows, columns = frame.shape[:2]
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    across, down = (x - columns / 2) / (columns / 2), (y - rows / 2) / (rows / 2)
    factor = 0.72 + 0.28 * (across**2 + down**2)
    return cv2.remap(
        frame,
        (across * factor * columns / 2 + columns / 2).astype(np.float32),
        (down * factor * rows / 2 + rows / 2).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.uint8)


def _frames() -> tuple[list[Picture], float]:
    film = require_shared("liveness", PLAIN)
    reader = VideoReader(film.read_bytes(), VideoLimits(max_seconds=60))
    frames = [frame.pixels[: frame.pixels.shape[0] // 2 * 2, : frame.pixels.shape[1] // 2 * 2] for frame in reader]
    rate = round(reader.info.mean_rate)
    return frames[: 4 * rate], rate


@pytest.mark.parametrize(
    ("change", "quality"),
    [(_backlight, 80), (_near, 80), (lambda frame: frame, 25)],
    ids=["window behind", "short lens from near", "heavy coding"],
)
def test_a_film_that_is_changed_to_this_condition_is_no_attack(
    engine: FaceEngine, change: Callable[[Picture], Picture], quality: int
) -> None:
    frames, rate = _frames()
    report = engine.watch(encode(map(change, frames), codec="h264", rate=rate, quality=quality)).liveness
    assert report.state is not State.FAIL, report.reasons


def test_a_headscarf_is_no_attack(engine: FaceEngine, store: PackStore) -> None:
    frames, rate = _frames()
    tracker, detector = FaceMesh.load(store).tracker(), Detector(load_network(store, "yunet"))
    wrapped = []
    for frame in frames:
        found = tracker.step(frame, detector.detect(frame) if tracker.lost else None)
        assert found is not None
        outline = cv2.convexHull(found.points[:468, :2].astype(np.float32))[:, 0]
        middle = outline.mean(0)
        cloth = np.zeros(frame.shape[:2], np.uint8)
        cv2.fillConvexPoly(cloth, (middle + (outline - middle) * [1.45, 1.4]).astype(np.int32), 255)
        cv2.fillConvexPoly(cloth, (middle + (outline - middle) * 0.98).astype(np.int32), 0)
        scarf = cv2.GaussianBlur(frame, (0, 0), 9) * np.array([0.5, 0.25, 0.35]) + 40
        wrapped.append(np.where(cloth[..., None] > 0, scarf, frame).astype(np.uint8))
    report = engine.watch(encode(wrapped, codec="h264", rate=rate, quality=80)).liveness
    assert report.state is not State.FAIL, report.reasons

"""A phone or tablet before the camera is seen by its frame, and what frames a room has are not taken for one."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from fixtures import devices, faces
from fixtures.faces import Picture
from models.face.detect import Detector, Face
from models.liveness.device import DOUBT, FRAMES, check_device
from models.liveness.device_frame import CLOSED_FROM, find_device_frame
from models.liveness.readings import Detail, Readings
from models.states import State
from models.weights.packs import PackStore
from models.weights.runtime import load_network

SIZE = (480, 360)


@cache
def _portrait() -> Picture:
    """A person before a wall, the face in the middle."""
    small = cv2.resize(faces.portraits()["eileen_collins"], (300, 400), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _face(x: float, y: float, side: float) -> Face:
    return Face((x - side / 2, y - side / 2, side, side), np.zeros((5, 2), np.float32), 0.9)


def _share(picture: Picture, face: Face) -> float:
    found = find_device_frame(picture, face)
    return 0.0 if found is None else found.share


def _room_with(lines: list[tuple[tuple[int, int], tuple[int, int]]]) -> Picture:
    room = np.full((*SIZE, 3), 150, np.uint8)
    for one, other in lines:
        cv2.line(room, one, other, (60, 60, 60), 3, cv2.LINE_AA)
    # A body before the room: everything behind it is hidden.
    cv2.ellipse(room, (180, 470), (150, 170), 0, 0, 360, (80, 70, 120), -1)
    cv2.ellipse(room, (180, 210), (60, 80), 0, 0, 360, (150, 170, 210), -1)
    return room


def test_devices_in_a_hand_are_seen(store: PackStore) -> None:
    """Of some, only the first frame shows the whole device, because the hand moves it nearer."""
    detector = Detector(load_network(store, "yunet"))
    closed = []
    for seed in range(8):
        clip = devices.device_attack([_portrait()] * 4, seed=seed, rate=2, size=(640, 480))
        shares = [_share(frame, found[0]) for frame in clip if (found := detector.detect(frame))]
        closed.append(sum(share >= CLOSED_FROM for share in shares))
    assert sum(count >= 1 for count in closed) >= 6, closed
    assert sum(count >= FRAMES for count in closed) >= 5, closed


def test_the_same_seed_draws_the_same_device() -> None:
    one, other = (list(devices.device_attack([_portrait()], seed=3)) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [((90, 40), (90, 479)), ((270, 40), (272, 479)), ((90, 40), (270, 42))],  # a door behind the person
        [((90, 60), (92, 330)), ((270, 62), (268, 330)), ((90, 60), (270, 62)), ((92, 330), (268, 330))],  # a picture
    ],
)
def test_frames_behind_a_person_are_hidden_by_the_body(lines: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    assert _share(_room_with(lines), _face(180, 210, 110)) < CLOSED_FROM


def test_bars_of_the_film_itself_are_no_device() -> None:
    room = _room_with([])
    barred = cv2.copyMakeBorder(room, 6, 6, 6, 6, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    assert _share(np.asarray(barred, np.uint8), _face(186, 216, 110)) < CLOSED_FROM


def _details(shares: list[float | None]) -> Readings:
    return Readings((), tuple(Detail(n, n / 2, None, None, None, None, framed=share) for n, share in enumerate(shares)))


@pytest.mark.parametrize(
    ("shares", "state", "reason"),
    [
        ([None, None], State.NOT_ASSESSED, "not_measured"),
        ([0.0, 0.6, None], State.PASS, ""),
        ([0.0, 0.8, 0.1], State.NOT_ASSESSED, DOUBT),
        ([0.9, 0.8, 0.0], State.FAIL, "device_frame"),
    ],
)
def test_one_frame_asks_and_two_fail(shares: list[float | None], state: State, reason: str) -> None:
    result = check_device(_details(shares))
    assert (result.state, result.reason) == (state, reason)

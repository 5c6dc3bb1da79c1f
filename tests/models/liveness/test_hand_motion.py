"""The motion of a phone and that of its picture agree if a hand holds a camera, and not if a program sends pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fixtures.turning import Turning, hand, sensor, table
from models.liveness.hand_motion import check_motion, compare_motion
from models.liveness.readings import THUMB, Glance
from models.states import State

SECONDS = 10
STILL = table(SECONDS)


def _hand(seed: int, speed: float) -> Turning:
    return hand(np.random.default_rng(seed), SECONDS, speed)


def _film(turning: Turning, *, rate: float = 7.0) -> list[Glance]:
    """A room with furniture, seen by a camera that turns, and a head that moves by itself."""
    random = np.random.default_rng(1)
    room = cv2.GaussianBlur(random.uniform(0, 255, (160, 160)).astype(np.float32), (0, 0), 3)
    room = 20 + 200 * (room - room.min()) / float(np.ptp(room))
    glances = []
    for index in range(int(SECONDS * rate)):
        time_s = index / rate
        pitch, yaw, roll = turning[: int(time_s * 100)].sum(0) / 100
        matrix = cv2.getRotationMatrix2D((80, 80), float(roll), 1)
        matrix[:, 2] += [2 * yaw - 48, 2 * pitch - 48]
        seen = cv2.warpAffine(room, matrix, (2 * THUMB, 2 * THUMB), borderMode=cv2.BORDER_REFLECT)
        head = (int(64 + 8 * np.sin(time_s)), int(80 + 5 * np.cos(1.7 * time_s)))
        cv2.ellipse(seen, head, (26, 38), 0, 0, 360, 150.0, -1)
        seen = seen + np.asarray(random.normal(0, 1, seen.shape), np.float32)
        thumb = cv2.resize(seen, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
        glances.append(Glance(time_s, np.asarray(thumb, np.float32), 0.0))
    return glances


def _sensor(turning: Turning, *, axes: tuple[int, ...] = (0, 1, 2), sign: float = 1.0) -> list[tuple[float, ...]]:
    return sensor(sign * turning[:, list(axes)], np.random.default_rng(2))


HAND = _hand(0, 4.0)


@pytest.mark.parametrize(("axes", "sign"), [((0, 1, 2), 1.0), ((1, 2, 0), 1.0), ((2, 0, 1), -1.0)])
def test_a_hand_that_holds_a_camera_agrees_whatever_the_browser_calls_its_axes(
    axes: tuple[int, ...], sign: float
) -> None:
    found = check_motion(_film(HAND), _sensor(HAND, axes=axes, sign=sign))
    assert (found.state, found.reason) == (State.PASS, "")
    assert (found.values["explained"] or 0) > 0.6


def test_attack_pictures_that_know_nothing_of_the_hand_are_named() -> None:
    assert check_motion(_film(_hand(6, 4.0)), _sensor(HAND)).reason == "motion_unrelated"
    assert check_motion(_film(STILL), _sensor(HAND)).reason == "picture_still"
    assert check_motion(_film(HAND), _sensor(STILL)).reason == "phone_still"


def test_a_phone_on_a_table_and_a_calm_hand_contradict_nothing() -> None:
    assert check_motion(_film(STILL), _sensor(STILL)).reason == ""
    calm = _hand(3, 0.6)
    assert check_motion(_film(STILL), _sensor(calm)).reason == "", "a stabilised camera hides small motions"


def test_without_a_sensor_nothing_is_lost() -> None:
    film = _film(HAND)
    assert check_motion(film, ()).reason == "no_sensor"
    assert check_motion(film, _sensor(HAND)[:30]).reason == "not_measured"
    white = [Glance(glance.time_s, np.full_like(glance.thumb, 200), 0.0) for glance in film]
    assert check_motion(white, _sensor(HAND)).reason == "not_measured", "a white wall shows no shift"
    assert check_motion(film[:10], _sensor(HAND)).reason == "not_measured"


def test_pauses_and_disorder_of_the_sensor_are_borne() -> None:
    film, samples = _film(HAND), _sensor(HAND)
    paused = [sample for sample in samples if not 3000 < sample[0] < 5000]
    whole, part = compare_motion(film, samples), compare_motion(film, paused)
    assert whole is not None
    assert part is not None
    assert part.pairs < whole.pairs - 10
    assert part.explained > 0.6
    assert compare_motion(film, samples[::-1]) == whole
    assert check_motion(film, [(0, 0, 0, 0)] * 100).reason == "not_measured"

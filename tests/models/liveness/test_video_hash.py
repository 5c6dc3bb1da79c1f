"""A recording is known again however it was encoded; another one of the same person is not."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from fixtures import faces, videos
from fixtures.faces import Picture
from models.liveness.readings import THUMB, Glance
from models.liveness.video_hash import KEPT, Prints, likeness, prints_of
from models.media.video import VideoReader

RATE = 15


def _glances(frames: Iterable[tuple[float, Picture]]) -> list[Glance]:
    return [
        Glance(
            time_s,
            cv2.resize(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(
                np.float32
            ),
            0.0,
        )
        for time_s, p in frames
    ]


def _of(video: bytes) -> Prints:
    return prints_of(_glances((frame.time_s, frame.pixels) for frame in VideoReader(video)))


@pytest.fixture(scope="module")
def film() -> list[Picture]:
    return list(videos.moving(faces.portraits()["grace_hopper"], seconds=4, rate=RATE))


@pytest.fixture(scope="module")
def original(film: list[Picture]) -> Prints:
    return _of(videos.encode(film, codec="h264", rate=RATE))


@pytest.mark.parametrize("codec", ["vp8", "vp9", "h264"])
def test_a_recording_encoded_anew_is_known_again(film: list[Picture], original: Prints, codec: str) -> None:
    small = [cv2.resize(picture, (216, 288)).astype(np.uint8, copy=False) for picture in film]
    for pictures in (film, small, film[3:-3]):
        again = _of(videos.encode(pictures, codec=codec, rate=RATE, quality=45))
        found = likeness(original.kept(), again)
        assert found.same, found
        assert set(original.kept().bands()) & set(again.bands()), "the index finds it"


def test_another_recording_of_the_same_portrait_is_not(original: Prints) -> None:
    other = list(videos.moving(faces.portraits()["grace_hopper"][30:, 24:], seconds=4, rate=RATE))
    assert not likeness(original.kept(), _of(videos.encode(other, rate=RATE))).same
    else_ = list(videos.moving(faces.portraits()["eileen_collins"], seconds=4, rate=RATE))
    found = likeness(original.kept(), _of(videos.encode(else_, rate=RATE)))
    assert (found.known, found.same) == (0, False)


def test_prints_are_kept_in_a_few_hundred_bytes(original: Prints) -> None:
    kept = original.kept()
    assert len(kept.times_s) == KEPT
    data = kept.to_bytes()
    assert len(data) == KEPT * 36
    again = Prints.from_bytes(data)
    assert np.array_equal(again.bits, kept.bits)
    assert np.allclose(again.times_s, kept.times_s, atol=0.001)
    assert again.bands() == kept.bands()
    with pytest.raises(ValueError, match="reshape"):
        Prints.from_bytes(data[:-1])


def test_a_single_frame_has_prints_too() -> None:
    one = prints_of([Glance(0.0, np.zeros((THUMB, THUMB), np.float32), 0.0)])
    assert len(one.kept().times_s) == 1
    assert likeness(one.kept(), one).same

"""A video is recognised however it was encoded; another video of the same person is not."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from fixtures import faces, videos
from fixtures.faces import Picture
from models.liveness.readings import THUMB, Glance
from models.liveness.video_hash import STORED_FRAMES, VideoHash, compare_hashes, hash_frames
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


def _of(video: bytes) -> VideoHash:
    return hash_frames(_glances((frame.time_s, frame.pixels) for frame in VideoReader(video)))


@pytest.fixture(scope="module")
def film() -> list[Picture]:
    return list(videos.moving(faces.portraits()["grace_hopper"], seconds=4, rate=RATE))


@pytest.fixture(scope="module")
def original(film: list[Picture]) -> VideoHash:
    return _of(videos.encode(film, codec="h264", rate=RATE))


@pytest.mark.parametrize("codec", ["vp8", "vp9", "h264"])
def test_a_re_encoded_video_is_recognised(film: list[Picture], original: VideoHash, codec: str) -> None:
    small = [cv2.resize(picture, (216, 288)).astype(np.uint8, copy=False) for picture in film]
    for pictures in (film, small, film[3:-3]):
        again = _of(videos.encode(pictures, codec=codec, rate=RATE, quality=45))
        found = compare_hashes(original.reduced(), again)
        assert found.same, found
        assert set(original.reduced().bands()) & set(again.bands()), "the index finds it"


def test_another_video_of_the_same_portrait_is_not_recognised(original: VideoHash) -> None:
    other = list(videos.moving(faces.portraits()["grace_hopper"][30:, 24:], seconds=4, rate=RATE))
    assert not compare_hashes(original.reduced(), _of(videos.encode(other, rate=RATE))).same
    third = list(videos.moving(faces.portraits()["eileen_collins"], seconds=4, rate=RATE))
    found = compare_hashes(original.reduced(), _of(videos.encode(third, rate=RATE)))
    assert (found.matched_count, found.same) == (0, False)


def test_a_hash_is_stored_in_a_few_hundred_bytes(original: VideoHash) -> None:
    reduced = original.reduced()
    assert len(reduced.times_s) == STORED_FRAMES
    data = reduced.to_bytes()
    assert len(data) == STORED_FRAMES * 36
    again = VideoHash.from_bytes(data)
    assert np.array_equal(again.bits, reduced.bits)
    assert np.allclose(again.times_s, reduced.times_s, atol=0.001)
    assert again.bands() == reduced.bands()
    with pytest.raises(ValueError, match="reshape"):
        VideoHash.from_bytes(data[:-1])


def test_a_single_frame_can_be_hashed() -> None:
    one = hash_frames([Glance(0.0, np.zeros((THUMB, THUMB), np.float32), 0.0)])
    assert len(one.reduced().times_s) == 1
    assert compare_hashes(one.reduced(), one).same

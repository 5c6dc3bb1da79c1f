"""A live capture is stored as a video file that the usual reader opens."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fixtures.faces import encode
from models.media.video import VideoReader, probe_video
from models.media.video_frames import JpegFrame, join_frames


def _frames(times_ms: list[int]) -> list[JpegFrame]:
    return [
        JpegFrame(time_ms, encode(np.full((240, 320, 3), 10 + 20 * index, np.uint8)))
        for index, time_ms in enumerate(times_ms)
    ]


def test_frames_keep_their_times_and_their_pixels() -> None:
    frames = _frames([5000, 5130, 5250, 5400, 6200])
    video = join_frames(frames, 320, 240)
    header = probe_video(video)
    assert (header.codec, header.width, header.height, header.packets) == ("mjpeg", 320, 240, 5)
    seen = list(VideoReader(video))
    assert [round(frame.time_s, 3) for frame in seen] == [0.0, 0.13, 0.25, 0.4, 1.2]
    for frame, given in zip(seen, frames, strict=True):
        whole = cv2.imdecode(np.frombuffer(given.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert whole is not None
        assert np.abs(frame.pixels.astype(int) - whole.astype(int)).max() <= 2


def test_the_same_frames_give_the_same_bytes() -> None:
    frames = _frames([0, 100, 200])
    assert join_frames(frames, 320, 240) == join_frames(frames, 320, 240)
    assert join_frames(frames, 320, 240) != join_frames(_frames([0, 100, 201]), 320, 240)


@pytest.mark.parametrize("times_ms", [[], [100, 100], [200, 100]])
def test_frames_out_of_order_are_refused(times_ms: list[int]) -> None:
    with pytest.raises(ValueError, match="order"):
        join_frames(_frames(times_ms), 320, 240)

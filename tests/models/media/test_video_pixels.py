"""Pixels of videos: upright, with three channels and scaled down, for all pixel formats."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fixtures import videos
from fixtures.faces import Picture
from models.media.video import VideoLimits
from models.media.video_pixels import Pose, to_upright
from tests.models.media.video_calls import difference, read


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_phones_are_held_upright(codec: str, rotation: int, mirrored: bool, pictures: list[Picture]) -> None:
    data = videos.encode(pictures, codec=codec, rotation=rotation, mirrored=mirrored)
    frames, info = read(data, rate=2)
    upright = np.rot90(pictures[0], -rotation // 90)
    upright = upright[:, ::-1] if mirrored else upright
    assert difference(frames[0].pixels, upright) < 6
    assert (info.width, info.height) == (upright.shape[1], upright.shape[0])
    assert info.mirrored == mirrored


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuv420p10le", "yuv422p", "yuv444p"])
def test_pixel_formats(pixel_format: str, pictures: list[Picture]) -> None:
    grey = [np.full((240, 320, 3), 20 + 5 * index, np.uint8) for index in range(40)]
    frames, _ = read(videos.encode(grey, codec="h264", pixel_format=pixel_format, quality=90))
    for frame, expected in zip(frames, grey, strict=True):
        assert frame.pixels.shape == (240, 320, 3)
        assert frame.pixels.dtype == np.uint8
        assert difference(frame.pixels, expected) < 4


def test_frames_without_colour(pictures: list[Picture]) -> None:
    frame = av.VideoFrame.from_ndarray(pictures[0], format="bgr24").reformat(format="gray")
    pixels = to_upright(frame, Pose(), VideoReformatter(), 640, None)
    assert pixels.shape == (240, 320, 3)
    assert difference(pixels[:, :, 1], frame.to_ndarray().astype(np.uint8)) < 2


def test_alpha_is_ignored(pictures: list[Picture]) -> None:
    frames, _ = read(videos.encode(pictures, codec="vp9", pixel_format="yuva420p"))
    assert difference(frames[5].pixels, pictures[5]) < 6


def test_odd_sizes(collins: Picture) -> None:
    odd = list(videos.moving(collins, seconds=1.2, size=(123, 77)))
    frames, _ = read(videos.encode(odd, codec="vp8"))
    assert frames[0].pixels.shape == (123, 77, 3)


def test_pixels_that_are_not_square(pictures: list[Picture]) -> None:
    frame = av.VideoFrame.from_ndarray(pictures[0], format="bgr24")
    for aspect, shape in [
        (Fraction(4, 3), (240, 427, 3)),
        (Fraction(1, 2), (240, 160, 3)),
        (Fraction(9), (240, 320, 3)),
    ]:
        assert to_upright(frame, Pose(), VideoReformatter(), 640, aspect).shape == shape


def test_scaled_down_but_never_up(collins: Picture) -> None:
    large = list(videos.moving(collins, seconds=1.2, rate=10, size=(1080, 1920)))
    frames, info = read(videos.encode(large, codec="h264", rate=10, rotation=90))
    assert frames[0].pixels.shape == (640, 360, 3)
    assert (info.width, info.height) == (1080, 1920)
    small = large[0][540:, 960:]
    frames, _ = read(videos.encode([small] * 12, codec="vp8", rate=10), VideoLimits(max_side_out=320))
    assert frames[0].pixels.shape == (180, 320, 3)

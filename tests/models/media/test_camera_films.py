"""Films of phones and cameras: each codec, container, rate and size is decoded in the confined process, or named."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from fixtures import videos
from fixtures.faces import Picture
from models.errors import VideoRefused
from models.media.decoder_process import DecoderProcess
from models.media.video import VideoLimits, VideoReader, probe_video
from tests.models.media.video_calls import code_of, difference

KINDS = {
    "iPhone, HEVC": ("hevc", "mov"),
    "Android, HEVC": ("hevc", "mp4"),
    "AV1": ("av1", "mp4"),
    "AV1 of a browser": ("av1", "webm"),
    "old phone, MPEG-4": ("mpeg4", "3gp"),
    "MPEG-4 in MOV": ("mpeg4", "mov"),
    "old phone, H.263": ("h263", "3gp"),
    "phone, H.264 in 3GP": ("h264", "3gp"),
    "camera, MJPEG": ("mjpeg", "avi"),
    "camera, MPEG-4": ("mpeg4", "avi"),
    "camera, H.264 in AVI": ("h264", "avi"),
    "camera, MJPEG in MOV": ("mjpeg", "mov"),
    "camcorder, H.264": ("h264", "mpegts"),
    "camcorder, MPEG-2": ("mpeg2video", "mpegts"),
    "HEVC in a transport stream": ("hevc", "mpegts"),
}
REORDERED = {"h264", "mpeg4"}


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderProcess]:
    process = DecoderProcess()
    yield process
    process.close()


@pytest.fixture(scope="module")
def moving(collins: Picture) -> list[Picture]:
    return list(videos.moving(collins[:, :, ::-1], seconds=1.4, size=(288, 352)))  # a size that H.263 has


def made(pictures: list[Picture], codec: str, container: str) -> bytes:
    options = {"bf": "2"} if codec in REORDERED else {}
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return videos.encode(pictures, codec=codec, container=container, options=options, pixel_format=pixel_format)


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_of_a_camera_is_decoded(kind: str, moving: list[Picture], decoders: DecoderProcess) -> None:
    codec, container = KINDS[kind]
    data = made(moving, codec, container)
    assert decoders.probe_video(data).packets == len(moving)
    film = decoders.film(data)
    frames = list(film)
    assert len(frames) == film.info.frames == len(moving)
    assert film.info.ended == "whole"
    assert film.info.seconds == pytest.approx((len(moving) - 1) / 30, abs=0.05)
    assert not film.info.variable_rate
    assert all(difference(frame.pixels, picture) < 12 for frame, picture in zip(frames, moving, strict=True))


@pytest.mark.parametrize("kind", ["camera, MJPEG", "camera, MPEG-4", "camcorder, H.264", "camcorder, MPEG-2"])
def test_what_is_left_of_a_film_is_used(kind: str, moving: list[Picture]) -> None:
    whole = made(moving, *KINDS[kind])
    reader = VideoReader(videos.truncated(whole, 0.85), VideoLimits(min_seconds=0.5))
    frames = list(reader)
    assert 15 < len(frames) < len(moving)
    assert code_of(videos.truncated(whole, 0.1)) in {"video_truncated", "video_damaged", "video_too_short"}


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg2video", "mpeg4"])
def test_attack_damaged_films_of_cameras(codec: str, moving: list[Picture]) -> None:
    whole = made(moving[:35], codec, {"mjpeg": "avi", "mpeg2video": "mpegts", "mpeg4": "avi"}[codec])
    for seed in range(25):
        try:
            for frame in VideoReader(videos.mutated(whole, seed), thin=True):
                assert max(frame.pixels.shape[:2]) <= 640
        except VideoRefused:
            continue


@pytest.mark.parametrize(("codec", "container", "rate"), [("h264", "mp4", 120), ("hevc", "mov", 240)])
def test_slow_motion_is_thinned(
    codec: str, container: str, rate: int, moving: list[Picture], decoders: DecoderProcess
) -> None:
    pictures = [moving[index * 30 // rate] for index in range(round(1.3 * rate))]
    data = videos.encode(pictures, codec=codec, container=container, rate=rate, options={})
    film = decoders.film(data)
    frames = list(film)
    assert 36 <= len(frames) <= 42
    assert film.info.seconds == pytest.approx(1.3, abs=0.03)
    assert np.diff([frame.time_s for frame in frames]) == pytest.approx(1 / 30, abs=0.01)
    assert film.info.frames <= probe_video(data).packets == len(pictures)


def test_a_film_of_more_than_240_frames_a_second_is_refused(moving: list[Picture]) -> None:
    data = videos.encode(islice(moving * 20, 700), codec="h264", rate=480, quality=1)
    assert code_of(data) == "video_too_fast"


def test_a_film_in_4k_is_reduced(collins: Picture, decoders: DecoderProcess) -> None:
    pictures = list(videos.moving(collins[:, :, ::-1], seconds=1.1, rate=10, size=(2160, 3840)))
    film = decoders.film(videos.encode(pictures, codec="h264", rate=10, quality=40, options={"preset": "ultrafast"}))
    frames = list(film)
    assert len(frames) == 11
    assert (film.info.width, film.info.height) == (3840, 2160)
    assert frames[0].pixels.shape == (360, 640, 3)


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4"])
def test_a_phone_held_upright(codec: str, moving: list[Picture]) -> None:
    data = videos.encode(moving, codec=codec, container="mov", rotation=90)
    reader = VideoReader(data)
    frames = list(reader)
    assert (reader.info.rotation, reader.info.width, reader.info.height) == (90, 288, 352)
    assert difference(frames[0].pixels, np.rot90(moving[0], -1)) < 12


def test_a_variable_rate_is_told_by_the_time_stamps(moving: list[Picture]) -> None:
    times = np.cumsum([0.0] + [0.02 if index % 3 else 0.08 for index in range(len(moving) - 1)])
    reader = VideoReader(videos.encode(moving, codec="hevc", container="mov", times=list(times)))
    frames = list(reader)
    assert [frame.time_s for frame in frames] == pytest.approx(list(times), abs=0.002)
    assert reader.info.variable_rate


@pytest.mark.parametrize("container", ["mov", "3gp", "avi", "mpegts"])
def test_a_film_with_sound_only(container: str) -> None:
    assert code_of(videos.audio_only(container)) == "video_no_picture"


@pytest.mark.parametrize(("codec", "container"), [("wmv2", "asf"), ("h264", "flv"), ("mpeg2video", "mpeg")])
def test_other_films_are_refused_with_advice_that_fits(codec: str, container: str, moving: list[Picture]) -> None:
    data = videos.encode(moving[:5], codec=codec, container=container)
    assert code_of(data) == "unsupported_video"


def test_a_film_that_needs_too_much_memory_is_too_large(moving: list[Picture]) -> None:
    data = made(moving, "h264", "mp4")
    assert code_of(data, VideoLimits(max_pixels=352 * 287)) == "video_too_many_pixels"

"""Damaged, hostile and unsuitable videos: refused with a stable code, or read up to the damage."""

from __future__ import annotations

import itertools
import struct
from dataclasses import replace

import numpy as np
import pytest

from fixtures import videos
from fixtures.faces import Picture
from models.errors import VideoRefused
from models.media.video import CODES, VideoLimits, VideoReader, probe_video, read_frames
from tests.models.media.video_calls import CODECS, code_of, probe_code, read


def patched(data: bytes, name: bytes, offset: int, value: int) -> bytes:
    place = data.index(name) + offset
    return data[:place] + struct.pack(">I", value) + data[place + 4 :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "video_empty"),
        (b"hello, I am a text", "not_a_video"),
        (bytes(5000), "not_a_video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not_a_video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_a_video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "video_damaged"),
        (b"OggS\0\2" + bytes(100), "unsupported_video"),
        (b"GIF89a" + bytes(100), "unsupported_video"),
        ((b"\x47" + bytes(187)) * 3, "video_no_frames"),
        (b"FLV\1" + bytes(100), "unsupported_video"),
        (b"ID3\3" + bytes(100), "video_no_picture"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "unsupported_video"),
        (b"\x00\x00\x00\x18ftypisom\0\0\2\0isomiso2", "video_truncated"),
        (b"\x1a\x45\xdf\xa3", "video_truncated"),
        (b"\x1a\x45\xdf\xa3\x88\x42\x82\x85other", "unsupported_video"),
    ],
)
def test_refused_with_code(data: bytes, code: str) -> None:
    assert code_of(data) == probe_code(data) == code


@pytest.mark.parametrize("container", ["webm", "mp4"])
def test_sound_only(container: str) -> None:
    assert code_of(videos.audio_only(container)) == "video_no_picture"


@pytest.mark.parametrize("codec", CODECS)
def test_no_frames(codec: str) -> None:
    assert probe_code(videos.no_frames(codec)) == "video_no_frames"


def test_other_codecs(pictures: list[Picture], files: dict[str, bytes]) -> None:
    assert code_of(files["h264"], VideoLimits(codecs=frozenset({"vp8"}))) == "unsupported_video"
    assert code_of(files["h264"], VideoLimits(containers=frozenset({"webm"}))) == "unsupported_video"
    assert code_of(videos.encode(pictures[:5], codec="wmv2")) == "unsupported_video"
    assert code_of(files["vp8"].replace(b"V_VP8", b"V_XYZ")) == "unsupported_video"


@pytest.mark.parametrize("codec", ["vp8", "vp9", "fragmented h264"])
def test_a_cut_off_video_is_read_up_to_its_end(codec: str, pictures: list[Picture]) -> None:
    data = videos.encode(pictures, codec=codec.rsplit(maxsplit=1)[-1], live=True)
    whole, _ = read(data)
    frames, info = read(videos.truncated(data, 0.8))
    assert info.ended == "truncated"
    assert 40 < len(frames) < 60
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(frames, whole, strict=False))
    assert code_of(videos.truncated(data, 0.3)) == "video_truncated"
    assert code_of(videos.truncated(data, 0.01)) == "video_truncated"


def test_mp4_without_its_end(files: dict[str, bytes]) -> None:
    for share in (0.1, 0.5, 0.99):
        assert code_of(videos.truncated(files["h264"], share)) == "video_truncated"


def test_nothing_after_damage_is_used(files: dict[str, bytes]) -> None:
    whole, _ = read(files["h264"])
    start = files["h264"].index(b"mdat")
    place = start + (len(files["h264"]) - start) * 3 // 4
    noise = np.random.default_rng(0).bytes(300)
    damaged = files["h264"][:place] + noise + files["h264"][place + 300 :]
    assert probe_video(damaged).packets == 60  # no decoder ran
    frames, info = read(damaged)
    assert info.ended == "damaged"
    assert 31 <= len(frames) < 60
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(frames, whole, strict=False))
    assert code_of(damaged, VideoLimits(min_seconds=1.9)) == "video_damaged"


@pytest.mark.parametrize("codec", CODECS)
def test_limits(codec: str, files: dict[str, bytes]) -> None:
    data, limits = files[codec], VideoLimits()
    assert code_of(data, replace(limits, max_bytes=1000)) == "video_too_many_bytes"
    assert code_of(data, replace(limits, max_seconds=1.5)) == "video_too_long"
    assert code_of(data, replace(limits, min_seconds=3)) == "video_too_short"
    assert code_of(data, replace(limits, max_pixels=320 * 239)) == "video_too_many_pixels"
    assert code_of(data, replace(limits, max_frames=40)) == "video_too_fast"
    assert code_of(data, replace(limits, max_frames=59)) == "video_too_fast"
    assert code_of(data, replace(limits, max_rate=20)) == "video_too_fast"
    assert code_of(data, replace(limits, max_rate=29)) == "video_too_fast"
    assert probe_code(data, replace(limits, max_rate=20)) == "video_too_fast"


def test_headers_lie_about_the_size(files: dict[str, bytes]) -> None:
    small = files["vp8"].replace(b"\xb0\x82\x01\x40", b"\xb0\x82\x00\x10").replace(b"\xba\x81\xf0", b"\xba\x81\x10")
    assert probe_video(small).width == 16
    assert read(small)[1].width == 320
    # The decoder is stopped before it allocates the memory.
    assert code_of(small, VideoLimits(max_pixels=10_000)) == "video_damaged"
    assert code_of(small, VideoLimits(max_pixels=75_000)) == "video_too_many_pixels"
    place = files["vp8"].index(b"\x9d\x01\x2a") + 3
    huge = files["vp8"][:place] + b"\xff\x3f\xff\x3f" + files["vp8"][place + 4 :]
    assert code_of(huge) == "video_damaged"


def test_phone_turned_while_recording(pictures: list[Picture]) -> None:
    turned = [np.ascontiguousarray(np.rot90(picture)) for picture in pictures]
    for codec in ("vp8", "vp9"):
        data = videos.resized_midway(pictures[:40], turned[40:], codec=codec)
        assert code_of(data) == "video_size_changed"


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_time_is_bounded(codec: str, files: dict[str, bytes]) -> None:
    ticks = itertools.count(0.0)
    assert len(list(VideoReader(files[codec], work_seconds=None, clock=lambda: next(ticks)))) == 60
    used = next(ticks)
    for limit in (1, used // 4, used // 2):
        with pytest.raises(VideoRefused) as refusal:
            list(VideoReader(files[codec], work_seconds=limit, clock=lambda: next(ticks)))
        assert refusal.value.code == "video_timeout"


def test_the_time_of_the_caller_is_not_counted(files: dict[str, bytes]) -> None:
    now = [0.0]
    reader = VideoReader(files["vp8"], work_seconds=5, clock=lambda: now[0])
    for _ in reader:
        now[0] += 100  # a slow face detector
    assert reader.info.frames == 60


def test_tables_that_declare_too_much(files: dict[str, bytes], pictures: list[Picture]) -> None:
    data, many = files["h264"], 80_000_000
    fragments = videos.encode(pictures, codec="h264", live=True)
    empty_tables = struct.pack(">I4s", 8 + 16 * 70_000, b"free") + b"stts".ljust(16, b"\0") * 70_000
    place = fragments.index(b"trun")
    for bomb in [
        patched(patched(data, b"stsz", 8, 1), b"stsz", 12, many),
        patched(data, b"stts", 12, many),
        fragments[: place + 4] + struct.pack(">II", 1, many) + fragments[place + 12 :],
        data.replace(b"moov", b"cmov"),
        data[:32] + b"\0\0\0\x08free" * 60_000 + data[32:],
        data[:32] + empty_tables + data[32:],
        data[:32]
        + struct.pack(">I4s", 8 + 16 * 70_000, b"free")
        + b"stts\0\0\0\0\0\0\0\0\0\0\0\0" * 70_000
        + data[32:],
        files["vp8"] + b"\xec\x80" * 60_000,
    ]:
        assert probe_code(bomb) in {"video_damaged", "video_truncated"}


def test_chunks_that_overlap(files: dict[str, bytes]) -> None:
    """Every stored frame claims to be as large as the file."""
    data = files["h264"]
    place = data.index(b"stsz") + 16
    sizes = struct.pack(">60I", *([len(data) - 100] * 60))
    assert code_of(data[:place] + sizes + data[place + 240 :]) in {"video_damaged", "video_truncated"}


def test_mutations(files: dict[str, bytes], pictures: list[Picture]) -> None:
    corpus = [*files.values(), videos.encode(pictures, codec="h264", live=True)]
    outcomes = set()
    for seed in range(200):
        data = videos.mutated(corpus[seed % len(corpus)], seed)
        try:
            outcomes.add(probe_video(data).codec)
            frames = 0
            for frame in read_frames(data, rate=5):
                assert max(frame.pixels.shape[:2]) <= 640
                frames += 1
            assert frames <= 160
        except VideoRefused as refusal:
            outcomes.add(refusal.code)
    assert outcomes <= CODES | set(CODECS)
    assert len(outcomes) > 5

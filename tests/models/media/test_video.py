"""Hostile and odd videos, made by real encoders: refused with a stable code, or decoded to what went in."""

from __future__ import annotations

import hashlib
import itertools
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fixtures import videos
from fixtures.faces import Picture
from models.errors import VideoRefused
from models.guidance import sentence
from models.media.video import CODES, Frame, VideoInfo, VideoLimits, VideoReader, probe_video, read_frames
from models.media.video_pixels import Pose, to_upright
from models.media.video_times import Thinning, Timeline

CODECS = ["vp8", "vp9", "h264"]


@pytest.fixture(scope="module")
def pictures(collins: Picture) -> list[Picture]:
    return list(videos.moving(collins[:, :, ::-1], seconds=2, size=(240, 320)))


@pytest.fixture(scope="module")
def files(pictures: list[Picture]) -> dict[str, bytes]:
    return {codec: videos.encode(pictures, codec=codec, audio=True) for codec in CODECS}


def read(data: bytes, limits: VideoLimits | None = None, rate: float | None = None) -> tuple[list[Frame], VideoInfo]:
    reader = VideoReader(data, limits, rate=rate)
    return list(reader), reader.info


def code_of(data: bytes, limits: VideoLimits | None = None) -> str:
    with pytest.raises(VideoRefused) as refusal:
        read(data, limits)
    assert refusal.value.code in CODES
    assert sentence(refusal.value.code)
    return refusal.value.code


def probe_code(data: bytes, limits: VideoLimits | None = None) -> str:
    with pytest.raises(VideoRefused) as refusal:
        probe_video(data, limits)
    return refusal.value.code


def difference(first: Picture, second: Picture) -> float:
    return float(np.abs(first.astype(int) - second).mean())


def patched(data: bytes, name: bytes, offset: int, value: int) -> bytes:
    place = data.index(name) + offset
    return data[:place] + struct.pack(">I", value) + data[place + 4 :]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("codec", CODECS)
def test_what_goes_in_comes_out(codec: str, live: bool, pictures: list[Picture]) -> None:
    data = videos.encode(pictures, codec=codec, live=live, audio=True)
    header = probe_video(data)
    assert (header.codec, header.width, header.height, header.packets) == (codec, 320, 240, 60)
    assert header.container == ("mp4" if codec == "h264" else "webm")
    frames, info = read(data)
    assert [frame.index for frame in frames] == list(range(60))
    assert all(difference(frame.pixels, picture) < 6 for frame, picture in zip(frames, pictures, strict=True))
    assert frames[0].time_s == 0
    assert frames[30].time_s == pytest.approx(1.0, abs=0.03)  # fragments move the first frame by the sound's delay
    assert frames[0].key
    assert (info.width, info.height, info.rotation, info.frames) == (320, 240, 0, 60)
    assert (info.ended, info.has_audio, info.variable_rate, info.repaired_times) == ("whole", True, False, 0)
    assert info.mean_rate == pytest.approx(30, abs=0.5)
    assert info.key_frames >= 1
    assert header.whole
    assert header.seconds == pytest.approx(info.seconds, abs=0.05)


@pytest.mark.parametrize(("container", "codec"), [("matroska", "vp8"), ("matroska", "h264"), ("mov", "h264")])
def test_other_containers(container: str, codec: str, pictures: list[Picture]) -> None:
    _, info = read(videos.encode(pictures, codec=codec, container=container))
    assert (info.container, info.codec, info.frames) == (container, codec, 60)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "video_empty"),
        (b"hello, I am a text", "not_a_video"),
        (bytes(5000), "not_a_video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not_a_video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_a_video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "unsupported_video"),
        (b"OggS\0\2" + bytes(100), "unsupported_video"),
        (b"GIF89a" + bytes(100), "unsupported_video"),
        ((b"\x47" + bytes(187)) * 3, "unsupported_video"),
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
    # iPhones store HEVC; their browser records H.264.
    for container in ("mp4", "mov"):
        assert code_of(videos.encode(pictures[:5], codec="hevc", container=container)) == "unsupported_video"
    assert code_of(files["vp8"].replace(b"V_VP8", b"V_XYZ")) == "unsupported_video"


@pytest.mark.parametrize("codec", ["vp8", "vp9", "fragmented h264"])
def test_cut_off_works_with_what_is_there(codec: str, pictures: list[Picture]) -> None:
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


def test_nothing_behind_damage_is_used(files: dict[str, bytes]) -> None:
    whole, _ = read(files["h264"])
    start = files["h264"].index(b"mdat")
    place = start + (len(files["h264"]) - start) * 3 // 4
    noise = np.random.default_rng(0).bytes(300)
    damaged = files["h264"][:place] + noise + files["h264"][place + 300 :]
    assert probe_video(damaged).packets == 60  # no decoder looked at it
    frames, info = read(damaged)
    assert info.ended == "damaged"
    assert 31 <= len(frames) < 60
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(frames, whole, strict=False))
    assert code_of(damaged, VideoLimits(min_seconds=1.9)) == "video_damaged"


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


def test_uneven_rate(pictures: list[Picture]) -> None:
    times = np.cumsum(np.random.default_rng(1).choice([0.02, 0.04, 0.1], 60))
    for codec in CODECS:
        frames, info = read(videos.encode(pictures, codec=codec, times=times))
        assert info.variable_rate
        assert [frame.time_s for frame in frames] == pytest.approx(times - times[0], abs=0.0011)
        assert info.seconds == frames[-1].time_s
        assert info.mean_rate == pytest.approx(59 / info.seconds)


def test_timestamps_that_go_back(files: dict[str, bytes], pictures: list[Picture]) -> None:
    data = videos.encode(pictures)
    stuck, info = read(videos.retimed(data, lambda index, time: 300 if 10 <= index < 15 else time))
    assert info.repaired_times == 5
    back, info = read(videos.retimed(data, lambda index, time: time - 500 if index >= 40 else time))
    assert info.repaired_times == 1
    assert info.seconds == pytest.approx(59 / 30, abs=0.01)
    for frames in (stuck, back):
        assert np.all(np.diff([frame.time_s for frame in frames]) > 0)
        assert len(frames) == 60


def test_no_timestamps_at_all() -> None:
    timeline = Timeline(25)
    assert [timeline.place(None) for _ in range(3)] == pytest.approx([0, 0.04, 0.08])
    assert (timeline.repaired, timeline.variable) == (3, False)
    nonsense = Timeline(1e9)
    assert [nonsense.place(None) for _ in range(2)] == pytest.approx([0, 1 / 30])


def test_frames_out_of_order(pictures: list[Picture]) -> None:
    data = videos.encode(pictures, codec="h264", options={"bf": "3", "b-pyramid": "normal", "refs": "4"})
    frames, info = read(data)
    assert info.repaired_times == 0
    assert all(difference(frame.pixels, picture) < 6 for frame, picture in zip(frames, pictures, strict=True))


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
    # The decoder is stopped before it takes memory for what comes.
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


def test_the_time_of_others_is_not_counted(files: dict[str, bytes]) -> None:
    now = [0.0]
    reader = VideoReader(files["vp8"], work_seconds=5, clock=lambda: now[0])
    for _ in reader:
        now[0] += 100  # a slow face detector
    assert reader.info.frames == 60


def test_thinned_out_by_time(files: dict[str, bytes]) -> None:
    for codec in CODECS:
        frames, info = read(files[codec], rate=10)
        assert [frame.index for frame in frames] == list(range(0, 60, 3))
        assert info.frames == 60
        assert len(read(files[codec], rate=1000)[0]) == 60
    slow = Thinning(2)
    kept = [time for time in np.arange(0, 4, 0.033) if slow.keep(float(time))]
    assert len(kept) == 8
    gap = Thinning(10)
    assert [gap.keep(time) for time in (0.0, 0.05, 0.31, 0.39, 0.399, 0.401)] == [True, False, True, False, True, False]


def test_read_once_and_known_at_the_end(files: dict[str, bytes]) -> None:
    reader = VideoReader(files["vp8"])
    frames = iter(reader)
    next(frames)
    with pytest.raises(RuntimeError):
        _ = reader.info
    assert len(list(frames)) == 59
    assert reader.info.frames == 60
    with pytest.raises(RuntimeError):
        next(iter(reader))
    assert sum(1 for _ in read_frames(files["vp8"], rate=5)) == 10


def test_always_the_same(files: dict[str, bytes]) -> None:
    def digest() -> str:
        return hashlib.sha256(b"".join(frame.pixels.tobytes() for frame in read_frames(files["vp9"]))).hexdigest()

    assert digest() == digest()


def test_frames_are_not_collected(collins: Picture) -> None:
    data = videos.encode(videos.moving(collins, seconds=4), codec="vp8")
    tracemalloc.start()
    assert sum(1 for _ in read_frames(data)) == 120  # 110 MB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_what_made_the_file_but_not_where(pictures: list[Picture]) -> None:
    secret = {"location": "+35.1+139.2/", "title": "my home", "comment": "grandma"}
    made = {"encoder": "OBS\x07 " + "x" * 500, "com.apple.quicktime.make": "Apple"}
    for codec, container in [("h264", "mp4"), ("h264", "mov"), ("vp8", "webm")]:
        data = videos.encode(pictures, codec=codec, container=container, metadata={**secret, **made})
        _, info = read(data)
        text = str(info.tags)
        assert not any(word in text for word in ("35.1", "home", "grandma", "\\x07"))
        assert all(len(value) <= 100 for value in info.tags.values())
        assert ("x264" in info.tags) == (codec == "h264")
        if container != "webm":
            assert info.tags["major_brand"]


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


def test_real_recordings(shared_data: Path) -> None:
    found = sorted((shared_data / "motion").glob("*.mp4"))
    if not found:
        pytest.skip("the recordings of motion (../shared/data/motion) are not here")
    for path in found:
        reader = VideoReader(path.read_bytes(), VideoLimits(max_seconds=40), rate=5)
        frames = list(reader)
        assert reader.info.ended == "whole"
        assert reader.info.repaired_times == 0
        assert abs(len(frames) - 5 * reader.info.seconds) <= 2


def test_loads_no_neural_network() -> None:
    script = "import sys, models.media.video; sys.exit(any('onnx' in name or 'litert' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_studio_gives_the_same_bytes(pictures: list[Picture]) -> None:
    def again() -> Iterator[Picture]:
        yield from pictures

    for codec in CODECS:
        assert videos.encode(pictures, codec=codec, quality=30) == videos.encode(again(), codec=codec, quality=30)
    assert videos.mutated(b"x" * 999, 4) == videos.mutated(b"x" * 999, 4)

"""Well-formed videos, made by real encoders: every encoded frame is decoded."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import videos
from fixtures.faces import Picture
from models.media.video import VideoLimits, VideoReader, probe_video, read_frames
from tests.models.media.video_calls import CODECS, difference, read


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("codec", CODECS)
def test_every_frame_is_decoded_as_it_was_encoded(codec: str, live: bool, pictures: list[Picture]) -> None:
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


def test_a_video_is_read_once_and_described_at_the_end(files: dict[str, bytes]) -> None:
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


def test_tags_tell_what_made_the_file_but_not_where(pictures: list[Picture]) -> None:
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


def test_real_recordings(shared_data: Path) -> None:
    found = sorted((shared_data / "motion").glob("*.mp4"))
    assert found
    for path in found:
        reader = VideoReader(path.read_bytes(), VideoLimits(max_seconds=40), rate=5)
        frames = list(reader)
        assert reader.info.ended == "whole"
        assert reader.info.repaired_times == 0
        assert abs(len(frames) - 5 * reader.info.seconds) <= 2


def test_loads_no_neural_network() -> None:
    script = "import sys, models.media.video; sys.exit(any('onnx' in name or 'litert' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_fixtures_give_the_same_bytes(pictures: list[Picture]) -> None:
    def again() -> Iterator[Picture]:
        yield from pictures

    for codec in CODECS:
        assert videos.encode(pictures, codec=codec, quality=30) == videos.encode(again(), codec=codec, quality=30)
    assert videos.mutated(b"x" * 999, 4) == videos.mutated(b"x" * 999, 4)

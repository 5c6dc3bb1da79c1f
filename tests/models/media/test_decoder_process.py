"""Attacks on the process that decodes: it holds nothing, and what one file does to it harms no other file."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from fixtures import videos
from fixtures.faces import Picture
from models.errors import ImageRefused, VideoRefused
from models.media import decoder_job
from models.media.confine import Bounds
from models.media.decoder_process import DecoderProcess
from models.media.decoder_wire import WireError, as_fields
from models.media.decoders import InProcess
from models.media.image import ImageLimits
from models.media.video import VideoInfo, VideoReader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="decoders are confined on Linux")


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(stream, **options)
    else:
        image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderProcess]:
    decoders = DecoderProcess()
    yield decoders
    decoders.close()


@pytest.fixture(scope="module")
def portrait(collins: Picture) -> Picture:
    return collins[:, :, ::-1].copy()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_pixels_are_those_of_the_decoder_in_this_process(
    decoders: DecoderProcess, portrait: Picture, kind: str
) -> None:
    data = saved(portrait, kind)
    for _ in range(2):
        pixels, info = decoders.decode(data)
        expected, same = InProcess().decode(data)
        assert np.array_equal(pixels, expected)
        assert info == same


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_frames_are_those_of_the_decoder_in_this_process(
    decoders: DecoderProcess, files: dict[str, bytes], codec: str
) -> None:
    film, expected = decoders.film(files[codec]), VideoReader(files[codec], thin=True)
    for frame, same in zip(film, expected, strict=True):
        assert (frame.index, frame.time_s, frame.key) == (same.index, same.time_s, same.key)
        assert np.array_equal(frame.pixels, same.pixels)
    assert film.info == expected.info
    assert decoders.probe_video(files[codec]) == InProcess().probe_video(files[codec])


def test_refusals_keep_their_code(decoders: DecoderProcess, files: dict[str, bytes], portrait: Picture) -> None:
    with pytest.raises(ImageRefused) as picture:
        decoders.decode(saved(portrait, "PNG")[:-400] + b"x" * 388 + b"\0\0\0\0IEND\xaeB`\x82")
    assert picture.value.code == "not_an_image"
    with pytest.raises(VideoRefused) as film:
        list(decoders.film(files["vp8"][:2000]))
    assert film.value.code == "video_truncated"


def test_the_process_knows_no_secret_and_inherits_no_descriptor(
    decoders: DecoderProcess, portrait: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTIFY_DATABASE_URL", "postgresql://user:password@host/database")
    decoders.close()
    inherited = os.pipe()
    os.set_inheritable(inherited[0], True)
    decoders.decode(saved(portrait, "JPEG"))
    environment = Path(f"/proc/{decoders.pid}/environ").read_bytes()
    assert b"CERTIFY" not in environment
    assert b"password" not in environment
    held = {str(entry.readlink()) for entry in Path(f"/proc/{decoders.pid}/fd").iterdir()}
    for descriptor in inherited:
        os.close(descriptor)
    assert {name.partition(":")[0] for name in held} <= {"socket", "/dev/null"}
    (job,) = jobs_of(decoders)
    held = {str(entry.readlink()) for entry in Path(f"/proc/{job}/fd").iterdir()}
    assert sorted(name.partition(":")[0] for name in held) == ["/dev/null", "/memfd", "socket"]


@pytest.mark.parametrize(
    ("kind", "mode", "megapixels", "limit_mb", "options"),
    [
        ("WEBP", "RGB", 49.6, 300, {"quality": 1, "method": 0}),
        ("PNG", "RGBA", 49.6, 300, {"compress_level": 1}),
        ("JPEG", "CMYK", 49.6, 300, {"quality": 5}),
        # To encode 50 takes ten seconds; bench/hostile_pictures.py does it.
        ("HEIF", "RGB", 8.3, 70 + 230 * 8.3 / 50, {"quality": 1}),
    ],
)
def test_fifty_megapixels_stay_below_300_mb(
    monkeypatch: pytest.MonkeyPatch,
    decoders: DecoderProcess,
    kind: str,
    mode: str,
    megapixels: float,
    limit_mb: float,
    options: dict[str, Any],
) -> None:
    side = int((megapixels * 1e6) ** 0.5) // 8 * 8
    data = saved(Image.new(mode, (side, side)), kind, **options)
    ask, peaks = decoder_job.Job.ask, [0.0]

    def ask_and_note(job: decoder_job.Job, request: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        answer = ask(job, request, data)
        for child in jobs_of(decoders):  # it has answered and still waits
            lines = Path(f"/proc/{child}/status").read_text().splitlines()
            peaks.extend(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))
        return answer

    monkeypatch.setattr(decoder_job.Job, "ask", ask_and_note)
    pixels, info = decoders.decode(data)
    assert max(pixels.shape) == side // info.scale
    assert 0 < max(peaks) < limit_mb


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_more_than_fifty_megapixels_are_refused_by_the_header(decoders: DecoderProcess, kind: str) -> None:
    data = saved(
        Image.new("P" if kind == "PNG" else "RGB", (8000, 6300)),
        kind,
        **({"quality": 1, "method": 0} if kind == "WEBP" else {}),
    )
    with pytest.raises(ImageRefused, match="choose a smaller size") as refusal:
        decoders.decode(data)
    assert refusal.value.code == "too_many_pixels"


def test_a_progressive_jpeg_that_must_be_held_whole_is_refused_by_the_header(decoders: DecoderProcess) -> None:
    data = saved(Image.new("CMYK", (6048, 4700)), "JPEG", progressive=True, quality=5)
    with pytest.raises(ImageRefused) as refusal:
        decoders.decode(data)
    assert refusal.value.code == "too_many_pixels"


def test_a_decoder_that_eats_memory_refuses_its_own_file_only(portrait: Picture) -> None:
    large, small = saved(Image.new("RGB", (3000, 3000)), "PNG"), saved(portrait, "PNG")
    decoders = DecoderProcess(Bounds(memory=30_000_000))
    try:
        with pytest.raises(ImageRefused) as refusal:
            decoders.decode(large)
        assert refusal.value.code in {"too_many_pixels", "not_an_image"}
        assert decoders.decode(small)[1].format == "PNG"
    finally:
        decoders.close()


def test_a_job_that_dies_is_unreadable_and_the_next_one_is_served(
    decoders: DecoderProcess, files: dict[str, bytes], portrait: Picture
) -> None:
    film = iter(decoders.film(files["vp8"]))
    next(film)
    _kill_jobs(decoders)
    with pytest.raises(VideoRefused) as refusal:
        list(film)
    assert refusal.value.code == "video_damaged"
    assert len(list(decoders.film(files["vp8"]))) == 60
    assert decoders.decode(saved(portrait, "JPEG"))[1].format == "JPEG"


def test_a_job_that_died_between_two_photos_costs_no_photo(decoders: DecoderProcess, portrait: Picture) -> None:
    data = saved(portrait, "JPEG")
    decoders.decode(data)
    _kill_jobs(decoders)
    assert decoders.decode(data)[1].format == "JPEG"
    assert decoders.pid is not None
    os.kill(decoders.pid, signal.SIGKILL)
    assert decoders.decode(data)[1].format == "JPEG"


def test_a_job_that_hangs_is_unreadable(files: dict[str, bytes]) -> None:
    decoders = DecoderProcess(patience_s=5.0)  # enough for a start on a busy machine
    try:
        film = iter(decoders.film(files["vp8"]))
        next(film)
        for child in jobs_of(decoders):
            os.kill(child, signal.SIGSTOP)
        with pytest.raises(VideoRefused) as refusal:
            list(film)
        assert refusal.value.code == "video_damaged"
    finally:
        decoders.close()


def test_jpegs_share_a_job_and_all_others_have_their_own(decoders: DecoderProcess, portrait: Picture) -> None:
    jpeg = saved(portrait, "JPEG")
    decoders.decode(jpeg)
    before = jobs_of(decoders)
    decoders.decode(jpeg)
    assert jobs_of(decoders) == before
    decoders.decode(saved(portrait, "WEBP"))
    wait_for(lambda: jobs_of(decoders) == before)


@pytest.mark.parametrize(
    "answer",
    [
        {"done": [10**6, 10**6, 3]},
        {"done": "everything"},
        {"refused": ["a list"]},
        {"refused": "no_such_code"},
        {"unexpected": True},
    ],
)
def test_what_a_taken_over_decoder_answers_is_checked(
    monkeypatch: pytest.MonkeyPatch, decoders: DecoderProcess, portrait: Picture, answer: dict[str, Any]
) -> None:
    monkeypatch.setattr(decoder_job, "receive", lambda _: answer)
    with pytest.raises(ImageRefused) as refusal:
        decoders.decode(saved(portrait, "PNG"), ImageLimits())
    assert refusal.value.code == "not_an_image"


@pytest.mark.parametrize(
    "frame",
    [
        [0, 0.0, 10**6, 10**6, True, 0],
        [0, 0.0, 10, 10, True, 10**6],
        [0, 0.0, 10, 10, True, -1],
        [0, "now", 10, 10, True, 0],
        [0, float("inf"), 10, 10, True, 0],
        [True, 0.0, 10, 10, True, 0],
        [0, 0.0, 10, 10],
        "frame",
    ],
)
def test_what_a_taken_over_decoder_says_of_a_frame_is_checked(
    monkeypatch: pytest.MonkeyPatch, decoders: DecoderProcess, files: dict[str, bytes], frame: object
) -> None:
    monkeypatch.setattr(decoder_job, "receive", lambda _: {"frame": frame})
    with pytest.raises(VideoRefused) as refusal:
        list(decoders.film(files["vp8"]))
    assert refusal.value.code == "video_damaged"


def test_frames_without_end_are_cut_off(
    monkeypatch: pytest.MonkeyPatch, decoders: DecoderProcess, files: dict[str, bytes]
) -> None:
    count = iter(range(10**9))

    def receive(connection: object) -> dict[str, Any]:
        number = next(count)
        return {"frame": [number, number / 1000, 2, 2, True, 0]}

    monkeypatch.setattr(decoder_job, "receive", receive)
    with pytest.raises(VideoRefused):
        list(decoders.film(files["vp8"]))
    assert next(count) < 2000


def test_the_shared_memory_cannot_be_shortened_under_the_reader() -> None:
    job = decoder_job.Job(8192, 1.0)
    with pytest.raises(PermissionError):
        os.ftruncate(job.descriptors()[1], 0)
    job.close()


@pytest.mark.parametrize("values", [None, {}, {"container": "webm"}])
def test_a_description_is_whole_or_refused(values: object) -> None:
    with pytest.raises(WireError):
        as_fields(VideoInfo, values)


def test_sixty_frames_a_second_are_thinned_before_the_analysis(
    decoders: DecoderProcess, pictures: list[Picture]
) -> None:
    fast = videos.encode([*pictures, *pictures], codec="vp8", rate=60)
    film = decoders.film(fast)
    assert len(list(film)) == 60
    assert film.info.frames == 120
    assert len(list(decoders.film(videos.encode(pictures, codec="vp8", rate=30)))) == 60


def jobs_of(decoders: DecoderProcess) -> list[int]:
    """Return the processes that the decoder has forked and not buried yet."""
    return [int(child) for child in Path(f"/proc/{decoders.pid}/task/{decoders.pid}/children").read_text().split()]


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        os.sched_yield()


def _kill_jobs(decoders: DecoderProcess) -> None:
    for child in jobs_of(decoders):
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: not jobs_of(decoders))

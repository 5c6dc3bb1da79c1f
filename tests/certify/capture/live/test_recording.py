"""The frames of a live capture are kept in order, bounded, and from the start of the recording."""

from __future__ import annotations

import numpy as np
import pytest

from certify.capture.live.recording import MAX_BYTES, MAX_RATE, MAX_REPORTS, MAX_WRONG, MOST_MOTION, Recording
from certify.errors import Invalid, TooLarge
from fixtures.faces import encode
from models.media.video import VideoReader

JPEG = encode(np.full((240, 320, 3), 90, np.uint8))


def _filled(times_ms: list[int], late_ms: int = 50) -> Recording:
    recording = Recording()
    for seq, time_ms in enumerate(times_ms):
        assert recording.add(seq, time_ms, JPEG, time_ms + late_ms)
    return recording


def test_a_recording_holds_the_frames_from_its_start_to_its_end() -> None:
    recording = _filled(list(range(0, 3000, 150)))
    recording.forget_before(600)
    video, source = recording.close(until_ms=2100)
    times = [round(frame.time_s, 2) for frame in VideoReader(video)]
    assert times == [round(0.15 * n, 2) for n in range(11)]
    assert source["times_ms"][0] == [0, 0]
    assert source["times_ms"][-1] == [1500, 1500]
    assert (source["width"], source["height"]) == (320, 240)


def test_arrivals_are_the_servers_own_clock() -> None:
    recording = Recording()
    for seq in range(12):  # taken slowly by the phone's clock, but all sent within a tenth of a second
        recording.add(seq, seq * 200, JPEG, 10_000 + seq * 10)
    _, source = recording.close(until_ms=10_000)
    assert source["times_ms"][-1] == [2200, 110]


@pytest.mark.parametrize(("seq", "captured_ms"), [(1, 500), (0, 500), (2, 100), (2, 50)])
def test_frames_come_in_their_order(seq: int, captured_ms: int) -> None:
    recording = _filled([0, 100])
    with pytest.raises(Invalid) as refused:
        recording.add(seq, captured_ms, JPEG, 600)
    assert refused.value.code == "frame_order"


def test_frames_keep_their_size() -> None:
    recording = _filled([0, 100])
    with pytest.raises(Invalid) as refused:
        recording.add(5, 300, encode(np.zeros((320, 240, 3), np.uint8)), 300)
    assert refused.value.code == "frame_size_changed"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        encode(np.zeros((100, 100, 3), np.uint8)),
        encode(np.zeros((2000, 2000, 3), np.uint8)),
        JPEG + bytes(200_000),
        JPEG[:-2],
        b"\r\n" + JPEG,
    ],
    ids=["empty", "truncated", "png", "tiny", "huge", "padded", "without its end", "not at its beginning"],
)
def test_unusable_frames_are_dropped_until_there_are_too_many(data: bytes) -> None:
    recording = _filled([0, 100])
    for number in range(MAX_WRONG):
        assert not recording.add(10 + number, 200 + number, data, 0)
    with pytest.raises(Invalid) as refused:
        recording.add(90, 900, data, 0)
    assert refused.value.code == "frame_unusable"


def test_frames_that_come_too_fast_are_dropped() -> None:
    recording = Recording()
    kept = [recording.add(seq, seq * 10, JPEG, seq * 10) for seq in range(600)]
    assert sum(kept) <= MAX_RATE * 6 * 1.2
    assert any(kept[-210:])


def test_a_recording_cannot_grow_without_limit() -> None:
    big = JPEG[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 3 + JPEG[2:]
    recording, most = Recording(), MAX_BYTES // len(big)
    for seq in range(most):
        recording.add(seq, seq * 200, big, 0)
    with pytest.raises(TooLarge):
        recording.add(most, most * 200, big, 0)
    recording = Recording()
    for seq in range(2 * most):  # while the phone is being placed, no frame is kept
        recording.add(seq, seq * 200, big, 0)
        recording.forget_before(seq * 200 + 1)


@pytest.mark.parametrize("until_ms", [0, 400, 599])
def test_an_empty_recording_is_refused(until_ms: int) -> None:
    recording = _filled([0, 300, 600, 900])
    recording.forget_before(600)
    with pytest.raises(Invalid) as refused:
        recording.close(until_ms)
    assert refused.value.code == "live_too_short"


def test_the_motion_of_the_phone_is_counted_from_the_first_frame_and_bounded() -> None:
    recording = _filled(list(range(5000, 8000, 150)))
    recording.note_motion([(at, 0.1, 0.2, 0.3) for at in range(1000, 12_000, 50)])
    _, source = recording.close(until_ms=7000)
    assert source["motion"][0] == [-1000, 0.1, 0.2, 0.3]
    assert source["motion"][-1][0] == 3000, "a second after the last frame that is kept"
    recording.note_motion([(6000, 0.0, 0.0, 0.0)] * (3 * MOST_MOTION))
    assert len(recording.close(until_ms=7000)[1]["motion"]) == MOST_MOTION


def test_attack_a_phone_that_only_talks_is_sent_away() -> None:
    recording = _filled([0, 100])
    for _ in range(MAX_REPORTS):
        recording.note_motion([])
    with pytest.raises(Invalid) as refused:
        recording.note_motion([])
    assert refused.value.code == "live_message"

"""Times of frames: uneven, missing or going back, and thinned out to a wanted rate."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures import videos
from fixtures.faces import Picture
from models.media.video_times import Thinning, Timeline
from tests.models.media.video_calls import CODECS, difference, read


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

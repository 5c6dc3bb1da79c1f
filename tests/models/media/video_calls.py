"""Calls that the tests of videos share: read a video, and get the code of its refusal."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.faces import Picture
from models.errors import VideoRefused
from models.guidance import sentence
from models.media.video import CODES, Frame, VideoInfo, VideoLimits, VideoReader, probe_video

CODECS = ["vp8", "vp9", "h264"]


def read(data: bytes, limits: VideoLimits | None = None, rate: float | None = None) -> tuple[list[Frame], VideoInfo]:
    """Return all frames of a video and what is known after them."""
    reader = VideoReader(data, limits, rate=rate)
    return list(reader), reader.info


def code_of(data: bytes, limits: VideoLimits | None = None) -> str:
    """Return the code with which reading is refused, and check that it has a sentence."""
    with pytest.raises(VideoRefused) as refusal:
        read(data, limits)
    assert refusal.value.code in CODES
    assert sentence(refusal.value.code)
    return refusal.value.code


def probe_code(data: bytes, limits: VideoLimits | None = None) -> str:
    """Return the code with which the header alone is refused."""
    with pytest.raises(VideoRefused) as refusal:
        probe_video(data, limits)
    return refusal.value.code


def difference(first: Picture, second: Picture) -> float:
    """Return the mean difference of two pictures, 0 to 255."""
    return float(np.abs(first.astype(int) - second).mean())

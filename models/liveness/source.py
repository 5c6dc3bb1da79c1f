"""Where the frames say they come from: the camera's name and sizes, and when frames arrived.

All of it is said by the phone and can be a lie, so that it never speaks *for* anybody; but most injection tools do not
bother to lie, and what is impossible is impossible whoever says it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.liveness.checks import CheckResult, failed, open_question, passed

NAME = "source"

_VIRTUAL = re.compile(
    r"virtual|\bobs\b|manycam|v4l2\s*loopback|dummy video|e2esoft|\bvcam\b|droidcam|iriun|xsplit|snap camera|mmhmm|"
    r"\bndi\b|youcam|splitcam|webcamoid|akvcam|sparkocam|chromacam|nvidia broadcast|unity video capture|deepfacelive|"
    r"avatarify|screen capture|fake[ _]?(device|camera)|altercam|vtube",
    re.IGNORECASE,
)
"""Names under which programs offer pictures as if a camera took them (the makers' own documents, November 2026).
``fake_device`` is Chromium's, for tests. Phones do not have such programs unless somebody put them there."""

MOST_AHEAD_MS = 3000
"""How much sooner than possible a recording may have arrived: frames that were held up at first come closer together
than they were taken. A recording that was ready before it was asked for arrives ten seconds ahead."""

_MOST_SKEW = 0.02
"""Relative difference of the two sides' shape up to which a camera filmed what it said: encoders round to 8 or 16."""


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """What is known of where frames come from.

    Attributes:
        camera: its name, as the browser gives it; None when it was not said.
        said_width: what the camera said it films, pixels; None when it did not say.
        said_height: likewise.
        arrivals_ms: for each frame of a live capture when it was taken and when it arrived, both in milliseconds after
            the first; empty for uploads.
    """

    camera: str | None = None
    said_width: int | None = None
    said_height: int | None = None
    arrivals_ms: Sequence[tuple[int, int]] = ()


def check_source(source: CaptureSource | None, width: int, height: int) -> CheckResult:
    """Fail when frames come from a program instead of a camera, or arrived before they can have been taken.

    Args:
        source: None when nothing is known.
        width: of the frames, upright, pixels.
        height: likewise.
    """
    if source is None or (source.camera is None and not source.arrivals_ms):
        return open_question(NAME, "unknown")
    ahead = max((taken - arrived for taken, arrived in source.arrivals_ms), default=0)
    values: dict[str, float | int | None] = {
        "frames": len(source.arrivals_ms),
        "ahead_ms": ahead,
        "another_shape": _another_shape(source, width, height),
    }
    if source.camera is not None and _VIRTUAL.search(source.camera):
        return failed(NAME, "virtual_camera", **values)
    if ahead > MOST_AHEAD_MS:
        return failed(NAME, "impossible_timing", **values)
    return passed(NAME, **values)


def _another_shape(source: CaptureSource, width: int, height: int) -> int | None:
    """Whether the frames have another shape than the camera said, 0 or 1; turned by a quarter is the same.

    It is only noted: pages may cut what a camera gives.
    """
    if not source.said_width or not source.said_height or not width or not height:
        return None
    said = max(source.said_width, source.said_height) / min(source.said_width, source.said_height)
    return int(abs(max(width, height) / min(width, height) / said - 1) > _MOST_SKEW)

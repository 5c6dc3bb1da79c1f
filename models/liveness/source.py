"""Check what the phone says about the source of the frames: the camera's name and sizes, and the times of arrival.

The phone can lie about all of it, so it never speaks *for* a bona fide presentation. But most injection tools do not
lie, and an impossible time of arrival is impossible in any case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.liveness.checks import CheckResult, failed, not_assessed, passed

NAME = "source"

MOST_DRIFT_MS = 2000
"""How much the delay of frames may change in a live capture, in milliseconds. The page keeps at most 1.5 s of pictures
unanswered (api/web/phone/js/capture/pace.js). A phone that sets the times of its pictures as it likes could move an
answer to its prompt; within this limit it moves it no further than a person is slow."""

_VIRTUAL = re.compile(
    r"virtual|\bobs\b|manycam|v4l2\s*loopback|dummy video|e2esoft|\bvcam\b|droidcam|iriun|xsplit|snap camera|mmhmm|"
    r"\bndi\b|youcam|splitcam|webcamoid|akvcam|sparkocam|chromacam|nvidia broadcast|unity video capture|deepfacelive|"
    r"avatarify|screen capture|fake[ _]?(device|camera)|altercam|vtube",
    re.IGNORECASE,
)
"""Names of virtual cameras: programs that deliver pictures like a camera (from their makers' documents, November 2026).
``fake_device`` is Chromium's, for tests. Phones have such programs only if someone installed them."""

MOST_AHEAD_MS = 3000
"""How much sooner than possible, in milliseconds, frames may arrive: frames that were delayed at first arrive at
shorter intervals than they were taken. A recording that was made before the session arrives ten seconds ahead."""

_MOST_SKEW = 0.02
"""Largest relative difference of the aspect ratio from the stated one: encoders round to 8 or 16 pixels."""


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """What the phone said about the source of the frames.

    Attributes:
        camera: the camera's name from the browser; None if unknown.
        said_width: the width that the camera stated, in pixels; None if unknown.
        said_height: the height that the camera stated, in pixels; None if unknown.
        can: the commands that the phone says its camera has (:class:`~models.liveness.plan.CommandKind`).
        arrivals_ms: for each frame of a live capture, the times when it was taken and when it arrived, both in
            milliseconds after the first; empty for uploads.
    """

    camera: str | None = None
    said_width: int | None = None
    said_height: int | None = None
    arrivals_ms: Sequence[tuple[int, int]] = ()
    can: Sequence[str] = ()


def check_source(source: CaptureSource | None, width: int, height: int) -> CheckResult:
    """Fail if the frames come from a virtual camera, or arrived before they can have been taken.

    If the camera's clock and ours drift apart, the moments of the answers are not known: the person is asked again.

    Args:
        source: None if nothing is known.
        width: of the upright frames, in pixels.
        height: of the upright frames, in pixels.
    """
    if source is None or (source.camera is None and not source.arrivals_ms):
        return not_assessed(NAME, "unknown")
    ahead = max((taken - arrived for taken, arrived in source.arrivals_ms), default=0)
    delays = [arrived - taken for taken, arrived in source.arrivals_ms]
    drift = max(delays, default=0) - min(delays, default=0)
    values: dict[str, float | int | None] = {
        "drift_ms": drift,
        "frames": len(source.arrivals_ms),
        "ahead_ms": ahead,
        "another_shape": _another_shape(source, width, height),
    }
    if source.camera is not None and _VIRTUAL.search(source.camera):
        return failed(NAME, "virtual_camera", **values)
    if ahead > MOST_AHEAD_MS:
        return failed(NAME, "impossible_timing", **values)
    if drift > MOST_DRIFT_MS:
        return not_assessed(NAME, "clock_drifts", **values)
    return passed(NAME, **values)


def _another_shape(source: CaptureSource, width: int, height: int) -> int | None:
    """Return whether the frames have another aspect ratio than the camera stated, 0 or 1; a quarter turn is the same.

    It is only recorded, because pages may crop the camera's picture.
    """
    if not source.said_width or not source.said_height or not width or not height:
        return None
    said = max(source.said_width, source.said_height) / min(source.said_width, source.said_height)
    return int(abs(max(width, height) / min(width, height) / said - 1) > _MOST_SKEW)

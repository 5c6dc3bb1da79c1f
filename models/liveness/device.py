"""Check that the face is not shown on a device or sheet whose frame can be seen around it."""

from __future__ import annotations

from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.device_frame import CLOSED_FROM
from models.liveness.readings import Readings

NAME = "device"

DOUBT = "perhaps_a_device"
"""The reason of a capture in which one frame shows a closed frame around the face: the person is asked again."""
FRAMES = 2
"""Frames with a closed frame from which the check fails. The detector runs twice a second, so it was there for half a
second. In 1,664 such frames of 150 living films it was never closed (``bench.device_frames``)."""


def check_device(readings: Readings) -> CheckResult:
    """Judge the frames that the detector examined."""
    seen = [detail.framed for detail in readings.details if detail.framed is not None]
    if not seen:
        return not_assessed(NAME, "not_measured")
    closed = sum(share >= CLOSED_FROM for share in seen)
    values = {"closed": closed, "frames": len(seen), "most": max(seen)}
    if closed >= FRAMES:
        return failed(NAME, "device_frame", **values)
    return not_assessed(NAME, DOUBT, **values) if closed else passed(NAME, **values)

"""Check that one face is in the capture from the beginning to the end, and no second one."""

from __future__ import annotations

from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.readings import Readings

NAME = "presence"

MIN_SECONDS = 2.0
"""Shortest capture that is assessed."""
MAX_MISSING = 0.2
"""Largest accepted share of frames without a face: a hand before the lens, a look away."""
RIVAL = 0.6
"""Eye distance of a second face, relative to the first, from which it counts; as in models.face.quality."""


def check_presence(readings: Readings) -> CheckResult:
    """Pass if one face was followed almost throughout and no second face of its size appeared."""
    details = readings.details
    if readings.seconds < MIN_SECONDS or not details:
        return not_assessed(NAME, "too_short", seconds=readings.seconds)
    missing = 1 - len(readings.followed) / len(details)
    rivals = sum(
        1
        for detail in details
        if detail.faces and any(face.inter_eye > RIVAL * detail.faces[0].inter_eye for face in detail.faces[1:])
    )
    values = {"seconds": readings.seconds, "frames": len(readings.glances), "missing": missing, "second_face": rivals}
    if rivals > 1:
        return failed(NAME, "several_faces", **values)
    if missing > MAX_MISSING:
        return not_assessed(NAME, "face_lost", **values)
    return passed(NAME, **values)

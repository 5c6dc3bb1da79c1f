"""One face, there from the beginning to the end."""

from __future__ import annotations

from models.liveness.checks import CheckResult, failed, open_question, passed
from models.liveness.readings import Readings

NAME = "presence"

MIN_SECONDS = 2.0
"""Shorter captures say nothing about a living person."""
MAX_MISSING = 0.2
"""Share of frames without a face up to which a capture is taken: a hand before the lens, a look away."""
RIVAL = 0.6
"""Eye distance of a second face relative to the first from which it could be meant; as models.face.quality."""


def check_presence(readings: Readings) -> CheckResult:
    """Pass when one face was followed nearly throughout and no second one of its size came in."""
    details = readings.details
    if readings.seconds < MIN_SECONDS or not details:
        return open_question(NAME, "too_short", seconds=readings.seconds)
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
        return open_question(NAME, "face_lost", **values)
    return passed(NAME, **values)

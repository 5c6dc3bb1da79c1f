"""The checks of what the phone says beside the film; source.py is loaded by the HTTP process, which has no models."""

from __future__ import annotations

from models.liveness.checks import CheckResult
from models.liveness.examined import Examined
from models.liveness.hand_motion import check_motion
from models.liveness.source import CaptureSource, check_source


def check_phone(source: CaptureSource | None, examined: Examined) -> tuple[CheckResult, CheckResult]:
    """Check what the phone said about its camera, and its motion against that of the picture.

    Args:
        source: what the phone said; None if it said nothing.
        examined: what was read from the film.

    Returns:
        The check of the source, which knows the other one's reason, and that of the motion.
    """
    moved = check_motion(examined.readings.glances, source.motion if source is not None else ())
    return check_source(source, examined.width, examined.height, moved.reason), moved

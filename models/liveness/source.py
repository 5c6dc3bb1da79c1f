"""Check what the phone says about the source of the frames: its camera, and the times of arrival.

The phone can lie about all of it, so it never speaks *for* a bona fide presentation. But most injection tools do not
lie, and an impossible time of arrival is impossible in any case. What is found has names, in one table
(:mod:`models.liveness.contradictions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.liveness.camera_report import CameraReport
from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.contradictions import BY_CODE, RULES, Effect, Film, another_shape, contradictions, effect_of

NAME = "source"
CONTRADICTS = "camera_contradicts"
"""The reason of a capture whose camera contradicts itself or the film: the person is asked again."""

MOST_DRIFT_MS = 2000
"""How much the delay of frames may change in a live capture, in milliseconds. The page keeps at most 1.5 s of pictures
unanswered (api/web/phone/js/capture/pace.js). A phone that sets the times of its pictures as it likes could move an
answer to its prompt; within this limit it moves it no further than a person is slow."""

MOST_AHEAD_MS = 3000
"""How much sooner than possible, in milliseconds, frames may arrive: frames that were delayed at first arrive at
shorter intervals than they were taken. A recording that was made before the session arrives ten seconds ahead."""


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """What the phone said about the source of the frames.

    Attributes:
        camera: what it says about its camera and itself; None if it said nothing.
        arrivals_ms: for each frame of a live capture, the times when it was taken and when it arrived, both in
            milliseconds after the first; empty for uploads.
        can: the commands that the phone says its camera has (:class:`~models.liveness.plan.CommandKind`).
        motion: samples of the phone's motion sensor (:mod:`models.liveness.hand_motion`); empty without one.
    """

    camera: CameraReport | None = None
    arrivals_ms: Sequence[tuple[int, int]] = ()
    can: Sequence[str] = ()
    motion: Sequence[Sequence[float]] = ()


def check_source(source: CaptureSource | None, width: int, height: int, motion: str = "") -> CheckResult:
    """Fail, ask again or note, as the contradictions that are found may do.

    Args:
        source: None if nothing is known.
        width: of the upright frames, in pixels.
        height: of the upright frames, in pixels.
        motion: the reason of the check of the phone's motion.

    Returns:
        The result. Its values name each contradiction that was found, with 1, and hold what a replay needs: the size
        of the film, and the number of the table (``rules``).
    """
    if source is None:
        return not_assessed(NAME, "unknown")
    ahead = max((taken - arrived for taken, arrived in source.arrivals_ms), default=0)
    delays = [arrived - taken for taken, arrived in source.arrivals_ms]
    drift = max(delays, default=0) - min(delays, default=0)
    film = Film(width, height, ahead=ahead > MOST_AHEAD_MS, drifts=drift > MOST_DRIFT_MS, motion=motion)
    report = source.camera or CameraReport()
    found = contradictions(report, film)
    if not found and report.label is None and not source.arrivals_ms:
        return not_assessed(NAME, "unknown")
    values: dict[str, float | int | None] = {
        "drift_ms": drift,
        "frames": len(source.arrivals_ms),
        "ahead_ms": ahead,
        "width": width,
        "height": height,
        "rules": RULES,
        "another_shape": another_shape(report, film),
        **dict.fromkeys(found, 1),
    }
    effect = effect_of(found)
    if effect is Effect.FAILS:
        return failed(NAME, next(code for code in found if BY_CODE[code].effect is Effect.FAILS), **values)
    if effect is Effect.ASKS:
        return not_assessed(NAME, "clock_drifts" if film.drifts else CONTRADICTS, **values)
    return passed(NAME, **values)

"""Run all liveness checks of one capture and fuse them to a verdict."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models.liveness.checks import CheckResult, not_assessed, passed
from models.liveness.commands import check_commands
from models.liveness.continuity import SeenFace, check_continuity
from models.liveness.device import check_device
from models.liveness.fusion import Fusion, LivenessReport, judge
from models.liveness.injection import check_injection
from models.liveness.light import check_light
from models.liveness.measures import measure
from models.liveness.perspective import check_perspective
from models.liveness.plan import Plan
from models.liveness.presence import check_presence
from models.liveness.prompts import check_prompts
from models.liveness.pulse import check_pulse
from models.liveness.readings import Readings
from models.liveness.timing import check_timing
from models.states import State

REPEATED_FROM = 0.05
"""Share of repeated frames from which a capture is refused. Bona fide clips, also heavily compressed: 0. Clips with a
frozen or looped part: at least 0.12, and 0.09 after re-encoding at a low bitrate (docs/liveness.md)."""

# By measure: the name of its check, and the reason code if it speaks against a bona fide presentation.
_NAMED = {
    "planarity": ("depth", "moves_like_a_picture"),
    "appearance": ("appearance", "nothing_new_appears"),
    "passive": ("passive", "looks_like_a_picture"),
    "grid": ("screen", "pixel_grid"),
}


def assess(
    readings: Readings,
    faces: Sequence[SeenFace],
    plan: Plan | None,
    fusion: Fusion,
    *,
    said: Sequence[CheckResult] = (),
    can: Collection[str] = (),
) -> LivenessReport:
    """Judge a capture.

    Args:
        readings: the readings of all frames.
        faces: what one embedder made of frames spread over the capture.
        plan: what the person was asked to do; None if nothing was asked.
        fusion: the fitted parameters.
        said: the checks of what the phone says (:mod:`models.liveness.source`, :mod:`models.liveness.hand_motion`).
        can: the commands that the phone says its camera has.
    """
    light = check_light(readings, plan)
    measures = {**measure(readings), "light": 1.0 if light.state is State.PASS else None}
    checks = [
        check_presence(readings),
        check_continuity(faces),
        check_injection(readings.glances, repeated_from=REPEATED_FROM),
        check_device(readings),
        *(_explain(fusion, name, value) for name, value in measures.items() if name in _NAMED),
        check_prompts(readings, plan),
        check_perspective(readings, plan),
        light,
        check_commands(readings, plan, can),
        check_timing(readings.glances),
        check_pulse(readings),
        *said,
    ]
    return judge(fusion, measures, checks)


def _explain(fusion: Fusion, name: str, value: float | None) -> CheckResult:
    """Report what one measure means by itself. It never fails a capture alone: the sums of the fusion decide."""
    check, reason = _NAMED[name]
    if value is None:
        return not_assessed(check, "not_measured")
    ratios = [terms[name].llr(value) for terms in fusion.terms.values() if name in terms]
    lowest = min(ratios, default=0.0)
    values = {"value": value, "llr": lowest}
    if lowest <= -1:
        return not_assessed(check, reason, **values)
    return passed(check, **values) if lowest >= 1 else not_assessed(check, "unclear", **values)

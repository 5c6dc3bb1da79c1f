"""From a liveness verdict to what the person should do next, as guidance codes.

What helps an honest person is said; which measure gave an attack away is not: whoever tries again with a better print
should learn nothing from the answer.
"""

from __future__ import annotations

from models.liveness.fusion import LivenessReport
from models.states import State

_HELP = {
    "face_lost": "keep_in_view",
    "too_short": "video_too_short",
    "several_faces": "several_faces",
    "partly_followed": "follow_prompts",
    "not_followed": "follow_prompts",
    "no_reflection": "too_bright",
    "unclear_light": "too_bright",
    "virtual_camera": "use_camera",
}

CODES = ("keep_in_view", "follow_prompts", "life_not_seen", "use_camera", "record_anew")
"""Codes of capture sessions; the last is given by the service, which alone knows other sessions."""


def advice(report: LivenessReport) -> tuple[str, ...]:
    """Guidance codes, most important first; empty when the person was seen alive."""
    if report.state is State.PASS:
        return ()
    found = [_HELP[reason] for reason in report.reasons if reason in _HELP]
    return tuple(dict.fromkeys(found)) or ("life_not_seen",)

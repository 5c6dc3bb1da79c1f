"""Turn a liveness verdict into guidance codes: what the person should do next.

The codes say what helps in a bona fide presentation. They do not say which measure detected an attack, so that an
attacker who tries again with a better print learns nothing from the answer.
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
    "no_reflection": "find_shade",
    "unclear_light": "find_shade",
    "shading_unclear": "find_shade",
    "even_light": "find_shade",
    "only_face_lit": "find_shade",
    "flat_approach": "come_much_closer",
    "small_approach": "come_much_closer",
    "closer_not_seen": "come_much_closer",
    "virtual_camera": "use_camera",
    "command_not_shown": "use_camera",
    "camera_contradicts": "use_camera",
    "moved_too_little": "turn_a_little",
    "face_too_small": "come_closer",
    "stalled": "film_stalled",
    "clock_drifts": "network_slow",
}

CODES = (
    "keep_in_view",
    "follow_prompts",
    "turn_a_little",
    "come_much_closer",
    "find_shade",
    "film_stalled",
    "network_slow",
    "life_not_seen",
    "use_camera",
    "record_anew",
    "film_needed",
    "more_than_a_movement",
    "more_than_movements",
)
"""Codes of capture sessions. Only the service gives the last four: it knows other sessions and what a session asks."""


def advice(report: LivenessReport) -> tuple[str, ...]:
    """Return guidance codes, most important first; empty if the verdict is a bona fide presentation."""
    if report.state is State.PASS:
        return ()
    codes = [_HELP[reason] for reason in report.reasons if reason in _HELP]
    return tuple(dict.fromkeys(codes)) or ("life_not_seen",)

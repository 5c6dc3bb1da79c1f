"""What ends somebody's attempts for a while: the same words for a person and for an id that is nobody's."""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict

MAX_SESSIONS_A_DAY = 20
"""Per person. Far above any honest need; bounds guessing and the load one person can cause."""


def too_many_sessions() -> Conflict:
    """Make the error of somebody who tried too often today."""
    return Conflict(
        "There were too many attempts for this person today.",
        hint="Try again tomorrow, or ask for a visit at home.",
        code=ErrorCode.TOO_MANY_SESSIONS,
    )


def another_in_progress() -> Conflict:
    """Make the error of somebody whose last video is not judged yet."""
    return Conflict(
        "Another photo or video of this person is being looked at.",
        hint="Wait for its result, mostly a few seconds.",
        code=ErrorCode.ANOTHER_IN_PROGRESS,
    )


def used_up(*, visit_comes: bool) -> Conflict:
    """Make the error of somebody whose attempts did not succeed."""
    return Conflict(
        "Several attempts did not succeed, so photos are not taken for now. The pension continues.",
        hint="A visit at home has been asked for. Nothing else needs to be done."
        if visit_comes
        else "The last proof of life still counts. Try again in some weeks, or ask for a visit at home.",
        code=ErrorCode.ATTEMPTS_USED_UP,
    )

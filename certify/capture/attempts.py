"""Errors that end a person's attempts for a while, with the same words for a person and for a decoy session."""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict

MAX_SESSIONS_A_DAY = 20
"""Sessions of one person in 24 hours. Far above any honest need; bounds guessing and the load one person can cause."""


def too_many_sessions() -> Conflict:
    """Return the error for too many sessions today."""
    return Conflict(
        "There were too many attempts for this person today.",
        hint="Try again tomorrow, or ask for a visit at home.",
        code=ErrorCode.TOO_MANY_SESSIONS,
    )


def another_in_progress() -> Conflict:
    """Return the error for an earlier photo or video that is not decided yet."""
    return Conflict(
        "Another photo or video of this person is being evaluated.",
        hint="Wait for its result, usually a few seconds.",
        code=ErrorCode.ANOTHER_IN_PROGRESS,
    )


def used_up(*, visit_comes: bool) -> Conflict:
    """Return the error for too many failed attempts.

    Args:
        visit_comes: whether a visit at home was requested for the person.

    Returns:
        The error; its hint says what happens next.
    """
    return Conflict(
        "Several attempts did not succeed, so photos are not taken for now. The pension continues.",
        hint="A visit at home has been asked for. Nothing else needs to be done."
        if visit_comes
        else "The last proof of life still counts. Try again in some weeks, or ask for a visit at home.",
        code=ErrorCode.ATTEMPTS_USED_UP,
    )

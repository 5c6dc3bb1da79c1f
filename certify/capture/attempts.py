"""Count the attempts of callers who are not recognised, with the same numbers and words for known and unknown numbers.

Attempts are counted per number and device. A stranger's attempts hold up no other device, and no session that was
opened by a sign-in, an officer or an agent. After the free attempts the same device waits for this number, each time
twice as long, and is never locked out.
"""

from __future__ import annotations

from datetime import timedelta

from certify.domain.channels import Channel
from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.public_sessions import failed_public_sessions

MAX_SESSIONS_A_DAY = 20
"""Sessions of one person with media in 24 hours, opened by a sign-in, an officer or an agent. Far above any honest
need; it bounds the load that one person can cause."""

MAX_OPEN = 3
"""Sessions of one person without media that are open at a time, opened by a sign-in, an officer or an agent. A new one
ends the oldest."""

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=10), timedelta(days=1)
"""How long a device waits for a number after its free attempts failed; each further failure doubles it. A starting
value, not measured: a day is the time in which a code, a letter or an officer opens another way."""


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


def used_up() -> Conflict:
    """Return the error for too many failed attempts. It reads the same for everyone: it must reveal no standing."""
    return Conflict(
        "Several attempts did not succeed, so no film is taken here for a while. No pension changes because of it.",
        hint="Try again later, sign in with a code or letter, or ask for a visit at home.",
        code=ErrorCode.ATTEMPTS_USED_UP,
    )


def attempt_limits(unit: Unit) -> tuple[int, timedelta]:
    """Return how many remote attempts may fail and in which time: those of the strictest policy that accepts them."""
    rules = [document.policy.capture.get(Channel.REMOTE) for document in unit.service.policies.values()]
    known = [(rule.max_attempts, timedelta(days=rule.attempt_window_days)) for rule in rules if rule is not None]
    return min(known, default=(3, timedelta(days=30)))


def require_public_attempt(unit: Unit, asked: bytes, device: bytes | None) -> None:
    """Refuse another attempt of a device for a number while it has to wait.

    Args:
        unit: the transaction to read in.
        asked: keyed hash of the number and birth date that were entered.
        device: keyed hash of what the device calls itself.

    Raises:
        Conflict: too many attempts of this device failed, and the delay is not over (``attempts_used_up``).
    """
    most, window = attempt_limits(unit)
    failed = failed_public_sessions(unit.db, asked, device, unit.now - window)
    if len(failed) >= most:
        delay = min(FIRST_WAIT * 2 ** min(len(failed) - most, 20), LONGEST_WAIT)
        if unit.now < failed[-1] + delay:
            raise used_up()


def public_attempts_left(unit: Unit, asked: bytes, device: bytes | None) -> int:
    """Return how many attempts of a device for a number are free after one that is about to count as failed."""
    most, window = attempt_limits(unit)
    return max(0, most - len(failed_public_sessions(unit.db, asked, device, unit.now - window)) - 1)

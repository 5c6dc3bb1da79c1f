"""The outcome of one attempt, as the person is told it: from the capture's judgement and the new determinations."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from certify.domain.channels import Channel
from certify.domain.decide import Determination, NextStep, Standing
from certify.domain.evidence import Check
from certify.domain.reasons import Code


class Outcome(StrEnum):
    """The outcome of a capture session."""

    CERTIFIED = "certified"
    RETRY = "retry"  # try again, with the guidance given
    REVIEW = "review"  # an officer decides; the pension continues meanwhile
    OTHER_PATH = "other_path"  # this channel is not open; the channels that are open are named
    DOORSTEP = "doorstep"  # attempts used up; an agent can come


def session_outcome(channel: Channel, attempts: Sequence[tuple[Check, Determination]]) -> Outcome:
    """Reduce an attempt to the one outcome that the person needs to know.

    An attempt that failed, or came by a channel that is not open, is never "certified", even when an earlier proof is
    still valid.

    Args:
        channel: the channel of the attempt.
        attempts: for each entitlement, how its policy judges the capture, and the new determination.

    Returns:
        The outcome.
    """
    if any(determination.standing <= Standing.PAUSED for _, determination in attempts):
        return Outcome.REVIEW
    passed = [determination for judged, determination in attempts if judged is Check.PASS]
    if not passed:
        if not any(channel in determination.channels for _, determination in attempts):
            return Outcome.OTHER_PATH
        steps = {determination.next_step for _, determination in attempts}
        return Outcome.DOORSTEP if NextStep.DOORSTEP in steps else Outcome.RETRY
    open_to_it = [determination for determination in passed if channel in determination.channels]
    if any(determination.standing is Standing.CERTIFIED for determination in open_to_it):
        return Outcome.CERTIFIED
    return Outcome.REVIEW if open_to_it else Outcome.OTHER_PATH


def attempts_used_up(determinations: Sequence[Determination]) -> bool:
    """Tell whether, for every entitlement that accepts remote proof, too many remote attempts have failed."""
    remote = [determination for determination in determinations if Channel.REMOTE in determination.channels]
    return bool(remote) and all(
        any(reason.code is Code.TOO_MANY_ATTEMPTS for reason in determination.reasons) for determination in remote
    )

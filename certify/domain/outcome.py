"""What a person is told after one attempt, from the judgement of the capture and the new determinations."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from certify.domain.decide import Determination, NextStep, Standing
from certify.domain.evidence import Check


class Outcome(StrEnum):
    """The outcome of a capture session."""

    CERTIFIED = "certified"
    RETRY = "retry"  # try again, with the guidance given
    REVIEW = "review"  # an officer looks; the pension continues meanwhile
    OTHER_PATH = "other_path"  # this way is not open; the channels that are open are named
    DOORSTEP = "doorstep"  # attempts used up; an agent can come


def session_outcome(captured: Check, determinations: Sequence[Determination]) -> Outcome:
    """Reduce the determinations of all entitlements to the one thing the person needs to know.

    An attempt that itself failed never reads "certified", even when an earlier proof is still valid.
    """
    standings = [d.standing for d in determinations]
    if any(standing <= Standing.PAUSED for standing in standings):
        return Outcome.REVIEW
    if captured is not Check.PASS:
        steps = {d.next_step for d in determinations}
        if NextStep.OTHER_PATH in steps and NextStep.RETRY not in steps:
            return Outcome.OTHER_PATH
        return Outcome.DOORSTEP if NextStep.DOORSTEP in steps else Outcome.RETRY
    if Standing.CERTIFIED in standings:
        return Outcome.CERTIFIED
    if any(d.next_step is NextStep.OTHER_PATH for d in determinations):
        return Outcome.OTHER_PATH
    return Outcome.REVIEW

"""What the person does next, from their standing and their recent remote attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from certify.domain.channels import Channel
from certify.domain.determination import NextStep, Standing
from certify.domain.evidence import Check
from certify.domain.facts import CurrentFacts
from certify.domain.policy import Policy
from certify.domain.proofs import ALONE, judge_capture, proof_with_records
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import add_days, local_date


@dataclass(frozen=True, slots=True)
class Attempts:
    """The recent remote attempts of a person.

    Attributes:
        reasons: why the latest attempt failed, if it failed, and whether there were too many.
        used_up: whether as many attempts failed as the policy allows.
        last_failed: whether the latest attempt failed.
        needs_more: whether the latest attempt showed all that it was asked for, and the policy asks for more than the
            person can be asked before a camera: another attempt would not help.
    """

    reasons: tuple[Reason, ...] = ()
    used_up: bool = False
    last_failed: bool = False
    needs_more: bool = False


def recent_attempts(policy: Policy, facts: CurrentFacts, proven_on: date | None, as_of: date) -> Attempts:
    """Judge the remote attempts since the latest proof and inside the policy's attempt window; no others count.

    A failed attempt of a caller who only gave an identifier and a birth date does not count. What proves together
    with records is no failed attempt.
    """
    rule = policy.capture.get(Channel.REMOTE)
    if rule is None:
        return Attempts()
    since = add_days(as_of, -rule.attempt_window_days)
    recent = []
    for capture in facts.captures:
        judgement, proves = judge_capture(capture, policy), proof_with_records(capture, policy, facts.signs) is not None
        if capture.public_entry and judgement.state is not Check.PASS and not proves:
            continue  # a stranger's attempt is no attempt of the person
        day = local_date(capture.event_at, policy.timezone)
        if capture.channel is Channel.REMOTE and day >= since and (proven_on is None or day >= proven_on):
            recent.append((capture.event_at, capture.id, judgement, proves))
    recent.sort(key=lambda entry: entry[:2])
    failed = [judgement for _, _, judgement, proves in recent if judgement.state is not Check.PASS and not proves]
    if not failed:
        return Attempts()
    used_up = len(failed) >= rule.max_attempts
    reasons = [reason(Code.TOO_MANY_ATTEMPTS)] if used_up else []
    last, last_proves = recent[-1][2:]
    last_failed = last.state is not Check.PASS and not last_proves
    if last_failed:
        reasons += last.reasons
    needs_more = last_failed and [why.code for why in last.reasons] in [[code] for code in ALONE.values()]
    return Attempts(tuple(reasons), used_up, last_failed, needs_more)


def choose_next_step(
    standing: Standing, channels: frozenset[Channel], attempts: Attempts, *, renewable: bool, review: bool
) -> NextStep:
    """Choose the next step.

    Args:
        standing: the standing after all limits.
        channels: the channels open to the person now.
        attempts: the recent remote attempts.
        renewable: whether the next proof may be given already.
        review: whether an officer is asked to look.

    Returns:
        The next step.
    """
    if standing is Standing.STOPPED:
        return NextStep.APPEAL
    if standing is Standing.PAUSED:
        return NextStep.REVIEW
    if standing is Standing.CERTIFIED:
        if not renewable:
            return NextStep.NOTHING
        visit = attempts.used_up or attempts.needs_more
        return NextStep.DOORSTEP if visit and Channel.REMOTE in channels else NextStep.RENEW
    if Channel.REMOTE not in channels:
        return NextStep.OTHER_PATH
    if attempts.used_up or attempts.needs_more:
        return NextStep.DOORSTEP
    if attempts.last_failed:
        return NextStep.RETRY
    return NextStep.REVIEW if review and standing is Standing.DUE else NextStep.CERTIFY

"""The outcome of an attempt: one for each combination of capture and determination."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.channels import Channel
from certify.domain.decide import Determination, Entitlement, NextStep, Payment, Standing, decide
from certify.domain.evidence import Check
from certify.domain.outcome import Outcome, session_outcome
from tests.certify.domain import strategies as some

_TEMPLATE = decide(
    Entitlement("pension 1", "employee", date(2026, 1, 1), None), some.SHIPPED["employee"], [], date(2026, 6, 1)
)


def made(standing: Standing, step: NextStep) -> Determination:
    payment = Payment.STOP if standing is Standing.STOPPED else Payment.CONTINUE
    return replace(_TEMPLATE, standing=standing, next_step=step, payment=payment)


CERTIFIED = made(Standing.CERTIFIED, NextStep.NOTHING)
CERTIFIED_ELSEWHERE = replace(CERTIFIED, channels=(Channel.OFFICER,))
DUE_RETRY = made(Standing.DUE, NextStep.RETRY)
DUE_DOORSTEP = made(Standing.DUE, NextStep.DOORSTEP)
DUE_REVIEW = made(Standing.DUE, NextStep.REVIEW)
ELSEWHERE = replace(made(Standing.DUE, NextStep.OTHER_PATH), channels=(Channel.OFFICER,))
PAUSED = made(Standing.PAUSED, NextStep.REVIEW)
STOPPED = made(Standing.STOPPED, NextStep.APPEAL)
ALL = (CERTIFIED, CERTIFIED_ELSEWHERE, DUE_RETRY, DUE_DOORSTEP, DUE_REVIEW, ELSEWHERE, PAUSED, STOPPED)


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([(Check.PASS, CERTIFIED)], Outcome.CERTIFIED),
        ([(Check.PASS, CERTIFIED), (Check.PASS, DUE_REVIEW)], Outcome.CERTIFIED),
        ([(Check.PASS, CERTIFIED), (Check.FAIL, DUE_RETRY)], Outcome.CERTIFIED),
        ([(Check.PASS, CERTIFIED), (Check.PASS, PAUSED)], Outcome.REVIEW),
        ([(Check.PASS, DUE_REVIEW)], Outcome.REVIEW),
        ([(Check.PASS, STOPPED)], Outcome.REVIEW),
        ([(Check.PASS, ELSEWHERE)], Outcome.OTHER_PATH),
        ([(Check.PASS, CERTIFIED_ELSEWHERE)], Outcome.OTHER_PATH),
        ([(Check.FAIL, CERTIFIED)], Outcome.RETRY),
        ([(Check.NOT_ASSESSED, CERTIFIED)], Outcome.RETRY),
        ([(Check.FAIL, DUE_RETRY)], Outcome.RETRY),
        ([(Check.FAIL, DUE_DOORSTEP)], Outcome.DOORSTEP),
        ([(Check.FAIL, DUE_RETRY), (Check.FAIL, DUE_DOORSTEP)], Outcome.DOORSTEP),
        ([(Check.FAIL, PAUSED)], Outcome.REVIEW),
    ],
)
def test_the_outcome_of_an_attempt(attempts: list[tuple[Check, Determination]], expected: Outcome) -> None:
    assert session_outcome(Channel.REMOTE, attempts) is expected


@given(
    st.sampled_from([Channel.REMOTE, Channel.DOORSTEP]),
    st.lists(st.tuples(st.sampled_from(Check), st.sampled_from(ALL)), max_size=4),
)
def test_only_a_passed_attempt_without_doubt_is_certified(
    channel: Channel, attempts: list[tuple[Check, Determination]]
) -> None:
    if session_outcome(channel, attempts) is Outcome.CERTIFIED:
        assert min(d.standing for _, d in attempts) > Standing.PAUSED
        assert any(
            judged is Check.PASS and d.standing is Standing.CERTIFIED and channel in d.channels
            for judged, d in attempts
        )

"""The result of a decision: standing, payment, next step, and the determination that holds them with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

from certify.domain.channels import Channel
from certify.domain.reasons import Reason
from certify.domain.schedule import Timetable
from certify.domain.terms import NO_TERMS, Terms


class Standing(IntEnum):
    """How a person stands under one entitlement; a higher value is better for the person."""

    STOPPED = 0  # the payment stops: two sources or an officer
    PAUSED = 1  # no certificate until an officer has looked; the payment continues
    OVERDUE = 2  # past grace without proof; an officer makes contact; the payment continues
    GRACE = 3  # past the due date, within grace
    DUE = 4  # not proven at present, due date not yet passed
    CERTIFIED = 5  # proven alive today


class Payment(StrEnum):
    """What the payer may do."""

    CONTINUE = "continue"
    STOP = "stop"


class NextStep(StrEnum):
    """What happens next, from the person's side."""

    NOTHING = "nothing"
    RENEW = "renew"  # certified, and already inside the window in which the next proof may be given
    CERTIFY = "certify"
    RETRY = "retry"  # the last attempt did not succeed; try again
    OTHER_PATH = "other_path"  # by one of the channels named
    DOORSTEP = "doorstep"  # attempts used up: an agent comes
    REVIEW = "review"  # an officer decides; the person has nothing to do
    APPEAL = "appeal"  # stopped: a fast review for people who were stopped wrongly


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One pension of one beneficiary, as far as the decision needs it. Dates are local to the scheme.

    Attributes:
        id: of the pension.
        scheme: name of the scheme.
        starts_on: the first day of the pension.
        birth_date: of the person, if it is known.
        last_proof_on: date of the last proof of life before this service, if any.
        first_due_on: the day before which the first proof is not due, for a pension that ran already when its fund
            began to ask (certify/domain/going_live.py); None if it is due one validity after the start.
        terms: what the fund states of this pension, such as its amount and the end of the award.
    """

    id: str
    scheme: str
    starts_on: date
    birth_date: date | None
    last_proof_on: date | None = None
    first_due_on: date | None = None
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class Determination:
    """What ``decide`` returns.

    Attributes:
        entitlement: id of the entitlement.
        scheme: the scheme whose policy was applied.
        policy_version: the version of that policy.
        as_of: the date that the determination is about.
        standing: how the person stands on that date; only this says whether a proof counts.
        payment: what the payer may do.
        next_step: what the person does next.
        review: whether an officer is asked to look.
        proven_on: date of the best proof of life. It is set whenever life is proven at all, even if the proof has run
            out or an adverse record holds it back.
        valid_until: last day of that proof's validity, inclusive; set when ``proven_on`` is set.
        method: the channel of the best proof.
        assurance: what the best proof rests on; empty without a proof.
        timetable: the dates of the next proof.
        channels: the channels open to the person now, sorted.
        reasons: why, sorted.
    """

    entitlement: str
    scheme: str
    policy_version: str
    as_of: date
    standing: Standing
    payment: Payment
    next_step: NextStep
    review: bool
    proven_on: date | None
    valid_until: date | None
    method: Channel | None
    assurance: str
    timetable: Timetable
    channels: tuple[Channel, ...]
    reasons: tuple[Reason, ...]

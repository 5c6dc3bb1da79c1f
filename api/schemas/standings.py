"""Bodies of the payer's question whether a pension may be paid."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.schemas.base import Out


class PartOut(Out):
    """A part of a pension that is payable while a condition holds. Officers found it; no record alone does."""

    rule: str = Field(examples=["prison"])
    fraction: str = Field(examples=["1/2"], description="The part that is payable")
    since: date
    until: date | None = Field(description="Last day of it; null while that is not known")
    justification: str = Field(description="The law or rule that says so")
    facts: list[str] = Field(description="Ids of the officers' finding and of the records that it rests on")


class OverpaidMonthOut(Out):
    """One month of an overpayment. Amounts are decimal texts, null where the fund states none."""

    month: str = Field(examples=["2026-03"])
    paid_on: date
    monthly: str | None = Field(examples=["1250.00"], description="What the pension was in that month")
    paid_share: str = Field(examples=["1"], description="The share of it that was paid")
    owed_share: str = Field(examples=["10/31"], description="The share of it that was owed")
    paid: str | None
    owed: str | None
    overpaid: str | None
    notes: list[str] = Field(
        examples=[["last_month"]],
        description="'last_month' and 'first_month' are owed in part; 'part:RULE': only a part was payable;"
        " 'amount_changed': the amount differs from the month before",
    )


class OverpaidOut(Out):
    """What was paid for days after the last day that is owed. It is an answer, and no claim: no one is billed by it."""

    owed_until: date
    paid_until: date = Field(
        description="Day of the last payment that is counted: the one that you stated, or the last pay day of the"
        " policy before you were told to stop"
    )
    months: str = Field(examples=["61/31"], description="Months overpaid, part months as shares")
    currency: str | None = Field(examples=["EUR"])
    total: str | None = Field(
        examples=["2459.68"], description="Sum of the lines; null if an amount is not known, and then only months count"
    )
    lines: list[OverpaidMonthOut]


class PensionStandingOut(Out):
    """Whether one pension may be paid, and how strong the proof of life behind it is."""

    scheme: str = Field(examples=["employee"])
    payment: str = Field(examples=["continue"], description="'continue': pay. 'stop': do not pay")
    standing: str | None = Field(examples=["certified"])
    valid_until: date | None = Field(description="Day until which the last proof of life counts")
    back_pay_from: date | None = Field(
        description="Set when a stopped payment continues: the pension is owed from this day on"
    )
    owed_until: date | None = Field(
        description="Set when the payment is stopped after a death or at the end of the entitlement: the pension is"
        " owed until this day, and what was paid for later days was overpaid. This service sends no bill"
    )
    overpaid: OverpaidOut | None = Field(
        description="What was paid for later days, month by month. It is gone when the death is taken back: then"
        " `back_pay_from` is set, and anything claimed back on this ground is owed to the person again"
    )
    entitled_until: date | None = Field(description="The last day of a pension that ends on a known date")
    parts: list[PartOut] = Field(description="Parts that are payable; empty if the whole pension is")
    payable: str = Field(examples=["1"], description="The share that is payable today: 1 is all of it, 0 nothing")
    payable_amount: str | None = Field(
        examples=["625.00"], description="What is payable a month by the amount that the fund states; null without one"
    )
    currency: str | None = Field(examples=["EUR"])
    payee: str | None = Field(examples=["guardian"], description="Who receives the payment, if that is not the person")
    method: str | None = Field(examples=["remote"], description="How life was proven; null if it was not")
    assurance: str = Field(
        examples=["face+liveness+possession"],
        description="What the proof rests on: face, liveness, possession, attested, data, joined by '+'; or records, "
        "officer, prior. 'face' without liveness, attested or data means that no sign of life was seen",
    )
    decided_on: date | None = Field(description="Date of the determination that this answer repeats")


class StandingOut(Out):
    """The standing of a person's pensions, without anything else about the person."""

    beneficiary_id: UUID
    as_of: AwareDatetime = Field(description="The instant for which this answer holds")
    pensions: list[PensionStandingOut]

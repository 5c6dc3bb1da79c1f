"""Bodies of the payer's question whether a pension may be paid."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.schemas.base import Out


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
        description="Set when the payment is stopped after a death: the pension is owed until this day, and what was"
        " paid for later days was overpaid. This service knows no amounts and sends no bill"
    )
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

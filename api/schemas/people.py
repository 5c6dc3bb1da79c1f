"""Bodies about beneficiaries, their entitlements and references."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.base import Code, GuidanceOut, In, Out, Text


class EntitlementIn(In):
    """A pension to enrol."""

    scheme: Code = Field(examples=["employee"])
    starts_on: date = Field(examples=["2019-04-01"])
    last_proof_on: date | None = Field(
        default=None, description="Last proof of life before this service; only an officer may state it"
    )
    paid_already: bool = Field(
        default=False,
        description="The pension is taken over and has been paid for years: its first proof is due on a birthday within"
        " twelve months, and it is not overdue at once",
    )

    monthly_amount: Text | None = Field(
        default=None,
        examples=["1250.00"],
        description="What the pension is a month; or amounts with their first days,"
        " `2025-07-01=1200.00;2026-07-01=1250.00`",
    )
    currency: Text | None = Field(default=None, examples=["EUR"])
    ends_on: date | None = Field(default=None, description="The last day of the award, if it is limited in time")
    review_on: date | Literal["never"] | None = Field(
        default=None, description="The day of the next medical review; `never` for a permanent award"
    )
    payee: Literal["guardian", "institution"] | None = Field(
        default=None, description="Who receives the payment, if that is not the person"
    )
    relation: Literal["spouse", "child", "parent", "other"] | None = Field(
        default=None, description="To the insured person who died"
    )
    residence: Text | None = Field(default=None, examples=["CN"], description="Country where the person lives")
    second_residence: Text | None = Field(default=None, examples=["ES"], description="Country of a second residence")


class BeneficiaryIn(In):
    """A person to enrol."""

    national_id: Text = Field(examples=["11010519491231002X"])
    card_number: Text | None = Field(default=None, examples=["AB12345678"])
    name: Text = Field(examples=["Eileen Collins"])
    birth_date: date | None = Field(default=None, examples=["1949-12-31"])
    region: Text | None = Field(default=None, examples=["110105"])
    needs: list[Code] = Field(default_factory=list, max_length=20, examples=[["low_vision"]])
    entitlements: list[EntitlementIn] = Field(min_length=1, max_length=20)


class LookupIn(In):
    """The number of a person to find: give one of the two. They stand in a body, because URLs appear in logs."""

    national_id: Text | None = Field(default=None, examples=["11010519491231002X"])
    card_number: Text | None = None


class EnrolledOut(Out):
    """The id under which a person is enrolled."""

    id: UUID


class EntitlementOut(Out):
    """A pension with its last determined standing."""

    id: UUID
    scheme: str
    starts_on: date
    standing: str | None = Field(examples=["certified"])
    payment: str = Field(examples=["continue"])
    next_step: str | None = Field(examples=["nothing"])
    valid_until: date | None
    due_on: date | None
    back_pay_from: date | None = Field(
        description="Set when a stopped payment continues: the pension is owed from this day on"
    )
    determination_id: UUID | None


class BeneficiaryOut(Out):
    """A person with their pensions; the ids are masked."""

    id: UUID
    name: str | None
    national_id: str = Field(examples=["••••••••••••••002X"])
    card_number: str | None
    birth_date: date | None
    region: str | None
    needs: list[str]
    erased: bool
    entitlements: list[EntitlementOut]


class BeneficiaryPage(Out):
    """A page of people. Send ``next`` as ``after`` for the next page; null means that this is the last."""

    items: list[BeneficiaryOut]
    next: UUID | None


class ReferenceOut(Out):
    """An enrolled face image, or a template of another system.

    Its state is ``pending`` until the service has measured it, and ``retired`` when later references took its place.
    """

    id: UUID
    state: Literal["pending", "active", "refused", "retired"]
    created_at: datetime
    provenance: Literal["document", "register", "camera", "unknown", "proof", "template"]
    provenance_of: str | None = Field(examples=["passport"])
    taken_on: date = Field(description="Day of the picture; if that is not known, the day on which it was enrolled")
    age_days: int = Field(description="How old the reference is; faces age")
    added_by: str = Field(description="The caller who added it")
    guidance: list[GuidanceOut]
    quality: list[dict[str, Any]] = Field(
        description="Quality measures, each with raw value, unit, score 0-100 and state"
    )

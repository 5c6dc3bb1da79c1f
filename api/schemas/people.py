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
    last_proof_on: date | None = Field(default=None, description="Last proof of life before this service")


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
    """A person to find, by one of the two. In a body, because URLs end up in logs."""

    national_id: Text | None = Field(default=None, examples=["11010519491231002X"])
    card_number: Text | None = None


class EntitlementOut(Out):
    """A pension with the standing last determined. ``payment`` answers the payer's "may I pay?"."""

    id: UUID
    scheme: str
    starts_on: date
    standing: str | None = Field(examples=["certified"])
    payment: str = Field(examples=["continue"])
    next_step: str | None = Field(examples=["nothing"])
    valid_until: date | None
    due_on: date | None
    back_pay_from: date | None = Field(description="The payment was stopped and goes on again; owed from this day on")
    determination_id: UUID | None


class BeneficiaryOut(Out):
    """A person; ids are masked."""

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
    """A page of people; ``next`` goes into ``after`` of the next request."""

    items: list[BeneficiaryOut]
    next: UUID | None


class ReferenceOut(Out):
    """An enrolled face image. ``pending`` until it has been measured."""

    id: UUID
    state: Literal["pending", "active", "refused"]
    created_at: datetime
    guidance: list[GuidanceOut]
    quality: list[dict[str, Any]] = Field(description="Measures as raw value, unit, score 0-100 and state")


class ErasedOut(Out):
    """The person's data is erased."""

    id: UUID
    erased: bool

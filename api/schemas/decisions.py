"""Bodies about determinations, evidence records, review cases and receipts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from api.schemas.base import Code, In, Out
from api.schemas.people import BeneficiaryOut
from api.schemas.proposals import ProposalOut, WhyIn


class ReceiptItemOut(Out):
    """One record or attestation that a certification rested on. ``denied``: the person said that it was not them."""

    evidence_id: UUID
    source: str = Field(examples=["city-hospital"])
    act: str = Field(examples=["hospital_stay"], description="What was done; for an attestation who saw the person")
    on: date
    weight: float
    body_present: bool
    justification: str
    denied: bool
    place: str | None = Field(description="Where an attestation says that the person was seen; null for a record")


class ReceiptOut(Out):
    """The records, or the attestation, that one certification of one pension rested on."""

    determination_id: UUID
    scheme: str
    proven_on: date
    valid_until: date
    decided_at: datetime
    needed_weight: float
    items: list[ReceiptItemOut]


class ReceiptList(Out):
    """Receipts, newest first."""

    items: list[ReceiptOut]


class ReasonOut(Out):
    """A reason of a determination: a stable code, its parameters, the facts it rests on, and a sentence."""

    code: str
    params: dict[str, str]
    facts: list[str]
    text: str


class DeterminationOut(Out):
    """The verdict about one entitlement on one date, with the digests that replay needs."""

    id: UUID
    beneficiary_id: UUID
    entitlement_id: UUID
    session_id: UUID | None
    scheme: str
    as_of: date
    standing: str
    payment: str
    next_step: str
    review: bool
    proven_on: date | None
    valid_until: date | None
    method: str | None
    assurance: str
    channels: list[str]
    reasons: list[ReasonOut]
    policy_version: str
    policy_sha256: str
    evidence: list[str]
    digest: str
    created_at: datetime


class DeterminationList(Out):
    """Determinations, newest first."""

    items: list[DeterminationOut]


SourceName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9_.\-]*$")]


class RecordIn(In):
    """A record of a registry. Give exactly one of ``adverse``, ``act`` and ``voids``."""

    source: SourceName | None = Field(
        default=None,
        examples=["civil-registry"],
        description="One of the sources that a registry's token names; officers leave it out",
    )
    record_id: Code = Field(examples=["D-2026-000417"], description="The source's own number for the record")
    event_at: AwareDatetime = Field(examples=["2026-10-02T00:00:00+08:00"])
    adverse: Code | None = Field(default=None, examples=["death"], description="An adverse record")
    act: Code | None = Field(default=None, description="A sign of life, such as hospital_stay")
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, examples=["ES"], description="Where the person lives now, with a report of a move"
    )
    voids: Code | None = Field(default=None, description="The record of the same source that this one takes back")


class RecordOut(Out):
    """The stored record. An officer also sees the person with their present standing; a registry does not."""

    evidence_id: str
    beneficiary: BeneficiaryOut | None


class ReviewCaseOut(Out):
    """A question for an officer."""

    id: UUID
    beneficiary_id: UUID
    kind: str
    state: Literal["open", "closed"]
    opened_at: datetime
    opened_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    determination_id: UUID | None


class CaseIn(In):
    """A review case that a person asks for: an appeal, or a proof of life before an officer or a consul."""

    beneficiary_id: UUID
    kind: Literal["appeal", "proof_in_person"] = Field(examples=["appeal"])


class ReviewCaseList(Out):
    """Review cases, oldest first."""

    items: list[ReviewCaseOut]


class FaceAnswerIn(WhyIn):
    """An officer's answer to a case about a duplicate face, with its reason.

    ``two_people``: both people exist, such as twins. ``wrong_reference``: the new reference does not show the person;
    it is refused. If one person draws two pensions, give the ruling ``stop`` instead.
    """

    answer: Literal["two_people", "wrong_reference"]


class FacePairOut(Out):
    """A new reference of one person, and the reference of another person that it looks like."""

    beneficiary_id: UUID
    reference_id: UUID
    other_beneficiary_id: UUID
    other_reference_id: UUID
    found_at: datetime
    answer: str | None


class FacePairList(Out):
    """Duplicate faces, oldest first."""

    items: list[FacePairOut]


class ContradictionOut(Out):
    """Something in what a phone said about its camera that cannot be, or seldom is. It never decides about a person."""

    session_id: UUID
    decided_at: datetime
    code: str = Field(examples=["virtual_camera"])
    effect: Literal["fails", "asks", "doubts", "noted"] = Field(
        description="What it did or may do: fail the film, ask again, ask again together with another, or nothing"
    )
    text: str


class ContradictionList(Out):
    """What contradicts in a person's captures, newest first."""

    items: list[ContradictionOut]


class RulingIn(WhyIn):
    """An officer's ruling, with its reason.

    ``confirm_alive``: you saw or spoke to the person. ``stop``: the payment stops. ``no_change``: you examined the
    case, and it says nothing about life or payment; this ruling is refused while the cause of the case stands.
    """

    ruling: Literal["confirm_alive", "stop", "no_change"]


class RulingOut(Out):
    """The ruling, the case and the person with their standing. If ``proposal`` waits, the case is still open."""

    proposal: ProposalOut
    case: ReviewCaseOut
    beneficiary: BeneficiaryOut

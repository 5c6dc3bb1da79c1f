"""What goes over the wire. Field descriptions and examples become the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.:\-]+$")]


class In(BaseModel):
    """A request body: unknown fields are refused, so that a typing mistake is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """An answer."""


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


class ReceiptItemOut(Out):
    """One record that counted. ``denied``: the person has said that it was not them."""

    evidence_id: UUID
    source: str = Field(examples=["city-hospital"])
    act: str = Field(examples=["hospital_stay"])
    on: date
    weight: float
    body_present: bool
    justification: str
    denied: bool


class ReceiptOut(Out):
    """What one silent certification of one pension rested on."""

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


class BeneficiaryPage(Out):
    """A page of people; ``next`` goes into ``after`` of the next request."""

    items: list[BeneficiaryOut]
    next: UUID | None


class GuidanceOut(Out):
    """What to do better, as a code and in plain words."""

    code: str = Field(examples=["too_dark"])
    text: str = Field(examples=["Turn toward the light."])


class ReferenceOut(Out):
    """An enrolled face image. ``pending`` until it has been measured."""

    id: UUID
    state: Literal["pending", "active", "refused"]
    created_at: datetime
    guidance: list[GuidanceOut]
    quality: list[dict[str, Any]] = Field(description="Measures as raw value, unit, score 0-100 and state")


class SessionIn(In):
    """A capture session to open."""

    beneficiary_id: UUID
    channel: Literal["remote", "doorstep"] = "remote"
    device_id: Annotated[str, StringConstraints(min_length=16, max_length=200, pattern=r"^[\x21-\x7e]+$")] | None = (
        Field(
            default=None,
            examples=["b1946ac92492d2347c6235b4d2611184"],
            description="Chosen once by chance and kept on the person's phone; stored as a keyed hash only",
        )
    )
    assisted: bool = Field(default=False, description="Somebody helps the person")


class CameraIn(In):
    """What a phone says of its camera; kept with the session, for whoever looks into a doubtful one."""

    label: str | None = Field(default=None, max_length=200, examples=["camera2 1, facing front"])
    facing: Literal["user", "environment"] | None = None
    width: int | None = Field(default=None, ge=1, le=16_384)
    height: int | None = Field(default=None, ge=1, le=16_384)
    frame_rate: float | None = Field(default=None, gt=0, le=1000)


class LiveHello(In):
    """The first message of a live capture."""

    type: Literal["hello"]
    token: str = Field(max_length=8192)
    nonce: str = Field(max_length=100)
    camera: CameraIn | None = None
    device: str | None = Field(default=None, max_length=200, description="As said when the session was opened")


class StepOut(Out):
    """A prompt and when it stands on the screen, in milliseconds after the first frame. Left and right are one's."""

    prompt: Literal["turn_left", "turn_right", "look_up", "come_closer", "smile", "open_mouth", "blink"]
    from_ms: int
    to_ms: int


class FlashOut(Out):
    """A colour that fills the screen for a while."""

    colour: str = Field(examples=["#00ffff"])
    from_ms: int
    to_ms: int


class PlanOut(Out):
    """What this session asks, in this order and at these times. Drawn by the server, for this session only."""

    profile: Literal["standard", "gentle", "light", "doorstep"]
    steps: list[StepOut]
    flashes: list[FlashOut]
    total_ms: int


class SessionOut(Out):
    """A capture session. ``outcome`` and ``guidance`` are there once ``state`` is ``decided``.

    ``beneficiary_id`` and ``determinations`` are left out towards somebody who only gave an id and a birth date.
    """

    id: UUID
    beneficiary_id: UUID | None
    channel: str
    state: Literal["open", "submitted", "decided", "expired"]
    created_at: datetime
    expires_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    outcome: Literal["certified", "retry", "review", "other_path", "doorstep"] | None
    attempts_left: int | None = Field(default=None, description="Before a visit is offered, when the outcome is retry")
    guidance: list[GuidanceOut]
    certificate_number: str | None
    determinations: list[UUID]
    profile: Literal["standard", "gentle", "light", "doorstep"] | None = Field(description="How much is asked")
    plan: PlanOut | None = Field(description="None in sessions from before there were challenges")
    assisted: bool


class NewSession(SessionOut):
    """A session as it is shown once, to whoever opened it."""

    nonce: str = Field(examples=["q83vEjRWeJCrze8SNFZ4kA"], description="16 bytes of this session, base64url")


class SessionOpened(Out):
    """A new session with the token that opens it, and only it, to the person's own device."""

    session: NewSession
    token: str = Field(description="Bearer token of the role 'pensioner', for this session only")


class UploadIn(In):
    """A video to send in chunks, as declared before its first byte."""

    size: int = Field(ge=1, le=2**31 - 1, examples=[3_200_000], description="Bytes of the whole")
    media_type: Literal["video/webm", "video/mp4"] = Field(description="What it is. Its content decides in the end")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of the whole, in hex")
    camera: CameraIn | None = None


class UploadOut(Out):
    """How far an upload got. ``complete`` once the whole has arrived, was checked, and the session is submitted."""

    session_id: UUID
    state: Literal["open", "submitted", "decided", "expired"] = Field(description="Of the session")
    offset: int = Field(description="Where the next chunk begins")
    size: int
    complete: bool
    min_chunk: int = Field(description="Bytes that every chunk but the last has at least")
    max_chunk: int
    expires_at: datetime


class ReasonOut(Out):
    """Why: a stable code, its parameters, the facts it rests on, and a sentence."""

    code: str
    params: dict[str, str]
    facts: list[str]
    text: str


class DeterminationOut(Out):
    """One verdict about one entitlement, with everything needed to replay it."""

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
    """A record of a registry. Exactly one of ``adverse``, ``act`` and ``voids``."""

    source: SourceName = Field(examples=["civil-registry"], description="One of the sources your token names")
    record_id: Code = Field(examples=["D-2026-000417"], description="The source's own number of the record")
    event_at: AwareDatetime = Field(examples=["2026-10-02T00:00:00+08:00"])
    adverse: Code | None = Field(default=None, examples=["death"])
    act: Code | None = Field(default=None, description="A sign of life, such as hospital_stay")
    voids: Code | None = Field(default=None, description="Number of the record of the same source to take back")


class RecordOut(Out):
    """The stored record, and how the person stands now."""

    evidence_id: str
    beneficiary: BeneficiaryOut


class CertificateOut(Out):
    """A certificate with its present state. ``text`` is what the QR code holds."""

    number: str
    state: Literal["valid", "paused", "superseded", "revoked", "expired"]
    reason: str | None
    valid_from: datetime
    valid_until: date
    issued_at: datetime
    key_id: str
    text: str = Field(examples=["CPL1:6BF…"])
    content: dict[str, Any] = Field(description="What the signed bytes state, with labels for people")


class RevokeIn(In):
    """Why a certificate is revoked."""

    reason: Code = Field(examples=["issued_in_error"])


class VerifyIn(In):
    """A certificate as read from its QR code."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4096)] = Field(examples=["CPL1:6BF…"])


class VerifyOut(Out):
    """What the issuer says of a certificate now, revocation included."""

    state: Literal["valid", "expired", "not_yet_valid", "paused", "superseded", "revoked"]
    accept: bool = Field(description="Whether it proves life now. A paused one does not, but payment goes on")
    number: str
    lines: list[str] = Field(description="The same in plain words")


class ReviewCaseOut(Out):
    """A question for an officer."""

    id: UUID
    beneficiary_id: UUID
    kind: str
    state: Literal["open", "closed"]
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    determination_id: UUID | None


class CaseIn(In):
    """A case that a person asks for: an appeal, or a proof of life before an officer or a consul."""

    beneficiary_id: UUID
    kind: Literal["appeal", "proof_in_person"] = Field(examples=["appeal"])


class ReviewCaseList(Out):
    """Review cases; who has waited longest comes first."""

    items: list[ReviewCaseOut]


class RulingIn(In):
    """An officer's ruling.

    ``confirm_alive``: you saw or spoke to the person. ``stop``: the payment stops. ``no_change``: you looked into it,
    and it says nothing about life or payment; refused while the cause of the case stands.
    """

    ruling: Literal["confirm_alive", "stop", "no_change"]


class RulingOut(Out):
    """The closed case, and how the person stands now."""

    case: ReviewCaseOut
    beneficiary: BeneficiaryOut


class ErasedOut(Out):
    """The person's data is erased."""

    id: UUID
    erased: bool


class HealthOut(Out):
    """Alive, or ready with the parts that were checked."""

    status: Literal["ok"]
    checks: dict[str, str] = Field(default_factory=dict)


class InclusionOut(Out):
    """An entry of the ledger and the proof that it is in the tree of ``size`` (RFC 9162)."""

    index: int
    size: int
    entry: str
    proof: list[str]


class ConsistencyOut(Out):
    """The proof that the tree of ``old_size`` is the beginning of that of ``new_size`` (RFC 9162)."""

    old_size: int
    new_size: int
    proof: list[str]

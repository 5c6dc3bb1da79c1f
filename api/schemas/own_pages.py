"""Bodies between the service and a person on their own pages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.base import In, Out, Text
from api.schemas.proposals import OwnErasureOut
from certify.texts import Language

DeviceId = Annotated[str, StringConstraints(min_length=16, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class WhoIn(In):
    """The claimed identity: national id or card number, and the birth date. In a body, because URLs end up in logs."""

    national_id: Text | None = Field(default=None, examples=["11010519491231002X"])
    card_number: Text | None = Field(default=None, examples=["AB12345678"])
    birth_date: date = Field(examples=["1949-12-31"])


class KnockIn(WhoIn):
    """A capture session requested without being signed in."""

    device_id: DeviceId = Field(
        examples=["b1946ac92492d2347c6235b4d2611184"],
        description="Random, made once and kept on the phone; the session is valid on this device only",
    )
    assisted: bool = Field(default=False, description="Another person helps")
    avoid_flashes: bool = Field(default=False, description="Flashing light can harm this person")
    consent: Literal[True] = Field(description="The person consents to face recognition")


class NonceOut(Out):
    """What a proof of a phone's key must contain (`nonce`, RFC 9449)."""

    nonce: str


class CodeIn(WhoIn):
    """Request a sign-in code by text message or e-mail."""

    device_id: DeviceId = Field(description="The device on which the code will be entered; it works on no other")
    language: Language | None = None


class RedeemIn(WhoIn):
    """Sign in with a code that came by message."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")] = Field(examples=["042917"])
    device_id: DeviceId
    remember: bool = Field(default=False, description="This is the person's own phone")


class LinkIn(In):
    """Sign in with the secret of a link from a letter or message, and the birth date of its person."""

    secret: Annotated[str, StringConstraints(min_length=10, max_length=100, pattern=r"^[A-Za-z0-9_\-]+$")]
    birth_date: date = Field(examples=["1949-12-31"], description="With another birth date the link stays unused")
    device_id: DeviceId
    remember: bool = Field(default=False, description="This is the person's own phone")


class KeepIn(In):
    """Stay signed in after face recognition."""

    device_id: DeviceId
    remember: bool = False


class AcceptedOut(Out):
    """The request was accepted. The answer is the same for every claimed identity, known or not."""

    accepted: Literal[True] = True


class SignedIn(Out):
    """Signed in: the cookie is set and valid until this instant."""

    until: datetime


class OwnSessionIn(In):
    """A capture session of the signed-in person."""

    assisted: bool = False
    avoid_flashes: bool = Field(default=False, description="Flashing light can harm me")


class PensionOut(Out):
    """One pension as the person sees it."""

    scheme: str = Field(examples=["employee"])
    title: str = Field(examples=["Employee basic pension"])
    standing: str | None
    payment: Literal["continue", "stop"]
    next_step: str | None
    valid_until: date | None
    due_on: date | None
    back_pay_from: date | None
    entitled_until: date | None = Field(description="Last day of a pension that ends on a known date")
    review_on: date | None = Field(description="Day of the next medical review")
    part: str | None = Field(examples=["1/2"], description="The part that is payable today; null for the whole pension")


class VisitOut(Out):
    """A visit that was asked for or is planned.

    ``wanted_on`` and ``part`` are what the person wished for, or the planned day and an estimate of the time once the
    visit is planned.
    """

    wanted_on: date
    part: Literal["morning", "afternoon"]
    asked_at: datetime


class VisitIn(In):
    """A visit to ask for."""

    wanted_on: date
    part: Literal["morning", "afternoon"]


class KnockVisitIn(WhoIn, VisitIn):
    """A visit to ask for without being signed in."""

    device_id: DeviceId = Field(description="The device that asks; attempts are counted by it")


class KnownPhoneIn(In):
    """A capture session on a phone that is known for one person."""

    device_id: DeviceId = Field(description="The session is valid on this device only")
    assisted: bool = Field(default=False, description="Another person helps")
    avoid_flashes: bool = Field(default=False, description="Flashing light can harm this person")
    consent: Literal[True] = Field(description="The person consents to face recognition")


class DoorReportIn(In):
    """Somebody at the door is reported. Number and birth date say who reports, if the phone knows them."""

    secret: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="What the code said that was shown"
    )
    national_id: Text | None = None
    card_number: Text | None = None
    birth_date: date | None = None
    device_id: DeviceId = Field(description="The device that reports; reports are counted by it")


class AppealOut(Out):
    """An appeal, and the time by which it is answered."""

    opened_at: datetime
    answer_by: datetime
    closed_at: datetime | None
    resolution: str | None


class DeathReportOut(Out):
    """When a registry says that a person died: the same day twice, or the first and the last possible day."""

    first: date = Field(description="1900-01-01 if no date is known")
    last: date


class OwnPageOut(Out):
    """The standing of a person, and what is open."""

    name: str | None
    headline: Literal["stopped", "paused", "overdue", "grace", "due", "renew", "certified", "unknown"]
    pensions: list[PensionOut]
    valid_until: date | None
    due_on: date | None
    certificate: str | None
    can_film: bool
    reference_on: date | None = Field(description="Day of the newest picture that a film is compared with")
    consent: bool | None
    visit: VisitOut | None
    appeal: AppealOut | None
    contact_change: datetime | None = Field(
        description="When another telephone or e-mail will be used that was asked for; until then it can be undone"
    )
    erasure: OwnErasureOut | None = Field(description="An erasure that I asked for, or that officers decided")
    erasure_wait_hours: int = Field(description="How long an erasure that an officer agreed to waits")
    death_report: DeathReportOut | None = Field(description="While it pauses or stops a pension")
    earliest_visit: date
    latest_visit: date


class OwnAttemptOut(Out):
    """A capture session that was decided."""

    decided_at: datetime
    channel: Literal["remote", "doorstep"]
    outcome: str
    assisted: bool


class OwnCertificateOut(Out):
    """A certificate, in force or not."""

    number: str
    state: Literal["valid", "paused", "superseded", "revoked", "expired"]
    valid_from: datetime
    valid_until: date


class HistoryOut(Out):
    """Decided sessions and certificates, newest first."""

    attempts: list[OwnAttemptOut]
    certificates: list[OwnCertificateOut]


class ConsentIn(In):
    """Consent to face recognition."""

    given: bool


class ConsentOut(Out):
    """The present consent."""

    given: bool


class ContactIn(In):
    """How the fund reaches the person; an empty field deletes the stored detail."""

    phone: Text | None = Field(default=None, examples=["+8613800138000"])
    email: Text | None = Field(default=None, examples=["eileen@example.org"])
    language: Language | None = None
    reminders: bool = Field(default=True, description="Whether reminders are wanted")
    quiet_from: int = Field(default=21, ge=0, le=23, description="Hour from which no message comes")
    quiet_to: int = Field(default=8, ge=0, le=23, description="Hour from which messages may come again")


class ContactChangeOut(Out):
    """The telephone and e-mail that will be used from an instant on, unless that is undone."""

    phone: str | None
    email: str | None
    at: datetime


class ContactOut(Out):
    """How the fund reaches the person."""

    phone: str | None
    email: str | None
    language: str | None
    reminders: bool
    quiet_from: int
    quiet_to: int
    change: ContactChangeOut | None = Field(description="A change of telephone or e-mail that waits for its day")


class OwnCodeIn(In):
    """The code that shows that the signed-in person holds their known telephone or mailbox."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")] = Field(examples=["042917"])
    remember: bool = Field(default=False, description="This is the person's own phone")


class SignInOut(Out):
    """A sign-in of the person that is live: on which kind of way, since when, until when."""

    id: UUID
    way: Literal["face", "code", "link"]
    created_at: datetime
    expires_at: datetime
    this: bool = Field(description="Whether it is the sign-in that asks")


class SignInList(Out):
    """The live sign-ins of a person, newest first."""

    items: list[SignInOut]


class SignInsEnded(Out):
    """The number of sign-ins that were live and were ended."""

    ended: int


class NotMeOut(Out):
    """The record was withdrawn; an officer investigates."""

    evidence_id: UUID
    noted_at: datetime

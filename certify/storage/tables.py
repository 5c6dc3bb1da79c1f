"""The tables. One class each; what a column means stands beside it when its name does not say it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Common settings: named constraints, so that migrations can address them; every instant has a time zone."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain class attribute
        datetime: DateTime(timezone=True),
        date: Date(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(String()),
    }


def one_of(column: str, *values: str) -> CheckConstraint:
    """Restrict a text column to the values named."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")


class BeneficiaryRow(Base):
    """A person who receives pensions. Ids are found by keyed hash and shown masked; the clear ids are sealed."""

    __tablename__ = "beneficiaries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    national_id_hash: Mapped[bytes] = mapped_column(unique=True)
    national_id_masked: Mapped[str]
    card_hash: Mapped[bytes | None] = mapped_column(unique=True)
    card_masked: Mapped[str | None]
    ids_sealed: Mapped[bytes | None]
    name: Mapped[str | None]
    birth_date: Mapped[date | None]
    region: Mapped[str | None]
    needs: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # accessibility needs
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    sex: Mapped[str | None]  # "M" or "F", as registries have it; only to tell people apart


class DataKeyRow(Base):
    """The data key of one beneficiary, wrapped by the master key. Deleting the row erases what it sealed."""

    __tablename__ = "data_keys"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    wrapped: Mapped[bytes]
    master_key_id: Mapped[str]


class SecretRow(Base):
    """A secret of the service itself (such as the key of the id hash), wrapped by the master key."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    master_key_id: Mapped[str]


class EntitlementRow(Base):
    """One pension of one beneficiary, with its present standing as last determined."""

    __tablename__ = "entitlements"
    __table_args__ = (
        UniqueConstraint("beneficiary_id", "scheme"),
        Index(None, "standing", "valid_until"),
        Index(None, "scheme", "next_change_on"),
        # Pensions whose person has something to do (certify/storage/reminders.py); most are certified, and not in it.
        Index(
            "ix_entitlements_to_remind",
            "due_on",
            "beneficiary_id",
            postgresql_where=text("payment = 'continue' and next_step in ('certify', 'retry', 'doorstep', 'renew')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"))
    scheme: Mapped[str]
    starts_on: Mapped[date]
    last_proof_on: Mapped[date | None]
    standing: Mapped[str | None]
    payment: Mapped[str] = mapped_column(server_default=text("'continue'"))
    next_step: Mapped[str | None]
    valid_until: Mapped[date | None]
    due_on: Mapped[date | None]
    next_change_on: Mapped[date | None]  # when time alone may change the standing
    determination_id: Mapped[UUID | None]  # a determination, or a silent pass of a run
    proven_on: Mapped[date | None]  # of the best proof of life, whether or not it still counts
    stopped_on: Mapped[date | None]  # since when the payment is, or last was, stopped
    back_pay_from: Mapped[date | None]  # the payment goes on again, and is owed from this day on


class BlobRow(Base):
    """Sealed media. ``sha256`` and ``size`` are of the clear bytes."""

    __tablename__ = "blobs"
    __table_args__ = (Index(None, "delete_after"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    media_type: Mapped[str]
    sealed: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(index=True)
    size: Mapped[int]
    delete_after: Mapped[datetime | None]


class ReferenceRow(Base):
    """An enrolled face. Pending until a worker has measured it."""

    __tablename__ = "face_references"
    __table_args__ = (one_of("state", "pending", "active", "refused"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    blob_id: Mapped[UUID | None] = mapped_column(ForeignKey("blobs.id"))
    state: Mapped[str]
    media_sha256: Mapped[str]
    measurement: Mapped[dict[str, Any] | None]
    guidance: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime]


class TemplateRow(Base):
    """One embedding of one reference by one model, sealed."""

    __tablename__ = "templates"

    reference_id: Mapped[UUID] = mapped_column(ForeignKey("face_references.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    model_sha256: Mapped[str]
    sealed: Mapped[bytes]


class SessionRow(Base):
    """One attempt to prove life."""

    __tablename__ = "capture_sessions"
    __table_args__ = (
        one_of("state", "open", "submitted", "decided", "expired"),
        one_of("profile", "standard", "gentle", "light", "doorstep"),
        Index(None, "state", "submitted_at"),
        Index(None, "device", "created_at"),
        Index(None, "stranger", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    channel: Mapped[str]
    state: Mapped[str]
    nonce: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    blob_id: Mapped[UUID | None] = mapped_column(ForeignKey("blobs.id"))
    media_sha256: Mapped[str | None]
    outcome: Mapped[str | None]
    guidance: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # Raw values of the measurement and comparison, for replay; kilobytes, so read only when asked for.
    report: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    evidence_id: Mapped[UUID | None] = mapped_column(unique=True)
    certificate_number: Mapped[str | None]
    determination_ids: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # How much was asked, and what (models.liveness.plan), with the reasons under "because", which are not shown.
    # Sessions from before there were challenges have neither.
    profile: Mapped[str | None]
    plan: Mapped[dict[str, Any] | None]
    device: Mapped[bytes | None]  # keyed hash of what the phone calls itself
    assisted: Mapped[bool] = mapped_column(server_default=text("false"))  # somebody helps the person, as they say
    # Where the media came from, as far as known: live or upload, what the camera says of itself, when frames arrived.
    source: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    # Keyed hash of an id and birth date that are nobody's (certify/strangers.py); None in the sessions of people.
    stranger: Mapped[bytes | None]
    # Opened by somebody who only gave an id and a birth date, and must not learn whether there is such a person.
    knocked: Mapped[bool] = mapped_column(server_default=text("false"))
    attempts_left: Mapped[int | None]  # before a visit is offered; None unless this one did not succeed
    # When the person was filmed, if not when it was submitted: a visit without a network is sent later.
    filmed_at: Mapped[datetime | None]


class PrintRow(Base):
    """Fingerprints of some frames of a session's video, to know it again (models.liveness.prints)."""

    __tablename__ = "session_prints"
    __table_args__ = (Index(None, "bands", postgresql_using="gin"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("capture_sessions.id"), primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    bands: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    frames: Mapped[bytes]


class UploadRow(Base):
    """A video on its way in chunks, one a session. The first ``received`` bytes are here, without gaps."""

    __tablename__ = "uploads"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("capture_sessions.id"), primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    size: Mapped[int]
    sha256: Mapped[str]  # of the whole, as declared
    received: Mapped[int]
    created_at: Mapped[datetime]


class ChunkRow(Base):
    """One chunk of an upload, sealed. The bytes go once the whole is put together; their hash stays to know repeats."""

    __tablename__ = "upload_chunks"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.session_id", ondelete="CASCADE"), primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]
    sha256: Mapped[str]
    sealed: Mapped[bytes | None]


class EvidenceRow(Base):
    """One immutable fact. ``external_id`` is the source's own record number: the same record is never taken twice."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: whoever adds facts has locked the person, people are never deleted, and checking each of millions
    # again took more than half of the time of storing them.
    beneficiary_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    source: Mapped[str]
    external_id: Mapped[str]
    event_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    # Never changed and mostly read whole: plain JSON, which is stored as it comes, twice as fast as JSONB.
    body: Mapped[dict[str, Any]] = mapped_column(JSON())
    # How a registry's record was linked with the person; empty for what came by itself.
    run_id: Mapped[UUID | None]
    link_stage: Mapped[str | None]
    link_weight: Mapped[float | None]  # log2 of the odds that record and person are the same
    link_levels: Mapped[str | None]  # how well each comparison agreed, as "name=4 birth=2 ..."


class PolicyRow(Base):
    """An effective policy document that some determination was made under."""

    __tablename__ = "policies"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    scheme: Mapped[str]
    version: Mapped[str]
    document: Mapped[dict[str, Any]]


class ParameterRow(Base):
    """A file of fitted numbers (such as a calibration) that some session was judged with."""

    __tablename__ = "parameters"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    document: Mapped[str]


class DeterminationRow(Base):
    """What was decided, and everything needed to decide it again."""

    __tablename__ = "determinations"
    __table_args__ = (UniqueConstraint("session_id", "entitlement_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    entitlement_id: Mapped[UUID] = mapped_column(ForeignKey("entitlements.id"), index=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("capture_sessions.id"))
    policy_sha256: Mapped[str] = mapped_column(ForeignKey("policies.sha256"))
    as_of: Mapped[date]
    inputs: Mapped[dict[str, Any]]  # the entitlement as it was, and the ids of the evidence
    verdict: Mapped[dict[str, Any]]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]


class CertificateRow(Base):
    """A signed certificate. At most one per person is in force: valid, or paused while an officer looks."""

    __tablename__ = "certificates"
    __table_args__ = (
        one_of("state", "valid", "paused", "superseded", "revoked"),
        Index(
            "uq_certificates_in_force",
            "beneficiary_id",
            unique=True,
            postgresql_where=text("state in ('valid', 'paused')"),
        ),
    )

    number: Mapped[str] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("capture_sessions.id"), unique=True)
    state: Mapped[str]
    cose: Mapped[bytes]
    subject_digest: Mapped[bytes]  # of what it certifies, to see whether a new one would say anything new
    valid_from: Mapped[datetime]
    valid_until: Mapped[date]
    expires_at: Mapped[datetime]
    kid: Mapped[str]
    issued_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    reason: Mapped[str | None]


class ReviewCaseRow(Base):
    """A question for an officer. One open case per person and kind."""

    __tablename__ = "review_cases"
    __table_args__ = (
        one_of("state", "open", "closed"),
        Index("uq_review_cases_open", "beneficiary_id", "kind", unique=True, postgresql_where=text("state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    kind: Mapped[str]
    state: Mapped[str]
    determination_id: Mapped[UUID | None]  # what opened it; none when a person asked for it
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    resolution: Mapped[str | None]


class SigningKeyRow(Base):
    """A key of the service; the private part is sealed by the master key. ``purpose``: certificate, ledger, session."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index("uq_signing_keys_active", "purpose", unique=True, postgresql_where=text("retired_at is null")),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    algorithm: Mapped[str]
    public_jwk: Mapped[dict[str, Any]]
    private_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class LedgerLeafRow(Base):
    """One entry of the ledger. ``entry`` is what was hashed, in canonical JSON; it names nobody."""

    __tablename__ = "ledger_leaves"

    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry: Mapped[bytes]
    beneficiary_id: Mapped[UUID | None] = mapped_column(index=True)
    created_at: Mapped[datetime]


class LedgerNodeRow(Base):
    """The hash of one complete subtree: level 0 are leaves, ``index`` counts from the left within the level."""

    __tablename__ = "ledger_nodes"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class CheckpointRow(Base):
    """A signed statement of the ledger's size and root."""

    __tablename__ = "ledger_checkpoints"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str]
    created_at: Mapped[datetime]


class IdempotencyRow(Base):
    """The stored answer to a request that changed something, so that a repeat changes nothing."""

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[bytes | None]  # sealed: answers can hold tokens and names
    created_at: Mapped[datetime]


class RunRow(Base):
    """One file of a feed, from reading it to the last standing that it changed."""

    __tablename__ = "runs"
    __table_args__ = (
        one_of("state", "held", "ready", "linked", "done", "refused"),
        Index(None, "feed", "started_at"),
        UniqueConstraint("feed", "sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str]
    source: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    sha256: Mapped[str]  # of the file
    description: Mapped[dict[str, Any]]  # of the feed, as it was
    shape: Mapped[dict[str, Any]]
    departures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
    decided_by: Mapped[str | None]  # the officer who let a held file go on, or refused it
    parameters: Mapped[dict[str, Any] | None]  # of linking, with the engine and the model that was used
    staging_key: Mapped[bytes | None]  # seals the working files; without it they are unreadable
    chunks: Mapped[int | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    seconds: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RunChunkRow(Base):
    """One chunk of a run, committed with everything it changed; what is here is never done again."""

    __tablename__ = "run_chunks"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    counts: Mapped[dict[str, Any]]
    policies: Mapped[dict[str, Any]]  # scheme to the hash of the policy it was decided under
    digest: Mapped[bytes]  # of its silent passes; the ledger has it too
    done_at: Mapped[datetime]


class SilentPassRow(Base):
    """One pension proven by records alone: the determination in brief. ``decide`` gives the whole again."""

    __tablename__ = "silent_passes"

    # No foreign keys here: millions come at once, from a run that locks the people and has just read the pensions.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID]
    chunk: Mapped[int]
    entitlement_id: Mapped[UUID]
    beneficiary_id: Mapped[UUID] = mapped_column(index=True)
    scheme: Mapped[str]
    as_of: Mapped[date]
    starts_on: Mapped[date]
    birth_date: Mapped[date | None]
    last_proof_on: Mapped[date | None]
    standing_before: Mapped[str | None]
    proven_on: Mapped[date]
    valid_until: Mapped[date]
    evidence: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))  # all that was known


class LinkQuestionRow(Base):
    """Whether an adverse record means this person: too good to ignore, not good enough to act on."""

    __tablename__ = "link_questions"
    __table_args__ = (
        one_of("state", "open", "same", "different", "withdrawn"),
        UniqueConstraint("source", "external_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"))
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    source: Mapped[str]
    external_id: Mapped[str]
    adverse: Mapped[str]
    event_on: Mapped[date]
    stage: Mapped[str]
    reason: Mapped[str]
    weight: Mapped[float]
    levels: Mapped[str]
    record_sealed: Mapped[bytes]  # the registry's own words, under the person's key
    state: Mapped[str]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]


class EarlyVoidRow(Base):
    """A void that came before the record it takes back; it waits for it."""

    __tablename__ = "early_voids"

    source: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"))


class AuditRow(Base):
    """A silent pass that was drawn by lot, to be checked by telephone or visit."""

    __tablename__ = "audits"
    __table_args__ = (one_of("outcome", "alive", "false_pass", "not_reached"),)

    pass_id: Mapped[UUID] = mapped_column(ForeignKey("silent_passes.id"), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), index=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    drawn_at: Mapped[datetime]
    outcome: Mapped[str | None]
    checked_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    note: Mapped[str | None]


class AccessCodeRow(Base):
    """A way in that works once: the link of a letter, or the digits of a text message. Found by keyed hash."""

    __tablename__ = "access_codes"
    __table_args__ = (one_of("kind", "link", "code"),)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    kind: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None]  # mark of the device


class ConsentRow(Base):
    """A consent given or withdrawn; the newest of a purpose counts."""

    __tablename__ = "consents"
    __table_args__ = (one_of("purpose", "face"), Index(None, "beneficiary_id", "purpose", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"))
    purpose: Mapped[str]
    given: Mapped[bool]
    text_version: Mapped[str]  # which wording was read
    assisted: Mapped[bool]  # somebody helped
    at: Mapped[datetime]


class ContactRow(Base):
    """How to reach a person; who has no row is reached by letter. Language and wish are plain, for queries."""

    __tablename__ = "contacts"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    sealed: Mapped[bytes]  # telephone, e-mail, quiet hours
    language: Mapped[str | None]
    reminders: Mapped[bool]
    changed_at: Mapped[datetime]


class MessageRow(Base):
    """One message to one person on one channel, waiting or sent. Only its sealed body says what, and where to."""

    __tablename__ = "messages"
    __table_args__ = (
        one_of("channel", "sms", "email", "letter", "apprise"),
        one_of("state", "waiting", "sent", "failed", "cancelled"),
        # The same occasion never gives two messages on one channel, however often the job runs.
        UniqueConstraint("dedupe", "channel"),
        Index("ix_messages_waiting", "channel", "urgent", "not_before", postgresql_where=text("state = 'waiting'")),
        Index(None, "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    kind: Mapped[str]
    channel: Mapped[str]
    state: Mapped[str]
    urgent: Mapped[bool]  # asked for by the person this minute: neither opt-out nor quiet hours hold it
    dedupe: Mapped[str]
    sealed: Mapped[bytes | None]  # gone once it was sent or cancelled
    not_before: Mapped[datetime]  # while it is being sent: when another may try, should the sender have died
    expires_at: Mapped[datetime]  # later it would be of no use
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]  # a code, without anything personal

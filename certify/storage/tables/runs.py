"""Tables of registry runs: chunks, silent passes, link questions, early voids, the audit sample."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import AuditCause, AuditOutcome, QuestionState, RunState
from certify.storage.tables.base import Base, one_of


class RunRow(Base):
    """One run: a file of a feed, from reading it to the last standing that it changed."""

    __tablename__ = "runs"
    __table_args__ = (
        one_of("state", RunState),
        Index(None, "feed", "started_at"),
        Index(None, "feed", "sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feed: Mapped[str]
    source: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    sha256: Mapped[str]  # of the file
    description: Mapped[dict[str, Any]]  # of the feed, at that time
    shape: Mapped[dict[str, Any]]
    departures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
    decided_by: Mapped[str | None]  # the officer who released or refused a held file
    parameters: Mapped[dict[str, Any] | None]  # of linking, with the engine and the model
    staging_key: Mapped[bytes | None]  # seals the working files; without it no one can read them
    chunks: Mapped[int | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    seconds: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RunChunkRow(Base):
    """One finished chunk of a run, committed with everything that it changed. A finished chunk is never repeated."""

    __tablename__ = "run_chunks"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    counts: Mapped[dict[str, Any]]
    policies: Mapped[dict[str, Any]]  # by scheme, the hash of the policy that was in force
    digest: Mapped[bytes]  # of its silent passes; the ledger has it as well
    facts_digest: Mapped[bytes | None]  # of the bodies of its facts; the ledger has it as well
    done_at: Mapped[datetime]


class SilentPassRow(Base):
    """One pension that records alone prove: the determination in brief. ``decide`` returns the whole again."""

    __tablename__ = "silent_passes"

    # No foreign keys: a run inserts millions of rows at once, has locked the people and has just read the pensions.
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
    evidence: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))  # all facts that were known
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class LinkQuestionRow(Base):
    """A link question: whether an adverse record is about this person.

    The link is too likely to ignore, and too uncertain to act on.
    """

    __tablename__ = "link_questions"
    __table_args__ = (
        one_of("state", QuestionState),
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
    record_sealed: Mapped[bytes]  # the record as the registry sent it, sealed with the person's data key
    state: Mapped[str]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]


class EarlyVoidRow(Base):
    """A void that came before its record and waits for it, or a correction that replaced a record by another one."""

    __tablename__ = "early_voids"

    source: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"))
    operation: Mapped[str]


class RunRecordRow(Base):
    """How one record of a file ended. Number and outcome only: no personal data.

    Of signs of life only what did not become a fact: the facts carry number and run.
    """

    __tablename__ = "run_records"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(index=True)
    outcome: Mapped[str]
    reason: Mapped[str | None]


class AuditRow(Base):
    """A certification that was drawn for an audit, to be checked by telephone or visit."""

    __tablename__ = "audits"
    __table_args__ = (one_of("outcome", AuditOutcome), one_of("cause", AuditCause))

    pass_id: Mapped[UUID] = mapped_column(primary_key=True)  # the silent pass, the capture session or the attestation
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id"), index=True)  # of a silent pass
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    drawn_at: Mapped[datetime]
    outcome: Mapped[str | None]
    checked_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    note: Mapped[str | None]
    cause: Mapped[str] = mapped_column(server_default=text("'silent'"))
    institution: Mapped[str | None]  # whose attestation it was

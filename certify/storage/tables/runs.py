"""Tables of registry runs: chunks, silent passes, link questions, the audit sample."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import AuditOutcome, QuestionState, RunState
from certify.storage.tables.base import Base, one_of


class RunRow(Base):
    """One file of a feed, from reading it to the last standing that it changed."""

    __tablename__ = "runs"
    __table_args__ = (
        one_of("state", RunState),
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
    __table_args__ = (one_of("outcome", AuditOutcome),)

    pass_id: Mapped[UUID] = mapped_column(ForeignKey("silent_passes.id"), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), index=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    drawn_at: Mapped[datetime]
    outcome: Mapped[str | None]
    checked_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    note: Mapped[str | None]

"""Tables of decisions: evidence, policies, determinations, certificates, review cases."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.case_kinds import CaseKind
from certify.domain.states import CaseState, CertificateState
from certify.storage.tables.base import Base, one_of


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
        one_of("state", CertificateState),
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
        one_of("kind", CaseKind),
        one_of("state", CaseState),
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

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
    """One immutable fact. ``external_id`` is the source's own record number, so a record is never stored twice."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: code that adds facts has locked the person, and people are never deleted. Checking the key for
    # each of millions of facts took more than half of the time of storing them.
    beneficiary_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    source: Mapped[str]
    institution: Mapped[str]  # the institution behind the source; the source itself for facts from before it was stored
    principal: Mapped[str]  # the caller who told the service; the source itself for facts from before it was stored
    external_id: Mapped[str]
    event_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    # Never changed and mostly read whole, so plain JSON, which is stored as it comes and twice as fast as JSONB.
    body: Mapped[dict[str, Any]] = mapped_column(JSON())
    # How a record of a registry was linked with the person; empty for facts that did not come from a feed.
    run_id: Mapped[UUID | None]
    link_stage: Mapped[str | None]
    link_weight: Mapped[float | None]  # log2 of the odds that the record is about this person
    link_levels: Mapped[str | None]  # how well each comparison agreed, as "name=4 birth=2 ..."


class PolicyRow(Base):
    """An effective policy document that at least one determination was made under."""

    __tablename__ = "policies"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    scheme: Mapped[str]
    version: Mapped[str]
    document: Mapped[dict[str, Any]]


class ParameterRow(Base):
    """A file of fitted parameters, such as a calibration, that at least one session was judged with."""

    __tablename__ = "parameters"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    document: Mapped[str]


class DeterminationRow(Base):
    """What was decided about one pension, and everything that a replay needs to decide it again."""

    __tablename__ = "determinations"
    __table_args__ = (UniqueConstraint("session_id", "entitlement_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    entitlement_id: Mapped[UUID] = mapped_column(ForeignKey("entitlements.id"), index=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("capture_sessions.id"))
    policy_sha256: Mapped[str] = mapped_column(ForeignKey("policies.sha256"))
    as_of: Mapped[date]
    inputs: Mapped[dict[str, Any]]  # the entitlement at that time, and the ids of the evidence
    verdict: Mapped[dict[str, Any]]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]


class CertificateRow(Base):
    """A signed certificate. A person has at most one in force: valid, or paused while an officer examines a case."""

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
    subject_digest: Mapped[bytes]  # of the certified content; a new certificate is issued only if it differs
    valid_from: Mapped[datetime]
    valid_until: Mapped[date]
    expires_at: Mapped[datetime]
    kid: Mapped[str]
    issued_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    reason: Mapped[str | None]


class ReviewCaseRow(Base):
    """A question for an officer. A person has at most one open case of each kind."""

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
    determination_id: Mapped[UUID | None]  # the determination that opened it; none if a person asked for it
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    resolution: Mapped[str | None]

"""Read silent passes and the audits that were drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import AuditCause
from certify.errors import NotFound
from certify.storage.tables.decisions import EvidenceRow
from certify.storage.tables.runs import (
    AuditRow,
    RunChunkRow,
    SilentPassRow,
)


def get_pass(db: Session, pass_id: UUID) -> SilentPassRow | None:
    """Return a silent pass, or None if there is none with this id."""
    return db.get(SilentPassRow, pass_id)


def passes_of(db: Session, beneficiary_id: UUID, *, limit: int) -> Sequence[SilentPassRow]:
    """Return the silent passes of a person, latest first."""
    query = select(SilentPassRow).where(SilentPassRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(SilentPassRow.as_of.desc(), SilentPassRow.id.desc()).limit(limit)).all()


def chunk_of(db: Session, silent_pass: SilentPassRow) -> RunChunkRow | None:
    """Return the chunk in which a pass was decided."""
    return db.get(RunChunkRow, (silent_pass.run_id, silent_pass.chunk))


def get_audit(db: Session, pass_id: UUID, *, lock: bool = False) -> AuditRow:
    """Return the audit of a certification.

    Args:
        db: the session of the transaction.
        pass_id: id of the silent pass, capture session or attestation.
        lock: lock the row until the transaction ends.

    Raises:
        NotFound: the certification was not drawn for an audit (``audit_not_found``).
    """
    query = select(AuditRow).where(AuditRow.pass_id == pass_id)
    row = db.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This certification was not drawn for an audit.", code=ErrorCode.AUDIT_NOT_FOUND)
    return row


def open_audits(db: Session, *, limit: int) -> Sequence[AuditRow]:
    """Return audits without a result, oldest first."""
    query = select(AuditRow).where(AuditRow.outcome.is_(None)).order_by(AuditRow.drawn_at, AuditRow.pass_id)
    return db.scalars(query.limit(limit)).all()


def draw_audit(
    db: Session,
    proof_id: UUID,
    beneficiary_id: UUID,
    *,
    drawn_at: datetime,
    cause: AuditCause = AuditCause.NO_POSSESSION,
    institution: str | None = None,
) -> None:
    """Store that a certification was drawn for an audit.

    Args:
        db: the session of the transaction.
        proof_id: id of the capture session or of the attestation.
        beneficiary_id: id of the person.
        drawn_at: when it was drawn.
        cause: why it could be drawn.
        institution: whose attestation it was.
    """
    db.add(
        AuditRow(
            pass_id=proof_id,
            beneficiary_id=beneficiary_id,
            drawn_at=drawn_at,
            cause=cause.value,
            institution=institution,
        )
    )


def audit_counts(
    db: Session, run_id: UUID | None = None, *, cause: AuditCause = AuditCause.SILENT, institution: str | None = None
) -> dict[str, int]:
    """Return the number of audits by outcome; those without a result count as ``open``.

    Args:
        db: the session of the transaction.
        run_id: only silent passes of this run.
        cause: only certifications of this cause.
        institution: only attestations of this institution.
    """
    query = select(func.coalesce(AuditRow.outcome, "open"), func.count()).group_by(AuditRow.outcome)
    query = query.where(AuditRow.cause == cause.value)
    for column, value in ((AuditRow.run_id, run_id), (AuditRow.institution, institution)):
        if value is not None:
            query = query.where(column == value)
    return {row[0]: row[1] for row in db.execute(query)}


def count_attestations(db: Session, institution: str | None = None) -> int:
    """Return the number of attestations, of one institution or of all."""
    query = select(func.count()).where(EvidenceRow.kind == "attestation")
    return db.scalar(query if institution is None else query.where(EvidenceRow.institution == institution)) or 0


def count_passes(db: Session, run_id: UUID | None = None) -> int:
    """Return the number of silent passes, of one run or of all, added up from the chunks of runs."""
    query = select(func.sum(RunChunkRow.counts["passes"].as_integer()))
    return int(db.scalar(query if run_id is None else query.where(RunChunkRow.run_id == run_id)) or 0)

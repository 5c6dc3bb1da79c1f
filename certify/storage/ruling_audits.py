"""Store the rulings that were drawn for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.storage.tables.proposals import ProposalRow, RulingAuditRow


def add_ruling_audit(db: Session, proposal_id: UUID, beneficiary_id: UUID, drawn_at: datetime) -> None:
    """Store that a ruling was drawn."""
    db.add(RulingAuditRow(proposal_id=proposal_id, beneficiary_id=beneficiary_id, drawn_at=drawn_at))
    db.flush()


def get_ruling_audit(db: Session, proposal_id: UUID, *, lock: bool = False) -> RulingAuditRow:
    """Return the audit of a ruling.

    Args:
        db: the session of the transaction.
        proposal_id: id of the proposal of the ruling.
        lock: lock the row until the transaction ends.

    Raises:
        NotFound: the ruling was not drawn for an audit (``audit_not_found``).
    """
    query = select(RulingAuditRow).where(RulingAuditRow.proposal_id == proposal_id)
    row = db.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("This ruling was not drawn for an audit.", code=ErrorCode.AUDIT_NOT_FOUND)
    return row


def open_ruling_audits(db: Session, *, limit: int) -> Sequence[tuple[RulingAuditRow, ProposalRow]]:
    """Return audits of rulings without a result, oldest first, with the proposals of the rulings."""
    query = (
        select(RulingAuditRow, ProposalRow)
        .join(ProposalRow, ProposalRow.id == RulingAuditRow.proposal_id)
        .where(RulingAuditRow.outcome.is_(None))
        .order_by(RulingAuditRow.drawn_at, RulingAuditRow.proposal_id)
    )
    return [(audit, proposal) for audit, proposal in db.execute(query.limit(limit))]


def ruling_audit_counts(db: Session) -> dict[str, int]:
    """Return the number of audits of rulings by outcome; those without a result count as ``open``."""
    outcome = func.coalesce(RulingAuditRow.outcome, "open")
    rows = db.execute(select(outcome, func.count()).group_by(RulingAuditRow.outcome))
    return {row[0]: row[1] for row in rows}

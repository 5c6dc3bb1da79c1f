"""Read the traces of visits, which agents are scored by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.storage.tables.doorstep import BundleRow, VisitRow, VisitTraceRow


def newest_traces(db: Session, agent_id: UUID, *, since: datetime, limit: int) -> Sequence[VisitTraceRow]:
    """Return the traces of an agent's visits after an instant, newest first."""
    query = select(VisitTraceRow).where(VisitTraceRow.agent_id == agent_id, VisitTraceRow.at > since)
    return db.scalars(query.order_by(VisitTraceRow.at.desc()).limit(limit)).all()


def rechecked_trace(db: Session, row: BundleRow) -> VisitTraceRow | None:
    """Return the trace of the first visit if a bundle is the second visit, by another agent, that checks it."""
    query = select(VisitTraceRow).join(VisitRow, VisitRow.rechecks == VisitTraceRow.bundle_id)
    return db.scalars(query.where(VisitRow.bundle_id == row.id, VisitTraceRow.agent_id != row.agent_id)).one_or_none()

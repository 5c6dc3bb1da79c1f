"""Capture sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from certify.errors import NotFound
from certify.storage.tables import SessionRow


def get_session(db: Session, session_id: UUID, *, lock: bool = False) -> SessionRow:
    """Return a capture session. Raises NotFound."""
    query = select(SessionRow).where(SessionRow.id == session_id)
    row = db.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such session.", code="session_not_found")
    return row


def waiting_sessions(db: Session, *, submitted_before: datetime, limit: int) -> Sequence[UUID]:
    """Return sessions that were submitted but are not decided, oldest first."""
    query = select(SessionRow.id).where(SessionRow.state == "submitted", SessionRow.submitted_at < submitted_before)
    return db.scalars(query.order_by(SessionRow.submitted_at).limit(limit)).all()


def expire_sessions(db: Session, now: datetime) -> int:
    """Close open sessions whose time has run out; return how many."""
    stale = update(SessionRow).where(SessionRow.state == "open", SessionRow.expires_at <= now)
    return len(db.scalars(stale.values(state="expired").returning(SessionRow.id)).all())


def sessions_since(db: Session, beneficiary_id: UUID, since: datetime) -> int:
    """Count the sessions of a person since an instant."""
    query = select(func.count()).select_from(SessionRow)
    return db.scalar(query.where(SessionRow.beneficiary_id == beneficiary_id, SessionRow.created_at >= since)) or 0


def count_by_outcome(db: Session) -> dict[tuple[str, str], int]:
    """Return how many sessions are in which state with which outcome."""
    query = select(SessionRow.state, func.coalesce(SessionRow.outcome, ""), func.count())
    rows = db.execute(query.group_by(SessionRow.state, SessionRow.outcome))
    return {(state, outcome): count for state, outcome, count in rows}


def close_sessions_of(db: Session, beneficiary_id: UUID) -> None:
    """Close all sessions of a person that are not decided yet."""
    waiting = update(SessionRow).where(
        SessionRow.beneficiary_id == beneficiary_id, SessionRow.state.in_(("open", "submitted"))
    )
    db.execute(waiting.values(state="expired"))

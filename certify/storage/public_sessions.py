"""Read capture sessions with a public entry by what was entered and on which device, for people and decoys alike.

The mark ``asked`` is a keyed hash of the number and birth date that were entered. No query here looks at whose
session it is, so that known and unknown numbers are treated alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.orm import Session

from certify.domain.outcome import Outcome
from certify.domain.states import SessionState
from certify.storage.tables.sessions import SessionRow, UploadRow


def end_open_public_sessions(db: Session, asked: bytes, device: bytes) -> None:
    """Expire the sessions that this device has open for this number; those of other devices stay open."""
    mine = update(SessionRow).where(
        SessionRow.asked == asked, SessionRow.device == device, SessionRow.state == SessionState.OPEN
    )
    db.execute(mine.values(state=SessionState.EXPIRED).execution_options(synchronize_session="fetch"))


def public_session_waits(db: Session, asked: bytes, device: bytes | None) -> bool:
    """Return whether a session of this device for this number is submitted and not decided yet."""
    query = _of(asked, device).where(SessionRow.state == SessionState.SUBMITTED)
    return db.scalars(query.limit(1)).one_or_none() is not None


def failed_public_sessions(db: Session, asked: bytes, device: bytes | None, since: datetime) -> list[datetime]:
    """Return when sessions of this device for this number failed since an instant and since its last success."""
    query = _of(asked, device).where(SessionRow.state == SessionState.DECIDED, SessionRow.decided_at >= since)
    failed: list[datetime] = []
    for row in db.scalars(query.order_by(SessionRow.decided_at)):
        if row.outcome == Outcome.CERTIFIED:
            failed = []
        elif row.decided_at is not None and row.outcome in (Outcome.RETRY, Outcome.DOORSTEP):
            failed.append(row.decided_at)
    return failed


def public_sessions_since(db: Session, asked: bytes, since: datetime) -> int:
    """Count the sessions for this number since an instant, of all devices."""
    query = select(func.count()).select_from(SessionRow)
    return db.scalar(query.where(SessionRow.asked == asked, SessionRow.created_at >= since)) or 0


def other_numbers_on_device(db: Session, asked: bytes, device: bytes, since: datetime) -> int:
    """Count the other numbers that this device entered since an instant."""
    query = select(func.count(SessionRow.asked.distinct())).where(
        SessionRow.device == device, SessionRow.created_at >= since, SessionRow.asked != asked
    )
    return db.scalar(query) or 0


def people_asked_for(db: Session, *, since: datetime, at_least: int, limit: int) -> Sequence[UUID]:
    """Return people for whom many sessions with a public entry were opened since an instant and got no media."""
    query = (
        select(SessionRow.beneficiary_id)
        .where(
            SessionRow.public_entry,
            SessionRow.decoy.is_(None),
            SessionRow.state == SessionState.EXPIRED,
            SessionRow.submitted_at.is_(None),
            SessionRow.created_at >= since,
        )
        .group_by(SessionRow.beneficiary_id)
        .having(func.count() >= at_least)
    )
    return db.scalars(query.limit(limit)).all()


def purge_public_sessions(db: Session, before: datetime) -> None:
    """Delete sessions with a public entry that were opened before an instant and got no media: nothing came of them."""
    db.execute(
        delete(SessionRow)
        .where(
            SessionRow.public_entry,
            SessionRow.state == SessionState.EXPIRED,
            SessionRow.submitted_at.is_(None),
            SessionRow.created_at < before,
            ~exists().where(UploadRow.session_id == SessionRow.id),
        )
        .execution_options(synchronize_session=False)
    )


def _of(asked: bytes, device: bytes | None) -> Select[SessionRow]:
    return select(SessionRow).where(SessionRow.asked == asked, SessionRow.device == device, SessionRow.public_entry)

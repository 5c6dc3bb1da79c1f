"""Read decoy sessions by their mark, a keyed hash of the identifier and birth date that were entered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certify.domain.states import SessionState
from certify.storage.tables.sessions import SessionRow


def decoy_waiting(db: Session, mark: bytes) -> bool:
    """Tell whether a decoy session with this mark was submitted and is not decided yet."""
    query = select(SessionRow.id).where(SessionRow.decoy == mark, SessionRow.state == SessionState.SUBMITTED)
    return db.scalars(query.limit(1)).one_or_none() is not None


def failed_decoy_profiles(db: Session, mark: bytes, since: datetime) -> list[str]:
    """Return the profiles of the decoy sessions with this mark that were decided since an instant. All of them fail."""
    query = select(SessionRow.profile).where(
        SessionRow.decoy == mark, SessionRow.state == SessionState.DECIDED, SessionRow.decided_at >= since
    )
    return [profile for profile in db.scalars(query) if profile is not None]


def decoys_since(db: Session, mark: bytes, since: datetime) -> int:
    """Count the decoy sessions with this mark since an instant."""
    query = select(func.count()).select_from(SessionRow)
    return db.scalar(query.where(SessionRow.decoy == mark, SessionRow.created_at >= since)) or 0

"""Find the plans that were drawn for a person and not answered yet, and those of attempts that failed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.domain.channels import Channel
from certify.domain.outcome import Outcome
from certify.domain.states import SessionState
from certify.storage.tables.sessions import SessionRow


def newest_session(
    db: Session, beneficiary_id: UUID, *, decoy: bytes | None, public_entry: bool, device: bytes | None, since: datetime
) -> list[SessionRow]:
    """Return the newest remote session of a device and, if callers are not recognised, the newest of any device.

    Args:
        db: the session of the transaction.
        beneficiary_id: the person, or the row that stands for no person.
        decoy: mark of an unknown identifier; None for people.
        public_entry: whether the caller only gave an identifier and a birth date. Only sessions opened in the same way
            are found.
        device: keyed hash of what the phone calls itself; None when it did not say.
        since: sessions opened before this instant are not found.

    Returns:
        At most two sessions: that of the device first.
    """
    query = (
        select(SessionRow)
        .where(
            SessionRow.beneficiary_id == beneficiary_id,
            SessionRow.channel == Channel.REMOTE,
            SessionRow.public_entry == public_entry,
            SessionRow.created_at >= since,
        )
        .order_by(SessionRow.created_at.desc(), SessionRow.id)
        .limit(1)
    )
    query = query.where(SessionRow.decoy.is_(None) if decoy is None else SessionRow.decoy == decoy)
    own = query.where(SessionRow.device.is_(None) if device is None else SessionRow.device == device)
    found = list(db.scalars(own))
    if public_entry:
        found += [row for row in db.scalars(query) if row not in found]
    return found


def failed_plans(db: Session, beneficiary_id: UUID, *, decoy: bytes | None, since: datetime) -> list[SessionRow]:
    """Return the remote sessions of callers who were not recognised that failed since an instant, oldest first."""
    query = select(SessionRow).where(
        SessionRow.beneficiary_id == beneficiary_id,
        SessionRow.channel == Channel.REMOTE,
        SessionRow.public_entry,
        SessionRow.state == SessionState.DECIDED,
        SessionRow.decided_at >= since,
        SessionRow.outcome.in_((Outcome.RETRY, Outcome.DOORSTEP)),
    )
    query = query.where(SessionRow.decoy.is_(None) if decoy is None else SessionRow.decoy == decoy)
    return list(db.scalars(query.order_by(SessionRow.decided_at)))

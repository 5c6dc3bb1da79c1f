"""Find the plans that callers were shown lately, and those of attempts that failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from certify.domain.channels import Channel
from certify.domain.outcome import Outcome
from certify.domain.states import SessionState
from certify.storage.tables.sessions import SessionRow

_MOST = 50
"""Sessions that are looked at: the newest. It bounds the work of one request. A kept plan is in all newer sessions too,
so many sessions do not push it out; only many that ask for something else do, and those are a sign of fraud."""


def public_plans(db: Session, asked: bytes, since: datetime) -> Sequence[SessionRow]:
    """Return the newest sessions with a public entry for a number, of all devices, newest first.

    Args:
        db: the session of the transaction.
        asked: keyed hash of the number and birth date that were entered.
        since: sessions opened before this instant are not found.
    """
    return _newest(db, select(SessionRow).where(SessionRow.asked == asked, SessionRow.created_at >= since))


def own_plans(db: Session, beneficiary_id: UUID, since: datetime) -> Sequence[SessionRow]:
    """Return the newest remote sessions of a person that recognised callers opened, newest first.

    Args:
        db: the session of the transaction.
        beneficiary_id: id of the person.
        since: sessions opened before this instant are not found.
    """
    query = select(SessionRow).where(
        SessionRow.beneficiary_id == beneficiary_id,
        SessionRow.channel == Channel.REMOTE,
        SessionRow.public_entry.is_(False),
        SessionRow.created_at >= since,
    )
    return _newest(db, query)


def failed_plans(
    db: Session, asked: bytes, device: bytes, *, since: datetime, others_since: datetime
) -> Sequence[SessionRow]:
    """Return the sessions with a public entry for a number that failed.

    Args:
        db: the session of the transaction.
        asked: keyed hash of the number and birth date that were entered.
        device: keyed hash of what the device calls itself.
        since: sessions of this device that were decided before this instant are not found.
        others_since: the same for other devices.
    """
    query = select(SessionRow).where(
        SessionRow.asked == asked,
        SessionRow.state == SessionState.DECIDED,
        SessionRow.outcome.in_((Outcome.RETRY, Outcome.DOORSTEP)),
        SessionRow.decided_at >= since,
        or_(SessionRow.device == device, SessionRow.decided_at >= others_since),
    )
    return db.scalars(query).all()


def _newest(db: Session, query: Select[SessionRow]) -> Sequence[SessionRow]:
    return db.scalars(query.order_by(SessionRow.created_at.desc(), SessionRow.id).limit(_MOST)).all()

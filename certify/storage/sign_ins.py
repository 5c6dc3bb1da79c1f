"""Store the sign-ins of people and tablets, and end them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Update, delete, exists, select, update
from sqlalchemy.orm import Session

from certify.domain.states import SignInEnd
from certify.storage.tables.door import SignInRow
from certify.storage.tables.doorstep import TabletRow


def sign_in_of_capture(db: Session, capture_id: UUID) -> SignInRow | None:
    """Return the sign-in that a recognised face opened in this capture session, ended or not."""
    return db.scalars(select(SignInRow).where(SignInRow.capture_id == capture_id)).one_or_none()


def live_sign_ins_of(db: Session, beneficiary_id: UUID, now: datetime) -> Sequence[SignInRow]:
    """Return the sign-ins of a person that are neither ended nor expired, newest first."""
    query = select(SignInRow).where(
        SignInRow.beneficiary_id == beneficiary_id, SignInRow.ended_at.is_(None), SignInRow.expires_at > now
    )
    return db.scalars(query.order_by(SignInRow.created_at.desc(), SignInRow.id)).all()


def live_sign_ins_of_agent(db: Session, agent_id: UUID, now: datetime) -> Sequence[SignInRow]:
    """Return the sign-ins of an agent's tablets that are neither ended nor expired, newest first."""
    query = (
        select(SignInRow)
        .join(TabletRow, TabletRow.id == SignInRow.tablet_id)
        .where(TabletRow.agent_id == agent_id, SignInRow.ended_at.is_(None), SignInRow.expires_at > now)
    )
    return db.scalars(query.order_by(SignInRow.created_at.desc(), SignInRow.id)).all()


def end_sign_in(
    db: Session, sign_in_id: UUID, *, now: datetime, because: SignInEnd, beneficiary_id: UUID | None = None
) -> bool:
    """End one sign-in; return whether it was live.

    Args:
        db: the session of the transaction.
        sign_in_id: id of the sign-in.
        now: the present instant.
        because: why it ends.
        beneficiary_id: if given, only a sign-in of this person is ended.
    """
    found = update(SignInRow).where(SignInRow.id == sign_in_id)
    if beneficiary_id is not None:
        found = found.where(SignInRow.beneficiary_id == beneficiary_id)
    return _end(db, found, now, because) > 0


def end_sign_ins_of_person(
    db: Session, beneficiary_id: UUID, *, now: datetime, because: SignInEnd, but: UUID | None = None
) -> int:
    """End all sign-ins of a person, except the one named by ``but``; return how many were live."""
    found = update(SignInRow).where(SignInRow.beneficiary_id == beneficiary_id)
    if but is not None:
        found = found.where(SignInRow.id != but)
    return _end(db, found, now, because)


def end_sign_ins_of_tablets(db: Session, tablets: Sequence[UUID], *, now: datetime, because: SignInEnd) -> int:
    """End all sign-ins of tablets; return how many were live."""
    return _end(db, update(SignInRow).where(SignInRow.tablet_id.in_(tablets)), now, because)


def has_signed_in_on(db: Session, beneficiary_id: UUID, device: str) -> bool:
    """Return whether a person signed in on this device before."""
    query = select(exists().where(SignInRow.beneficiary_id == beneficiary_id, SignInRow.device == device))
    return bool(db.scalar(query))


def delete_sign_ins_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the sign-ins of a person, which ends them."""
    db.execute(delete(SignInRow).where(SignInRow.beneficiary_id == beneficiary_id))


def purge_sign_ins(db: Session, before: datetime) -> None:
    """Delete the sign-ins that expired before an instant."""
    db.execute(delete(SignInRow).where(SignInRow.expires_at < before))


def _end(db: Session, found: Update, now: datetime, because: SignInEnd) -> int:
    live = found.where(SignInRow.ended_at.is_(None), SignInRow.expires_at > now)
    ended = live.values(ended_at=now, ended_because=because.value).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", db.execute(ended)).rowcount

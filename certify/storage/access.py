"""Store the one-time links and codes by which people reach their own pages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from certify.domain.states import AccessKind
from certify.storage.tables.people import AccessCodeRow

REPLACED = "replaced"
"""Stands in place of a device where nothing was signed in: a newer link or an officer ended it."""


def put_access_code(
    db: Session,
    *,
    digest: bytes,
    beneficiary_id: UUID,
    kind: AccessKind,
    created_at: datetime,
    expires_at: datetime,
    device: str | None = None,
) -> None:
    """Store a link or code by its keyed hash. A code takes the place of the same digits drawn before.

    A link ends the earlier links of the person: one is alive at a time.

    Args:
        db: the session of the transaction.
        digest: keyed hash of the link or code.
        beneficiary_id: the person whose pages it opens.
        kind: link or code.
        created_at: the present instant.
        expires_at: when it stops working.
        device: mark of the only device that may use it; None for any.
    """
    if kind is AccessKind.CODE:  # the same six digits can be drawn again; the 160 bits of a link cannot
        db.execute(delete(AccessCodeRow).where(AccessCodeRow.hash == digest))
    else:
        _replace(db, beneficiary_id, AccessKind.LINK, created_at)
    db.add(
        AccessCodeRow(
            hash=digest,
            beneficiary_id=beneficiary_id,
            kind=kind,
            created_at=created_at,
            expires_at=expires_at,
            device=device,
        )
    )
    db.flush()


def use_access_code(
    db: Session,
    *,
    digest: bytes,
    kind: AccessKind,
    device: str,
    now: datetime,
    used_after: datetime,
    tries: int | None = None,
) -> UUID | None:
    """Mark a link or code as used, in one statement, and return its person.

    Args:
        db: the session.
        digest: keyed hash of the link or code.
        kind: link or code.
        device: mark of the device that uses it.
        now: the present instant.
        used_after: the same device may use it again if its first use lies after this instant.
        tries: wrong entries after which a code is dead; None for no limit.

    Returns:
        The person, or None when it is unknown, expired, used, or for another device.
    """
    again = and_(AccessCodeRow.used_by == device, AccessCodeRow.used_at > used_after)
    use = (
        update(AccessCodeRow)
        .where(
            AccessCodeRow.hash == digest,
            AccessCodeRow.kind == kind,
            or_(AccessCodeRow.used_at.is_(None), again),
            or_(AccessCodeRow.device.is_(None), AccessCodeRow.device == device),
            AccessCodeRow.expires_at > now,
        )
        .values(used_at=func.coalesce(AccessCodeRow.used_at, now), used_by=device)
        .returning(AccessCodeRow.beneficiary_id)
    )
    if tries is not None:
        use = use.where(AccessCodeRow.tries < tries)
    return db.scalars(use).one_or_none()


def count_wrong_code(db: Session, beneficiary_id: UUID, device: str, now: datetime) -> None:
    """Count a wrong entry on a device against the live codes that this device asked for, and against no others."""
    mine = update(AccessCodeRow).where(
        AccessCodeRow.beneficiary_id == beneficiary_id,
        AccessCodeRow.kind == AccessKind.CODE,
        AccessCodeRow.device == device,
        AccessCodeRow.used_at.is_(None),
        AccessCodeRow.expires_at > now,
    )
    db.execute(mine.values(tries=AccessCodeRow.tries + 1).execution_options(synchronize_session=False))


def codes_since(db: Session, beneficiary_id: UUID, after: datetime) -> list[tuple[datetime, str | None]]:
    """Return when the codes of a person were made after an instant, and for which device each."""
    query = select(AccessCodeRow.created_at, AccessCodeRow.device).where(
        AccessCodeRow.beneficiary_id == beneficiary_id,
        AccessCodeRow.kind == AccessKind.CODE,
        AccessCodeRow.created_at > after,
    )
    return [(at, device) for at, device in db.execute(query)]


def end_access_codes_of(db: Session, beneficiary_id: UUID, now: datetime, *, links: bool) -> None:
    """End the live codes of a person, and their links too if wanted."""
    _replace(db, beneficiary_id, AccessKind.CODE, now)
    if links:
        _replace(db, beneficiary_id, AccessKind.LINK, now)


def person_of_access_code(db: Session, *, digest: bytes, kind: AccessKind) -> UUID | None:
    """Return for whom a link or code was made, used or not; None when it is unknown."""
    query = select(AccessCodeRow.beneficiary_id).where(AccessCodeRow.hash == digest, AccessCodeRow.kind == kind)
    return db.scalars(query).one_or_none()


def delete_expired_access_codes(db: Session, before: datetime) -> None:
    """Delete the links and codes that expired before an instant."""
    db.execute(delete(AccessCodeRow).where(AccessCodeRow.expires_at < before))


def delete_access_codes_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the links and codes of a person."""
    db.execute(delete(AccessCodeRow).where(AccessCodeRow.beneficiary_id == beneficiary_id))


def _replace(db: Session, beneficiary_id: UUID, kind: AccessKind, now: datetime) -> None:
    """End live links or codes. Their rows stay: a letter still tells an agent at the door whose it is."""
    live = update(AccessCodeRow).where(
        AccessCodeRow.beneficiary_id == beneficiary_id, AccessCodeRow.kind == kind, AccessCodeRow.used_at.is_(None)
    )
    db.execute(live.values(used_at=now, used_by=REPLACED).execution_options(synchronize_session=False))

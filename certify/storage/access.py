"""Store the one-time links and codes by which people reach their own pages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from certify.domain.states import AccessKind
from certify.storage.tables.people import AccessCodeRow


def count_access_codes(db: Session, beneficiary_id: UUID, kind: AccessKind, *, after: datetime) -> int:
    """Count the links or codes that were made for a person after an instant."""
    query = select(func.count()).where(
        AccessCodeRow.beneficiary_id == beneficiary_id,
        AccessCodeRow.kind == kind,
        AccessCodeRow.created_at > after,
    )
    return db.scalar(query) or 0


def has_live_link(db: Session, beneficiary_id: UUID, now: datetime) -> bool:
    """Return whether a link was made for a person that has not expired, used or not."""
    query = select(AccessCodeRow.hash).where(
        AccessCodeRow.beneficiary_id == beneficiary_id,
        AccessCodeRow.kind == AccessKind.LINK,
        AccessCodeRow.expires_at > now,
    )
    return db.scalars(query.limit(1)).one_or_none() is not None


def put_access_code(
    db: Session, *, digest: bytes, beneficiary_id: UUID, kind: AccessKind, created_at: datetime, expires_at: datetime
) -> None:
    """Store a link or code by its keyed hash. A code takes the place of the same digits drawn before."""
    if kind is AccessKind.CODE:  # the same six digits can be drawn again; the 160 bits of a link cannot
        db.execute(delete(AccessCodeRow).where(AccessCodeRow.hash == digest))
    db.add(
        AccessCodeRow(
            hash=digest,
            beneficiary_id=beneficiary_id,
            kind=kind,
            created_at=created_at,
            expires_at=expires_at,
        )
    )
    db.flush()


def use_access_code(
    db: Session, *, digest: bytes, kind: AccessKind, device: str, now: datetime, used_after: datetime
) -> UUID | None:
    """Mark a link or code as used, in one statement, and return its person.

    Args:
        db: the session.
        digest: keyed hash of the link or code.
        kind: link or code.
        device: mark of the device that uses it.
        now: the present instant.
        used_after: the same device may use it again if its first use lies after this instant.

    Returns:
        The person, or None when it is unknown, expired or used.
    """
    again = and_(AccessCodeRow.used_by == device, AccessCodeRow.used_at > used_after)
    use = (
        update(AccessCodeRow)
        .where(
            AccessCodeRow.hash == digest,
            AccessCodeRow.kind == kind,
            or_(AccessCodeRow.used_at.is_(None), again),
            AccessCodeRow.expires_at > now,
        )
        .values(used_at=func.coalesce(AccessCodeRow.used_at, now), used_by=device)
        .returning(AccessCodeRow.beneficiary_id)
    )
    return db.scalars(use).one_or_none()


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

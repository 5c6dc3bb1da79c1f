"""Read the consents that people gave and withdrew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from certify.storage.tables.people import ConsentRow, ReferenceRow


def newest_consent(db: Session, beneficiary_id: UUID, purpose: str) -> bool | None:
    """Return whether a person's newest consent for a purpose was given; None when there is none."""
    query = select(ConsentRow.given).where(ConsentRow.beneficiary_id == beneficiary_id, ConsentRow.purpose == purpose)
    return db.scalars(query.order_by(ConsentRow.at.desc(), ConsentRow.id).limit(1)).one_or_none()


def withdrawn_with_references(db: Session, purpose: str, *, until: datetime, limit: int) -> Sequence[UUID]:
    """Return people who have references, and who withdrew their consent for a purpose at or before an instant."""
    newest = (
        select(ConsentRow.beneficiary_id, ConsentRow.given, ConsentRow.at)
        .where(ConsentRow.purpose == purpose)
        .ext(distinct_on(ConsentRow.beneficiary_id))
        .order_by(ConsentRow.beneficiary_id, ConsentRow.at.desc(), ConsentRow.id)
        .subquery()
    )
    query = (
        select(newest.c.beneficiary_id)
        .where(newest.c.given.is_(False), newest.c.at <= until)
        .where(select(ReferenceRow.id).where(ReferenceRow.beneficiary_id == newest.c.beneficiary_id).exists())
        .limit(limit)
    )
    return db.scalars(query).all()

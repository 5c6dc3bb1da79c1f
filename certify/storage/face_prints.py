"""Store the faces of photos and films, sealed, by which a copy is recognised (models.face.near_copy)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from certify.domain.states import ReferenceState
from certify.storage.tables.people import ReferenceRow
from certify.storage.tables.sessions import FacePrintRow

_MOST = 40
"""Prints of a person that are compared: the newest. A person has ten references at most, and sends a film or a photo
once a year; after the third failed attempt another way follows."""


def store_face_print(db: Session, subject: UUID, beneficiary_id: UUID, sealed: bytes, *, at: datetime) -> None:
    """Store what a photo or film is recognised by, unless it is stored already.

    Args:
        db: the session of the transaction.
        subject: id of the capture session or reference.
        beneficiary_id: the person of the session or reference.
        sealed: the faces and the movement, sealed with the person's key.
        at: the present instant.
    """
    if db.get(FacePrintRow, subject) is None:
        db.add(FacePrintRow(id=subject, beneficiary_id=beneficiary_id, sealed=sealed, created_at=at))


def face_prints_of(db: Session, people: Collection[UUID]) -> Sequence[FacePrintRow]:
    """Return the newest prints of each of these people."""
    rows: list[FacePrintRow] = []
    for beneficiary_id in people:
        query = select(FacePrintRow).where(FacePrintRow.beneficiary_id == beneficiary_id)
        rows += db.scalars(query.order_by(FacePrintRow.created_at.desc(), FacePrintRow.id).limit(_MOST))
    return rows


def references_without_print(db: Session, beneficiary_id: UUID) -> list[tuple[UUID, UUID]]:
    """Return id and image of each active reference from the time before prints were stored."""
    query = (
        select(ReferenceRow.id, ReferenceRow.blob_id)
        .outerjoin(FacePrintRow, FacePrintRow.id == ReferenceRow.id)
        .where(
            ReferenceRow.beneficiary_id == beneficiary_id,
            ReferenceRow.state == ReferenceState.ACTIVE,
            FacePrintRow.id.is_(None),
        )
    )
    return [(reference_id, blob_id) for reference_id, blob_id in db.execute(query) if blob_id is not None]


def delete_face_prints_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the prints of all sessions and references of a person."""
    db.execute(delete(FacePrintRow).where(FacePrintRow.beneficiary_id == beneficiary_id))

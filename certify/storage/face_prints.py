"""Store the faces of photos and films, sealed, by which a copy is recognised (models.face.near_copy)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from certify.domain.states import ReferenceState
from certify.storage.direct import fetch, run
from certify.storage.tables.sessions import FacePrintRow

_WITHOUT = b"""
    select r.id, r.blob_id from face_references r
    where r.beneficiary_id = %(person)s and r.state = %(state)s and r.blob_id is not null
        and not exists (select from face_prints p where p.id = r.id)
"""
_STORE = b"""
    insert into face_prints (id, beneficiary_id, sealed, created_at)
    values (%(id)s, %(person)s, %(sealed)s, %(at)s) on conflict do nothing
"""
_NEWEST = b"""
    select id, beneficiary_id, sealed from face_prints where beneficiary_id = %(person)s
    order by created_at desc, id limit %(most)s
"""
_MOST = 40
"""Prints of a person that are compared: the newest. A person has ten references at most, and sends a film or a photo
once a year; after the third failed attempt another way follows."""


@dataclass(frozen=True, slots=True)
class SealedPrint:
    """The sealed faces of one photo or film.

    Attributes:
        id: the capture session or reference.
        beneficiary_id: the person whose key opens it.
        sealed: the faces and the movement.
    """

    id: UUID
    beneficiary_id: UUID
    sealed: bytes


def store_face_print(db: Session, subject: UUID, beneficiary_id: UUID, sealed: bytes, *, at: datetime) -> None:
    """Store what a photo or film is recognised by, unless it is stored already.

    Args:
        db: the session of the transaction.
        subject: id of the capture session or reference.
        beneficiary_id: the person of the session or reference.
        sealed: the faces and the movement, sealed with the person's key.
        at: the present instant.
    """
    run(db, _STORE, {"id": subject, "person": beneficiary_id, "sealed": sealed, "at": at})


def face_prints_of(db: Session, people: Collection[UUID]) -> list[SealedPrint]:
    """Return the newest prints of each of these people."""
    rows = [row for person in people for row in fetch(db, _NEWEST, {"person": person, "most": _MOST}, binary=True)]
    return [SealedPrint(*row) for row in rows]


def references_without_print(db: Session, beneficiary_id: UUID) -> list[tuple[UUID, UUID]]:
    """Return id and image of each active reference from the time before prints were stored."""
    return [tuple(row) for row in fetch(db, _WITHOUT, {"person": beneficiary_id, "state": ReferenceState.ACTIVE})]


def delete_face_prints_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the prints of all sessions and references of a person."""
    db.execute(delete(FacePrintRow).where(FacePrintRow.beneficiary_id == beneficiary_id))

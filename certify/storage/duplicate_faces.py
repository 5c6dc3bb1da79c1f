"""Store which references look like the face of another person, and which faces the search for them may compare."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from certify.domain.states import ReferenceState
from certify.storage.direct import fetch
from certify.storage.tables.people import DuplicateFaceRow, ReferenceRow, TemplateRow

_LOCK = text("select pg_advisory_xact_lock(hashtext('certify.faces'))")

_FACES = b"""
    select r.number, r.id, r.beneficiary_id, t.model, t.model_sha256, t.sealed
    from face_references r join templates t on t.reference_id = r.id
    where r.number in (
        select number from face_references
        where number > %(after)s and state = 'active' order by number limit %(limit)s
    )
    order by r.number, t.model
"""
_PAIRS = b"""
    select beneficiary_id, other_id from duplicate_faces where beneficiary_id = %(person)s or other_id = %(person)s
"""


@dataclass(frozen=True, slots=True)
class SealedFace:
    """The templates of one active reference, sealed.

    Attributes:
        number: of the reference, rising in the order in which references became active.
        reference_id: the reference.
        beneficiary_id: the person.
        templates: by model, the hash of its weights and the sealed vector.
    """

    number: int
    reference_id: UUID
    beneficiary_id: UUID
    templates: dict[str, tuple[str, bytes]]


def lock_faces(db: Session) -> None:
    """Let no other transaction make a reference active until this one ends. Lock the person first."""
    db.execute(_LOCK)


def next_face_number(db: Session) -> int:
    """Return the number of a reference that becomes active. The caller holds the lock of the faces."""
    return int(db.execute(text("select nextval('face_numbers')")).scalar_one())


def faces_after(db: Session, number: int, *, limit: int) -> list[SealedFace]:
    """Return the active references with a higher number, in ascending order, at most ``limit`` of them."""
    faces: dict[int, SealedFace] = {}
    for found, reference_id, person, model, sha256, sealed in fetch(
        db, _FACES, {"after": number, "limit": limit}, binary=True
    ):
        face = faces.setdefault(found, SealedFace(found, reference_id, person, {}))
        face.templates[model] = (sha256, bytes(sealed))
    return list(faces.values())


def count_faces(db: Session) -> int:
    """Return the number of active references that have a number."""
    query = select(func.count()).select_from(ReferenceRow)
    return db.scalar(query.where(ReferenceRow.number.is_not(None), ReferenceRow.state == ReferenceState.ACTIVE)) or 0


def numbers_of_faces(db: Session) -> set[int]:
    """Return the numbers of all active references."""
    query = select(ReferenceRow.number).where(
        ReferenceRow.number.is_not(None), ReferenceRow.state == ReferenceState.ACTIVE
    )
    return {number for number in db.scalars(query) if number is not None}


def owners_of_faces(db: Session, numbers: Collection[int]) -> dict[int, tuple[UUID, UUID]]:
    """Return reference and person of the faces with these numbers that are still in use."""
    query = select(ReferenceRow.number, ReferenceRow.id, ReferenceRow.beneficiary_id).where(
        ReferenceRow.number.in_(numbers), ReferenceRow.state == ReferenceState.ACTIVE
    )
    return {number: (reference_id, person) for number, reference_id, person in db.execute(query) if number is not None}


def delete_templates_of(db: Session, reference_id: UUID) -> None:
    """Delete the templates of a reference: it is compared with nothing any more."""
    db.execute(delete(TemplateRow).where(TemplateRow.reference_id == reference_id))


def pairs_of(db: Session, beneficiary_id: UUID) -> Sequence[DuplicateFaceRow]:
    """Return all duplicates that were found for references of a person, oldest first."""
    query = select(DuplicateFaceRow).where(DuplicateFaceRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(DuplicateFaceRow.found_at, DuplicateFaceRow.id)).all()


def people_alike(db: Session, beneficiary_id: UUID) -> set[UUID]:
    """Return the people whose face was found to be alike, whatever an officer answered."""
    pairs = fetch(db, _PAIRS, {"person": beneficiary_id})
    return {person for pair in pairs for person in pair} - {beneficiary_id}


def delete_pairs_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the duplicates that were found for references of a person."""
    db.execute(delete(DuplicateFaceRow).where(DuplicateFaceRow.beneficiary_id == beneficiary_id))

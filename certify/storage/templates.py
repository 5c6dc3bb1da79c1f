"""Store the sealed templates of references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import and_, delete, exists, or_, select, text
from sqlalchemy.orm import Session

from certify.domain.states import ReferenceState
from certify.storage.tables.people import BeneficiaryRow, ReferenceRow, TemplateRow


def store_template(db: Session, reference_id: UUID, model: str, model_sha256: str, sealed: bytes) -> None:
    """Store one template of a reference, in place of one that other weights of the same model made."""
    db.merge(TemplateRow(reference_id=reference_id, model=model, model_sha256=model_sha256, sealed=sealed))


def people_with_outdated(db: Session, models: Mapping[str, str], *, after: UUID, limit: int) -> Sequence[UUID]:
    """Return people with an active reference that lacks a template of one of these weights, in the order of their ids.

    Args:
        db: the session of the transaction.
        models: SHA-256 of the weights, by model.
        after: only people with a higher id.
        limit: at most so many.
    """
    lacking = [
        ~exists().where(
            and_(
                TemplateRow.reference_id == ReferenceRow.id,
                TemplateRow.model == model,
                TemplateRow.model_sha256 == sha256,
            )
        )
        for model, sha256 in models.items()
    ]
    query = select(ReferenceRow.beneficiary_id).where(
        ReferenceRow.state == ReferenceState.ACTIVE,
        ReferenceRow.blob_id.is_not(None),
        ReferenceRow.beneficiary_id > after,
        or_(*lacking),
    )
    return db.scalars(query.distinct().order_by(ReferenceRow.beneficiary_id).limit(limit)).all()


def lock_people(db: Session, people: Sequence[UUID]) -> dict[UUID, BeneficiaryRow]:
    """Lock people in the order of their ids, until the transaction ends; erased ones are left out.

    Args:
        db: the session of the transaction.
        people: their ids.

    Returns:
        The people by id.
    """
    query = select(BeneficiaryRow).where(BeneficiaryRow.id.in_(people), BeneficiaryRow.erased_at.is_(None))
    # FOR NO KEY UPDATE, as everywhere: inserting rows that refer to the person does not wait for it.
    return {row.id: row for row in db.scalars(query.order_by(BeneficiaryRow.id).with_for_update(key_share=True))}


def references_of_people(db: Session, people: Sequence[UUID]) -> dict[UUID, list[ReferenceRow]]:
    """Return all references of these people, by person, oldest first."""
    found: dict[UUID, list[ReferenceRow]] = {person: [] for person in people}
    query = select(ReferenceRow).where(ReferenceRow.beneficiary_id.in_(people))
    for row in db.scalars(query.order_by(ReferenceRow.created_at, ReferenceRow.id)):
        found[row.beneficiary_id].append(row)
    return found


def owners_of_pictures(db: Session, digests: Sequence[str]) -> dict[str, UUID]:
    """Return who has a reference with one of these digests that is not refused, by digest."""
    query = select(ReferenceRow.media_sha256, ReferenceRow.beneficiary_id).where(
        ReferenceRow.media_sha256.in_(digests), ReferenceRow.state != ReferenceState.REFUSED
    )
    return dict(db.execute(query).all())


def delete_templates(db: Session, reference_id: UUID) -> None:
    """Delete the templates of a reference that is not compared any more."""
    db.execute(delete(TemplateRow).where(TemplateRow.reference_id == reference_id))


_AGES = text("""
    select years, count(*), count(*) filter (where only_templates) from (
        select least(extract(year from age(:today, max(coalesce(taken_on, created_at::date))))::int, 30) as years,
               bool_and(provenance = 'template') as only_templates
        from face_references where state = 'active' group by beneficiary_id
    ) as person group by years order by years
""")


def count_by_age(db: Session, today: date) -> list[tuple[int, int, int]]:
    """Return by full years of the newest active reference how many people have one, and how many only a template.

    Args:
        db: the session of the transaction.
        today: the present day.

    Returns:
        Years (30 stands for all that are older), people, and those of them with templates of another system only.
    """
    return [(row[0], row[1], row[2]) for row in db.execute(_AGES, {"today": today})]

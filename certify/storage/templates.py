"""Store the sealed templates of references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from certify.domain.states import ReferenceState
from certify.storage.tables.people import ReferenceRow, TemplateRow


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

"""Beneficiaries, their entitlements and their references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from certify.errors import NotFound
from certify.storage.tables import BeneficiaryRow, EntitlementRow, ReferenceRow, TemplateRow


def get_beneficiary(db: Session, beneficiary_id: UUID, *, lock: bool = False) -> BeneficiaryRow:
    """Return a beneficiary; with ``lock`` nobody else determines the same person meanwhile. Raises NotFound.

    The lock is FOR NO KEY UPDATE: inserting rows that refer to the person does not have to wait for it.
    """
    query = select(BeneficiaryRow).where(BeneficiaryRow.id == beneficiary_id)
    row = db.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such beneficiary.", code="beneficiary_not_found")
    return row


def find_beneficiary(
    db: Session, *, national_id_hash: bytes | None = None, card_hash: bytes | None = None
) -> UUID | None:
    """Return the id of the person with this hashed national id or card number, if there is one."""
    query = select(BeneficiaryRow.id)
    if national_id_hash is not None:
        query = query.where(BeneficiaryRow.national_id_hash == national_id_hash)
    if card_hash is not None:
        query = query.where(BeneficiaryRow.card_hash == card_hash)
    return db.scalars(query.limit(1)).one_or_none()


def entitlements_of(db: Session, beneficiary_id: UUID) -> Sequence[EntitlementRow]:
    """Return all entitlements of a person, by scheme."""
    query = select(EntitlementRow).where(EntitlementRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(EntitlementRow.scheme)).all()


def references_of(db: Session, beneficiary_id: UUID) -> Sequence[ReferenceRow]:
    """Return all references of a person, oldest first."""
    query = select(ReferenceRow).where(ReferenceRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(ReferenceRow.created_at, ReferenceRow.id)).all()


def pending_references(db: Session, *, created_before: datetime, limit: int) -> Sequence[UUID]:
    """Return references that wait to be measured since before an instant, oldest first."""
    query = select(ReferenceRow.id).where(ReferenceRow.state == "pending", ReferenceRow.created_at < created_before)
    return db.scalars(query.order_by(ReferenceRow.created_at).limit(limit)).all()


def active_templates(db: Session, beneficiary_id: UUID) -> Sequence[TemplateRow]:
    """Return the templates of all active references of a person."""
    query = (
        select(TemplateRow)
        .join(ReferenceRow, ReferenceRow.id == TemplateRow.reference_id)
        .where(ReferenceRow.beneficiary_id == beneficiary_id, ReferenceRow.state == "active")
    )
    return db.scalars(query.order_by(TemplateRow.reference_id, TemplateRow.model)).all()


def get_reference(db: Session, reference_id: UUID, *, lock: bool = False) -> ReferenceRow:
    """Return a reference. Raises NotFound."""
    query = select(ReferenceRow).where(ReferenceRow.id == reference_id)
    row = db.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such reference.", code="reference_not_found")
    return row


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person who is enrolled already, as far as an import needs to know."""

    id: UUID
    name: str | None
    birth_date: date | None
    schemes: frozenset[str]


def known_people(db: Session, hashes: Sequence[bytes]) -> dict[bytes, KnownPerson]:
    """Look up many people by hashed national id at once: a file that is in already is passed over quickly."""
    people = select(BeneficiaryRow).where(BeneficiaryRow.national_id_hash.in_(hashes))
    found = {row.id: row for row in db.scalars(people)}
    schemes: dict[UUID, set[str]] = {}
    pensions = select(EntitlementRow.beneficiary_id, EntitlementRow.scheme)
    for beneficiary_id, scheme in db.execute(pensions.where(EntitlementRow.beneficiary_id.in_(found))):
        schemes.setdefault(beneficiary_id, set()).add(scheme)
    return {
        row.national_id_hash: KnownPerson(row.id, row.name, row.birth_date, frozenset(schemes.get(row.id, ())))
        for row in found.values()
    }


def list_beneficiaries(db: Session, *, after: UUID | None, limit: int) -> Sequence[BeneficiaryRow]:
    """Return a page of beneficiaries in the order of their ids."""
    query = select(BeneficiaryRow).order_by(BeneficiaryRow.id).limit(limit)
    if after is not None:
        query = query.where(BeneficiaryRow.id > after)
    return db.scalars(query).all()


def count_by_standing(db: Session) -> dict[str, int]:
    """Return how many entitlements have which standing."""
    query = select(func.coalesce(EntitlementRow.standing, "not_determined"), func.count()).group_by(
        EntitlementRow.standing
    )
    return {row[0]: row[1] for row in db.execute(query)}


def people_to_determine(db: Session, today: Mapping[str, date], *, limit: int) -> Sequence[UUID]:
    """Return people with an entitlement whose next change has come, by each scheme's own date of today."""
    due = or_(
        *(and_(EntitlementRow.scheme == scheme, EntitlementRow.next_change_on <= day) for scheme, day in today.items())
    )
    query = select(EntitlementRow.beneficiary_id).join(
        BeneficiaryRow, BeneficiaryRow.id == EntitlementRow.beneficiary_id
    )
    return db.scalars(query.where(due, BeneficiaryRow.erased_at.is_(None)).distinct().limit(limit)).all()

"""Store the homes of beneficiaries, sealed by each person's key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.storage.tables.doorstep import HomeRow


def put_sealed_homes(db: Session, sealed: Mapping[UUID, bytes], now: datetime) -> None:
    """Store the homes of people, in one statement; a stored home is replaced."""
    if not sealed:
        return
    rows = [{"beneficiary_id": person, "sealed": data, "changed_at": now} for person, data in sealed.items()]
    new = insert(HomeRow).values(rows)
    changes = {"sealed": new.excluded.sealed, "changed_at": new.excluded.changed_at}
    db.execute(new.on_conflict_do_update(index_elements=[HomeRow.beneficiary_id], set_=changes))


def sealed_homes(db: Session, people: Collection[UUID]) -> dict[UUID, bytes]:
    """Return the homes of people, by person; people without a stored home are left out."""
    query = select(HomeRow.beneficiary_id, HomeRow.sealed).where(HomeRow.beneficiary_id.in_(people))
    return {row.beneficiary_id: row.sealed for row in db.execute(query)}


def delete_home(db: Session, beneficiary_id: UUID) -> None:
    """Delete the home of a person."""
    db.execute(delete(HomeRow).where(HomeRow.beneficiary_id == beneficiary_id))

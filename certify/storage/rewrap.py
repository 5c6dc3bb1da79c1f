"""Lock and read, in chunks, the rows that a master key wrapped, to move them to a new master key."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from certify.storage.tables.people import DataKeyRow
from certify.storage.tables.service import IdempotencyRow, SecretRow, SigningKeyRow

_BY_DAY = func.coalesce(func.substr(IdempotencyRow.body, 1, 4) == b"day:", True)


def count_under_other_keys(db: Session, master_key_id: str) -> int:
    """Count the data keys and secrets that another master key than this one wrapped."""
    return sum(
        db.scalar(select(func.count()).select_from(table).where(table.master_key_id != master_key_id)) or 0
        for table in (DataKeyRow, SecretRow)
    )


def count_answers(db: Session) -> int:
    """Count the stored answers of an earlier release, which the master key itself sealed."""
    return db.scalar(select(func.count()).select_from(IdempotencyRow).where(~_BY_DAY)) or 0


def data_keys_to_rewrap(db: Session, master_key_id: str, *, after: UUID, limit: int) -> Sequence[DataKeyRow]:
    """Lock and return data keys under another master key, in the order of their people, after a person."""
    query = select(DataKeyRow).where(DataKeyRow.beneficiary_id > after, DataKeyRow.master_key_id != master_key_id)
    return db.scalars(query.order_by(DataKeyRow.beneficiary_id).limit(limit).with_for_update()).all()


def answers_to_rewrap(db: Session, *, after: tuple[str, str], limit: int) -> Sequence[IdempotencyRow]:
    """Lock and return answers that the master key itself sealed, by principal and key, after such a pair."""
    place = tuple_(IdempotencyRow.principal, IdempotencyRow.key)
    query = select(IdempotencyRow).where(place > after, ~_BY_DAY)
    query = query.order_by(IdempotencyRow.principal, IdempotencyRow.key).limit(limit).with_for_update()
    return db.scalars(query).all()


def secrets_to_rewrap(db: Session, master_key_id: str) -> Sequence[SecretRow]:
    """Lock and return the service's own secrets under another master key."""
    return db.scalars(select(SecretRow).where(SecretRow.master_key_id != master_key_id).with_for_update()).all()


def signing_keys_to_rewrap(db: Session) -> Sequence[SigningKeyRow]:
    """Lock and return all signing keys. Their rows do not say which master key sealed them."""
    return db.scalars(select(SigningKeyRow).with_for_update()).all()


def other_connections(db: Session) -> int:
    """Count the other connections to this database: services and workers that may know the old master key only."""
    query = text(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        # PostgreSQL hides the kind of another role's connection. Its own processes belong to no role.
        " and coalesce(backend_type = 'client backend', usesysid is not null)"
    )
    return db.scalar(query) or 0

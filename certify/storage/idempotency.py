"""Stored answers to requests that changed something."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.storage.tables import IdempotencyRow


def claim_key(db: Session, *, principal: str, key: str, request_sha256: str, now: datetime) -> IdempotencyRow | None:
    """Claim an idempotency key for this transaction: None when it is ours, else the row of the earlier request.

    A second request with the same key waits here until the first has committed or rolled back.
    """
    new = insert(IdempotencyRow).values(principal=principal, key=key, request_sha256=request_sha256, created_at=now)
    claimed = db.execute(new.on_conflict_do_nothing().returning(IdempotencyRow.key)).one_or_none()
    if claimed is not None:
        return None
    query = select(IdempotencyRow).where(IdempotencyRow.principal == principal, IdempotencyRow.key == key)
    return db.scalars(query).one()


def store_answer(db: Session, *, principal: str, key: str, status: int, body: bytes) -> None:
    """Store the answer under a claimed key."""
    row = db.get(IdempotencyRow, (principal, key))
    if row is None:
        raise LookupError("the key was not claimed")
    row.status, row.body = status, body


def purge_answers(db: Session, before: datetime) -> None:
    """Forget answers older than an instant."""
    db.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))

"""Store the answers to requests that changed something, so that a repeated request gets the same answer.

Answers are sealed, because they can hold tokens and names.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.errors import Unavailable
from certify.storage.tables.service import IdempotencyRow
from certify.storage.vault import Vault


def claim_key(db: Session, *, principal: str, key: str, request_sha256: str, now: datetime) -> IdempotencyRow | None:
    """Claim an idempotency key for this transaction.

    A second request with the same key waits here until the first has committed or rolled back.

    Args:
        db: the session of the transaction.
        principal: the authenticated caller; each caller has keys of its own.
        key: the key that the caller sent.
        request_sha256: digest of the request.
        now: the instant of the transaction.

    Returns:
        None if the key is claimed now, else the row of the earlier request.
    """
    new = insert(IdempotencyRow).values(principal=principal, key=key, request_sha256=request_sha256, created_at=now)
    claimed = db.execute(new.on_conflict_do_nothing().returning(IdempotencyRow.key)).one_or_none()
    if claimed is not None:
        return None
    query = select(IdempotencyRow).where(IdempotencyRow.principal == principal, IdempotencyRow.key == key)
    return db.scalars(query).one()


def store_answer(db: Session, *, principal: str, key: str, status: int, body: bytes) -> None:
    """Store the answer under a claimed key.

    Args:
        db: the session of the transaction.
        principal: the authenticated caller.
        key: the key that ``claim_key`` claimed.
        status: HTTP status code of the answer.
        body: the sealed answer.

    Raises:
        LookupError: the key was not claimed.
    """
    row = db.get(IdempotencyRow, (principal, key))
    if row is None:
        raise LookupError("the key was not claimed")
    row.status, row.body = status, body


def answer_label(principal: str, key: str) -> str:
    """Return the label under which the vault seals an answer."""
    return f"answer:{principal}:{key}"


def forget_answers(db: Session, vault: Vault, ids: Collection[str], *, chunk: int = 1000) -> int:
    """Delete the answers that contain any of these ids or went to a principal named by them; return how many.

    An answer is sealed as a whole, and its row does not say whom it is about, so every answer is opened and searched.
    Only the answers of two days are stored, and erasing is rare.

    Args:
        db: the session of the transaction.
        vault: opens the answers.
        ids: every id that stands for the person.
        chunk: how many answers are read at a time.
    """
    named = re.compile(b"|".join(re.escape(name.encode()) for name in ids))
    place = tuple_(IdempotencyRow.principal, IdempotencyRow.key)
    columns = select(IdempotencyRow.principal, IdempotencyRow.key, IdempotencyRow.body)
    columns = columns.where(IdempotencyRow.body.is_not(None)).order_by(IdempotencyRow.principal, IdempotencyRow.key)
    after, gone = ("", ""), 0
    while rows := db.execute(columns.where(place > after).limit(chunk)).all():
        found = [
            (row.principal, row.key)
            for row in rows
            if named.search(row.principal.encode() + b"\n" + _open(vault, row.principal, row.key, row.body))
        ]
        if found:
            db.execute(delete(IdempotencyRow).where(place.in_(found)).execution_options(synchronize_session=False))
        after, gone = (rows[-1].principal, rows[-1].key), gone + len(found)
    return gone


def _open(vault: Vault, principal: str, key: str, body: bytes) -> bytes:
    try:
        return vault.open_secret(answer_label(principal, key), body)
    except Unavailable:
        return b""  # sealed with a master key that no longer exists, so no one can read it


def purge_answers(db: Session, before: datetime) -> None:
    """Delete the answers that are older than an instant."""
    db.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))

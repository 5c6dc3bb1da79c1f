"""Store the answers to requests that changed something, so that a repeated request gets the same answer.

Answers are sealed, because they can hold tokens and names.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.errors import Unavailable
from certify.storage.keys import seal, unseal
from certify.storage.row_macs import macs_of
from certify.storage.tables.service import IdempotencyRow
from certify.storage.vault import Vault

_BY_DAY = b"day:"
"""What an answer begins with that is sealed with the key of a day; the day comes next."""
_DAY = 10  # bytes of a date


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


def seal_answer(db: Session, *, principal: str, key: str, body: bytes, now: datetime) -> bytes:
    """Seal an answer with the key of the day.

    Random nonces of AES-GCM are safe for 2^32 messages under one key (NIST SP 800-38D, section 8.3). A national service
    stores that many answers within a year, and never within a day.

    Args:
        db: the session of the transaction.
        principal: the authenticated caller.
        key: the key that the caller sent.
        body: the answer.
        now: the instant of the transaction.
    """
    day = now.astimezone(UTC).date().isoformat()
    return _BY_DAY + day.encode() + seal(_day_key(db, day), body, answer_label(principal, key).encode())


def open_answer(db: Session, vault: Vault, *, principal: str, key: str, body: bytes) -> bytes:
    """Open what ``seal_answer`` sealed, or what an earlier release sealed with the master key.

    Raises:
        Unavailable: the keys do not open it, or it was altered (``decryption_failed``).
    """
    label = answer_label(principal, key)
    if not is_sealed_by_day(body):
        return vault.open_secret(label, body)
    day, sealed = body[len(_BY_DAY) : len(_BY_DAY) + _DAY], body[len(_BY_DAY) + _DAY :]
    return unseal(_day_key(db, day.decode("ascii", "replace")), sealed, label.encode())


def is_sealed_by_day(body: bytes) -> bool:
    """Tell whether an answer is sealed with the key of a day. Such an answer does not depend on the master key."""
    return body.startswith(_BY_DAY)


def _day_key(db: Session, day: str) -> bytes:
    return macs_of(db).derive(db, f"answers {day}")


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
            if named.search(row.principal.encode() + b"\n" + _open(db, vault, row.principal, row.key, row.body))
        ]
        if found:
            db.execute(delete(IdempotencyRow).where(place.in_(found)).execution_options(synchronize_session=False))
        after, gone = (rows[-1].principal, rows[-1].key), gone + len(found)
    return gone


def _open(db: Session, vault: Vault, principal: str, key: str, body: bytes | None) -> bytes:
    try:
        return open_answer(db, vault, principal=principal, key=key, body=body or b"")
    except Unavailable:
        return b""  # sealed with a master key that no longer exists, so no one can read it


def purge_answers(db: Session, before: datetime) -> None:
    """Delete the answers that are older than an instant."""
    db.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))

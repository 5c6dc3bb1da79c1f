"""Moving to a new master key: everything the old one wrapped is wrapped anew; what lies inside stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from certify.domain.ledger_events import LedgerEvent
from certify.errors import Unavailable
from certify.service import Service
from certify.storage.idempotency import answer_label
from certify.storage.keys import MasterKey
from certify.storage.signing import secret_name
from certify.storage.tables.people import DataKeyRow
from certify.storage.tables.service import (
    IdempotencyRow,
    SecretRow,
    SigningKeyRow,
)
from certify.storage.vault import data_key_context, secret_context

CHUNK = 1000
"""Rows of one transaction: few enough that erasing a person never waits longer than a moment, and that little is done
again after a crash; many enough that commits do not decide the speed."""


@dataclass(slots=True)
class Moved:
    """What a move did. ``left`` are data keys and secrets that no key at hand could open: the old key is still needed.

    ``answers`` are stored answers to repeated requests; one that cannot be opened is left, they live for two days.
    """

    data_keys: int = 0
    secrets: int = 0
    signing_keys: int = 0
    answers: int = 0
    left: int = 0


def rewrap(
    service: Service, key: MasterKey, *, chunk: int = CHUNK, progress: Callable[[int, int], None] | None = None
) -> Moved:
    """Wrap all data keys, service secrets, private signing keys and stored answers anew under ``key``.

    ``key`` wraps with the new key and must be able to unwrap what either key wrapped (``keys.begin_move``). Committed
    every ``chunk`` rows; killed at any moment nothing is lost, and the next run goes on with the rows that do not carry
    the new key's id. The service may run meanwhile if its key file holds both keys. ``progress`` is called with the
    rows done and in all. The ledger gets an entry when the move is complete.
    """
    moved = Moved()
    with service.reading() as unit:
        total = _waiting(unit.db, key) + (unit.db.scalar(select(func.count()).select_from(IdempotencyRow)) or 0)
    say = progress or (lambda _done, _total: None)
    say(0, total)

    def step() -> None:
        say(min(moved.data_keys + moved.secrets + moved.answers, total), total)

    # Once more from the start as long as it helps: a running service may have enrolled people under the old key.
    while _move_data_keys(service, key, chunk, moved, step):
        pass
    _move_answers(service, key, chunk, moved, step)
    with service.unit() as unit:
        _move_own(unit.db, key, moved)
        moved.left += _waiting(unit.db, key)
        if not moved.left:
            unit.ledger(LedgerEvent.MASTER_KEY_CHANGED, None, master_key=key.id)
    say(total, total)
    return moved


def others_connected(db: Session) -> int:
    """Count the other connections to this database: services and workers that may know the old key only."""
    query = text(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and backend_type = 'client backend'"
    )
    return db.scalar(query) or 0


def _waiting(db: Session, key: MasterKey) -> int:
    """Count the rows that carry another key's id."""
    return sum(
        db.scalar(select(func.count()).select_from(table).where(table.master_key_id != key.id)) or 0
        for table in (DataKeyRow, SecretRow)
    )


def _move_data_keys(service: Service, key: MasterKey, chunk: int, moved: Moved, step: Callable[[], None]) -> int:
    """Go once through all data keys in the order of their ids; return how many were moved."""
    before, after = moved.data_keys, UUID(int=0)
    while True:
        with service.database.transaction() as db:
            query = select(DataKeyRow).where(DataKeyRow.beneficiary_id > after, DataKeyRow.master_key_id != key.id)
            rows = db.scalars(query.order_by(DataKeyRow.beneficiary_id).limit(chunk).with_for_update()).all()
            for row in rows:
                wrapped = _again(key, row.wrapped, data_key_context(row.beneficiary_id))
                if wrapped is not None:
                    row.wrapped, row.master_key_id = wrapped, key.id
                    moved.data_keys += 1
        step()
        if len(rows) < chunk:
            return moved.data_keys - before
        after = rows[-1].beneficiary_id


def _move_answers(service: Service, key: MasterKey, chunk: int, moved: Moved, step: Callable[[], None]) -> None:
    """Wrap the stored answers anew. Their rows do not say by which key, so a repeated run does all of them again."""
    after = ("", "")
    while True:
        with service.database.transaction() as db:
            place = tuple_(IdempotencyRow.principal, IdempotencyRow.key)
            query = select(IdempotencyRow).where(place > after, IdempotencyRow.body.is_not(None))
            query = query.order_by(IdempotencyRow.principal, IdempotencyRow.key).limit(chunk).with_for_update()
            rows = db.scalars(query).all()
            for row in rows:
                body = _again(key, row.body or b"", secret_context(answer_label(row.principal, row.key)))
                if body is not None:
                    row.body = body
                    moved.answers += 1
        step()
        if len(rows) < chunk:
            return
        after = (rows[-1].principal, rows[-1].key)


def _move_own(db: Session, key: MasterKey, moved: Moved) -> None:
    """Move the service's own secrets and signing keys: a handful, in one transaction."""
    for secret in db.scalars(select(SecretRow).where(SecretRow.master_key_id != key.id).with_for_update()):
        wrapped = _again(key, secret.wrapped, secret_context(secret.name))
        if wrapped is not None:
            secret.wrapped, secret.master_key_id = wrapped, key.id
            moved.secrets += 1
    for signing in db.scalars(select(SigningKeyRow).with_for_update()):
        sealed = _again(key, signing.private_sealed, secret_context(secret_name(signing.kid)))
        if sealed is None:
            moved.left += 1
        else:
            signing.private_sealed = sealed
            moved.signing_keys += 1
    db.flush()


def _again(key: MasterKey, wrapped: bytes, context: bytes) -> bytes | None:
    """Wrap anew; None when no key at hand opens it: one unreadable row must not hold up all others."""
    try:
        return key.wrap(key.unwrap(wrapped, context), context)
    except Unavailable:
        return None

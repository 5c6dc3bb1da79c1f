"""Rotate the master key: wrap all data keys, secrets and signing keys again; the encrypted data is untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from certify.domain.ledger_events import LedgerEvent
from certify.errors import Unavailable
from certify.service import Service
from certify.storage.database import Session
from certify.storage.idempotency import answer_label
from certify.storage.keys import MasterKey
from certify.storage.rewrap import (
    answers_to_rewrap,
    count_answers,
    count_under_other_keys,
    data_keys_to_rewrap,
    secrets_to_rewrap,
    signing_keys_to_rewrap,
)
from certify.storage.signing import secret_name
from certify.storage.vault import data_key_context, secret_context

CHUNK = 1000
"""Rows of one transaction. So few that erasing a person waits a moment at most, and that a crash repeats little work;
so many that commits do not decide the speed."""


@dataclass(slots=True)
class Rewrapped:
    """How many rows were wrapped again.

    Attributes:
        data_keys: data keys of people.
        secrets: the service's own secrets.
        signing_keys: private signing keys.
        answers: stored answers to repeated requests. One that cannot be opened is left; answers live for two days.
        left: data keys, secrets and signing keys that no available key could open: the old key is still needed.
    """

    data_keys: int = 0
    secrets: int = 0
    signing_keys: int = 0
    answers: int = 0
    left: int = 0


def rewrap(
    service: Service, key: MasterKey, *, chunk: int = CHUNK, progress: Callable[[int, int], None] | None = None
) -> Rewrapped:
    """Wrap all data keys, service secrets, private signing keys and stored answers again, under ``key``.

    Every ``chunk`` rows are one transaction. If the process is killed, nothing is lost, and the next run continues with
    the rows that do not carry the new key's id. The service may run meanwhile if its key file holds both keys. When
    everything is done, the ledger gets an entry.

    Args:
        service: the service whose database is rotated.
        key: wraps with the new key, and must unwrap what either key wrapped (``keys.begin_move``).
        chunk: rows of one transaction.
        progress: called with the rows done and the rows in all.

    Returns:
        The counts; the rotation is complete when ``left`` is zero.
    """
    counts = Rewrapped()
    with service.reading() as unit:
        total = count_under_other_keys(unit.db, key.id) + count_answers(unit.db)
    show = progress or (lambda _done, _total: None)
    show(0, total)

    def step() -> None:
        show(min(counts.data_keys + counts.secrets + counts.answers, total), total)

    # Repeated until nothing was found: a running service may have enrolled people under the old key meanwhile.
    while _rewrap_data_keys(service, key, chunk, counts, step):
        pass
    _rewrap_answers(service, key, chunk, counts, step)
    with service.unit() as unit:
        _rewrap_own(unit.db, key, counts)
        counts.left += count_under_other_keys(unit.db, key.id)
        if not counts.left:
            unit.ledger(LedgerEvent.MASTER_KEY_CHANGED, None, master_key=key.id)
    show(total, total)
    return counts


def _rewrap_data_keys(service: Service, key: MasterKey, chunk: int, counts: Rewrapped, step: Callable[[], None]) -> int:
    """Go once through all data keys in the order of their people; return how many were wrapped again."""
    before, after = counts.data_keys, UUID(int=0)
    while True:
        with service.database.transaction() as db:
            rows = data_keys_to_rewrap(db, key.id, after=after, limit=chunk)
            for row in rows:
                wrapped = _wrap_again(key, row.wrapped, data_key_context(row.beneficiary_id))
                if wrapped is not None:
                    row.wrapped, row.master_key_id = wrapped, key.id
                    counts.data_keys += 1
        step()
        if len(rows) < chunk:
            return counts.data_keys - before
        after = rows[-1].beneficiary_id


def _rewrap_answers(service: Service, key: MasterKey, chunk: int, counts: Rewrapped, step: Callable[[], None]) -> None:
    """Wrap the stored answers again. Their rows do not name the master key, so a repeated run repeats all of them."""
    after = ("", "")
    while True:
        with service.database.transaction() as db:
            rows = answers_to_rewrap(db, after=after, limit=chunk)
            for row in rows:
                body = _wrap_again(key, row.body or b"", secret_context(answer_label(row.principal, row.key)))
                if body is not None:
                    row.body = body
                    counts.answers += 1
        step()
        if len(rows) < chunk:
            return
        after = (rows[-1].principal, rows[-1].key)


def _rewrap_own(db: Session, key: MasterKey, counts: Rewrapped) -> None:
    """Wrap the service's own secrets and signing keys again, in one transaction, because they are few."""
    for secret in secrets_to_rewrap(db, key.id):
        wrapped = _wrap_again(key, secret.wrapped, secret_context(secret.name))
        if wrapped is not None:
            secret.wrapped, secret.master_key_id = wrapped, key.id
            counts.secrets += 1
    for signing in signing_keys_to_rewrap(db):
        sealed = _wrap_again(key, signing.private_sealed, secret_context(secret_name(signing.kid)))
        if sealed is None:
            counts.left += 1
        else:
            signing.private_sealed = sealed
            counts.signing_keys += 1
    db.flush()


def _wrap_again(key: MasterKey, wrapped: bytes, context: bytes) -> bytes | None:
    """Unwrap and wrap; None when no available key opens it, because one unreadable row must not hold up all others."""
    try:
        return key.wrap(key.unwrap(wrapped, context), context)
    except Unavailable:
        return None

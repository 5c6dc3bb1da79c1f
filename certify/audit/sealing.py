"""Seal the rows that a release before MACs wrote: once, by an operator's command, and never silently."""

from __future__ import annotations

from collections.abc import Callable

from certify.audit.last_signed import exists_in
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Conflict
from certify.service import Service, Unit
from certify.storage.database import Database, Session
from certify.storage.row_macs import (
    SEALED,
    SEALING,
    RowKind,
    RowMacs,
    make_secret,
    open_secret,
    replace_secret,
    session_info,
)
from certify.storage.seal_rows import CHUNK, seal_some, unsealed


def seal_rows(
    service: Service,
    owner: Database,
    *,
    actor: str,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda _done: None,
) -> dict[str, int]:
    """Seal all rows of the database, and note it in the ledger. After an interruption, call it again.

    Args:
        service: the service, which must not run elsewhere meanwhile.
        owner: the same database, opened as its owner.
        actor: who seals, as the ledger shows it.
        chunk: rows of one transaction.
        progress: called with the rows that are done.

    Returns:
        The number of rows by table.

    Raises:
        Conflict: the rows are sealed already, or this machine has signed the ledger of a sealed database, so that
            the key was removed since (``rows_sealed``).
    """
    vault = service.vault
    with Session(owner.engine) as own:
        if open_secret(own, vault, SEALED) is not None or exists_in(service.settings.data_dir):
            raise Conflict(
                "The rows of this database are sealed already. A row without a seal was not written by the service.",
                hint="Run 'certify audit standing' to find it.",
                code=ErrorCode.ROWS_SEALED,
            )
        secret = open_secret(own, vault, SEALING) or make_secret(own, vault, SEALING)
    macs, counts, done = RowMacs(vault, secret), dict.fromkeys((kind.value for kind in RowKind), 0), 0
    for kind in RowKind:
        while True:
            with Session(owner.engine) as db, db.begin():
                sealed = seal_some(db, macs, kind, limit=chunk)
            counts[kind.value] += sealed
            done += sealed
            progress(done)
            if not sealed:
                break
    with Session(owner.engine, info=session_info(macs)) as db, db.begin():
        if unsealed(db):
            raise Conflict(
                "Other processes wrote rows meanwhile.",
                hint="Stop every 'certify serve' and 'certify worker', and run the command again.",
                code=ErrorCode.ROWS_NOT_SEALED,
            )
        replace_secret(db, vault, secret)
        unit = Unit(service, db, service.clock(), actor)
        unit.ledger(LedgerEvent.ROWS_SEALED, None, rows=counts)
        unit.finish()
    return counts

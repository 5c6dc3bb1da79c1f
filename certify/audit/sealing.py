"""Seal the rows that a release before MACs wrote: once, by an operator's command, and never silently."""

from __future__ import annotations

from collections.abc import Callable

from certify.audit.last_signed import exists_in, last_signed
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Conflict
from certify.service import Service, Unit
from certify.storage.database import Database, Session
from certify.storage.mac_secrets import FIRST, GENERATIONS, Generation, make_secret, open_secret, replace_secret
from certify.storage.row_macs import RowKind, RowMacs, session_info, since
from certify.storage.seal_rows import CHUNK, seal_some, unsealed


def seal_rows(
    service: Service,
    owner: Database,
    *,
    actor: str,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda _done: None,
) -> dict[str, int]:
    """Seal all rows that carry no MAC yet, and note it in the ledger. After an interruption, call it again.

    A database whose older tables were sealed by an earlier release has only the newer ones sealed.

    Args:
        service: the service, which must not run elsewhere meanwhile.
        owner: the same database, opened as its owner.
        actor: who seals, as the ledger shows it.
        chunk: rows of one transaction.
        progress: called with the rows that are done.

    Returns:
        The number of rows by table.

    Raises:
        Conflict: the rows are sealed already, or this machine has signed the ledger of a database in which these
            tables were sealed, so that the key was removed since (``rows_sealed``).
    """
    secrets, todo = _begin(service, owner)
    macs, counts, done = RowMacs(service.vault, secrets), {}, 0
    for kind in [kind for kind in RowKind if since(kind) in todo]:
        counts[kind.value] = 0
        while True:
            with Session(owner.engine) as db, db.begin():
                sealed = seal_some(db, macs, kind, limit=chunk)
            counts[kind.value] += sealed
            done += sealed
            progress(done)
            if not sealed:
                break
    with Session(owner.engine, info=session_info(macs)) as db, db.begin():
        if unsealed(db, [kind for kind in RowKind if since(kind) in todo]):
            raise Conflict(
                "Other processes wrote rows meanwhile.",
                hint="Stop every 'certify serve' and 'certify worker', and run the command again.",
                code=ErrorCode.ROWS_NOT_SEALED,
            )
        for generation in todo:
            replace_secret(db, service.vault, generation, secrets[generation])
        unit = Unit(service, db, service.clock(), actor)
        unit.ledger(LedgerEvent.ROWS_SEALED, None, rows=counts)
        unit.finish()
    return counts


def _begin(service: Service, owner: Database) -> tuple[dict[Generation, bytes], list[Generation]]:
    """Return the secrets of all tables, and the generations that are not sealed yet.

    Raises:
        Conflict: all are sealed, or one that was sealed lost its secret since (``rows_sealed``).
    """
    vault, folder = service.vault, service.settings.data_dir
    with Session(owner.engine) as own:
        known = {one: found for one in GENERATIONS if (found := open_secret(own, vault, one.sealed)) is not None}
        todo = [one for one in GENERATIONS if one not in known]
        remembered = 0
        if FIRST in known:
            macs = RowMacs(vault, known)
            remembered = last_signed(own, macs, folder).sealed()
        elif exists_in(folder):
            remembered = max(one.number for one in GENERATIONS)
        if not todo or any(one.number <= remembered for one in todo):
            raise Conflict(
                "The rows of this database are sealed already. A row without a seal was not written by the service.",
                hint="Run 'certify audit standing' to find it.",
                code=ErrorCode.ROWS_SEALED,
            )
        for one in todo:
            known[one] = open_secret(own, vault, one.sealing) or make_secret(own, vault, one.sealing)
    return known, todo

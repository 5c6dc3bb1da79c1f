"""Give the rows of an earlier release their MACs, once, as the owner of the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from certify.storage.direct import fetch, run
from certify.storage.mac_form import message
from certify.storage.roles import APPEND_ONLY
from certify.storage.row_macs import COLUMNS, RowKind, RowMacs, bound, column_sql

CHUNK = 5_000
"""Rows of one transaction."""


def seal_some(db: Session, macs: RowMacs, kind: RowKind, *, limit: int = CHUNK) -> int:
    """Seal rows that have no MAC yet, in the caller's transaction, and return how many.

    Args:
        db: a session of the owner: only the owner may switch off the triggers of tables that only grow.
        macs: computes the MACs.
        kind: the table.
        limit: at most so many rows.
    """
    key, mac = COLUMNS[kind][0], macs.under(db, kind)
    columns = ", ".join(column_sql(kind, "x"))
    # Our own tables and columns, below as well.
    query = f"select x.{key}, {columns} from {kind.value} x where x.mac is null limit {limit} for update"  # noqa: S608
    rows = fetch(db, query.encode())
    if not rows:
        return 0
    guarded = kind.value in APPEND_ONLY
    if guarded:
        db.execute(text(f"alter table {kind.value} disable trigger user"))
    of_type = {RowKind.CERTIFICATE: "text", RowKind.LEAF: "bigint"}.get(kind, "uuid")
    update = f"""update {kind.value} x set mac = n.mac
        from unnest(%(keys)s::{of_type}[], %(macs)s::bytea[]) as n (key, mac) where x.{key} = n.key"""  # noqa: S608
    macs_now = [mac(message(bound(kind, values))) for _, *values in rows]
    run(db, update.encode(), {"keys": [row[0] for row in rows], "macs": macs_now})
    if guarded:
        db.execute(text(f"alter table {kind.value} enable trigger user"))
    return len(rows)


def unsealed(db: Session, kinds: Sequence[RowKind]) -> int:
    """Return how many of these tables still have rows without a MAC."""
    parts = [f"exists (select from {kind.value} where mac is null)::int" for kind in kinds]
    return int(db.scalar(text(f"select {' + '.join(parts)}")) or 0)

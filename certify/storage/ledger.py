"""Store the ledger: leaves, hashes of complete subtrees, and checkpoints. One lock serialises appending."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.certificates import merkle
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.storage.direct import fetch, run
from certify.storage.mac_form import message
from certify.storage.row_macs import RowKind, macs_of
from certify.storage.tables.service import (
    CheckpointRow,
    LedgerLeafRow,
    LedgerNodeRow,
)

# Any constant works that nothing else in this database uses as a lock.
_LOCK = 0x6C65646765720001


# 40 levels are enough for 2^40 leaves: one change of standing each second for thirty thousand years. The index answers
# each level with one probe; grouping would read every leaf.
_EDGE = b"""
    select wanted.level, last.index, last.hash from generate_series(0, 40) as wanted (level)
    cross join lateral (
        select n.index, n.hash from ledger_nodes n where n.level = wanted.level order by n.index desc limit 1
    ) as last
"""

# Arrays instead of many rows of parameters: the same statement for any number of entries, prepared once.
_ADD = b"""
    with leaf as (
        insert into ledger_leaves (index, entry, beneficiary_id, created_at, mac)
        select i, e, p, %(now)s, m
        from unnest(%(leaves)s::bigint[], %(entries)s::bytea[], %(people)s::uuid[], %(macs)s::bytea[])
            as new (i, e, p, m)
    )
    insert into ledger_nodes (level, index, hash)
    select * from unnest(%(levels)s::smallint[], %(indexes)s::bigint[], %(hashes)s::bytea[])
"""


_COMPLETED = b"""
    select n.level, n.index, n.hash
    from unnest(%(levels)s::smallint[], %(starts)s::bigint[], %(ends)s::bigint[]) as w (level, start, last)
    join ledger_nodes n on n.level = w.level and n.index >= w.start and n.index < w.last
"""
_LEAVES = b"""
    select index, entry, beneficiary_id, created_at, mac from ledger_leaves
    where index >= %(start)s and index < %(end)s order by index
"""
_SEALED = b"""
    select entry from ledger_leaves
    where beneficiary_id is null and position('"event":"rows_sealed"'::bytea in entry) > 0 order by index limit 1
"""
_ABOUT = b"""
    select beneficiary_id, index, entry, created_at, mac from ledger_leaves
    where beneficiary_id = any(%(people)s) order by index
"""


class NodeTable:
    """The stored subtrees as a ``NodeStore`` of the Merkle functions. New subtrees are kept here until ``take_new``."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self._known: dict[tuple[int, int], bytes] = {}
        self._new: list[tuple[int, int, bytes]] = []

    def load_edge(self) -> int:
        """Read the last subtree of each level, which is all that appending needs; return the number of leaves."""
        rows = fetch(self._db, _EDGE)
        self._known = {(level, index): value for level, index, value in rows}
        return max((index + 1 for level, index in self._known if level == 0), default=0)

    def get(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree.

        Raises:
            LookupError: the ledger has no such subtree yet.
        """
        value = self._known.get((level, index))
        if value is None:
            value = self._db.scalar(
                select(LedgerNodeRow.hash).where(LedgerNodeRow.level == level, LedgerNodeRow.index == index)
            )
        if value is None:
            raise LookupError(f"ledger node {level}/{index} is missing")
        return value

    def put(self, level: int, index: int, value: bytes) -> None:
        """Keep the hash of a subtree that has just become complete."""
        self._known[level, index] = value
        self._new.append((level, index, value))

    def take_new(self) -> dict[str, list[Any]]:
        """Return the new subtrees as columns, and forget that they are new."""
        columns: dict[str, list[Any]] = {
            "levels": [level for level, _, _ in self._new],
            "indexes": [index for _, index, _ in self._new],
            "hashes": [value for _, _, value in self._new],
        }
        self._new = []
        return columns


def ledger_size(db: Session) -> int:
    """Return the number of leaves that this transaction sees."""
    last = db.scalar(select(func.max(LedgerLeafRow.index)))
    return 0 if last is None else last + 1


def append_entries(db: Session, entries: Sequence[tuple[bytes, UUID | None]], now: datetime) -> None:
    """Append entries. Call it last in a transaction: no other transaction can append until this one commits.

    Args:
        db: the session of the transaction.
        entries: each entry in canonical JSON, with the person whom it is about.
        now: the instant of the transaction.
    """
    fetch(db, b"select pg_advisory_xact_lock(%(key)s)", {"key": _LOCK})
    nodes, mac = NodeTable(db), macs_of(db).under(db, RowKind.LEAF)
    size = nodes.load_edge()
    for index, (entry, _) in enumerate(entries, start=size):
        merkle.append(nodes, index, merkle.leaf_hash(entry))
    leaves_now = {
        "leaves": list(range(size, size + len(entries))),
        "entries": [entry for entry, _ in entries],
        "people": [beneficiary_id for _, beneficiary_id in entries],
        "macs": [
            mac(message([index, entry, person, now])) for index, (entry, person) in enumerate(entries, start=size)
        ],
        "now": now,
    }
    run(db, _ADD, leaves_now | nodes.take_new())


def ledger_root(db: Session, size: int) -> bytes:
    """Return the root hash over the first ``size`` leaves."""
    return merkle.root(NodeTable(db), size)


def get_leaf(db: Session, index: int) -> LedgerLeafRow:
    """Return one leaf.

    Raises:
        NotFound: the ledger has no such entry (``ledger_entry_not_found``).
    """
    row = db.get(LedgerLeafRow, index)
    if row is None:
        raise NotFound("The ledger has no such entry.", code=ErrorCode.LEDGER_ENTRY_NOT_FOUND)
    return row


def leaves(db: Session, start: int, end: int) -> Sequence[LedgerLeafRow]:
    """Return the leaves from ``start`` to ``end``, without ``end``."""
    query = select(LedgerLeafRow).where(LedgerLeafRow.index >= start, LedgerLeafRow.index < end)
    return db.scalars(query.order_by(LedgerLeafRow.index)).all()


def unchecked_leaves(db: Session, start: int, end: int) -> dict[int, tuple[bytes, UUID | None, bool]]:
    """Return the leaves from ``start`` to ``end``, without ``end``, by number, altered ones as well.

    Returns:
        The entry, the person whom it is filed under, and whether the MAC is right.
    """
    mac = macs_of(db).under(db, RowKind.LEAF)
    return {
        index: (entry, person, mac(message([index, entry, person, at])) == stored)
        for index, entry, person, at, stored in fetch(db, _LEAVES, {"start": start, "end": end})
    }


def latest_checkpoint(db: Session) -> CheckpointRow | None:
    """Return the newest signed checkpoint."""
    return db.scalars(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).one_or_none()


def add_checkpoint(db: Session, *, size: int, note: str, created_at: datetime) -> None:
    """Store a signed checkpoint. If two workers sign the same size, the first checkpoint stays."""
    new = insert(CheckpointRow).values(size=size, note=note, created_at=created_at)
    db.execute(new.on_conflict_do_nothing())


def checkpoints(db: Session) -> Iterator[CheckpointRow]:
    """Yield all signed checkpoints, the smallest first."""
    yield from db.scalars(select(CheckpointRow).order_by(CheckpointRow.size).execution_options(yield_per=1000))


def stored_nodes(db: Session, start: int, end: int) -> dict[tuple[int, int], bytes]:
    """Return the hashes of subtrees that the leaves from ``start`` to ``end``, without ``end``, completed."""
    levels = range(end.bit_length() + 1)
    bounds = {
        "levels": list(levels),
        "starts": [start >> level for level in levels],
        "ends": [end >> level for level in levels],
    }
    return {(level, index): value for level, index, value in fetch(db, _COMPLETED, bounds)}


def count_nodes(db: Session) -> int:
    """Return the number of stored hashes of subtrees."""
    return db.scalar(select(func.count()).select_from(LedgerNodeRow)) or 0


def entries_of(db: Session, people: Collection[UUID]) -> dict[UUID, list[tuple[int, bytes]]]:
    """Return the entries about people, by person, each with its number, the oldest first; without altered ones."""
    mac = macs_of(db).under(db, RowKind.LEAF)
    found: dict[UUID, list[tuple[int, bytes]]] = {}
    for person, index, entry, at, stored in fetch(db, _ABOUT, {"people": list(people)}):
        if mac(message([index, entry, person, at])) == stored:  # 'certify ledger verify' reports the others
            found.setdefault(person, []).append((index, entry))
    return found


def sealed_at(db: Session) -> datetime | None:
    """Return when the rows of an earlier release were sealed; None for a database that began with sealed rows."""
    rows = fetch(db, _SEALED)
    return datetime.fromisoformat(json.loads(rows[0][0])["at"]) if rows else None

"""Read everything about people as it is stored, altered rows as well, for the audit of standings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.storage.direct import fetch
from certify.storage.mac_form import message
from certify.storage.row_macs import COLUMNS, RowKind, bound, macs_of, row_sql
from certify.storage.tables.journal import StandingAuditRow
from certify.storage.tables.people import BeneficiaryRow

ABOUT_PEOPLE = tuple(kind for kind in RowKind if kind not in (RowKind.LEAF, RowKind.IMPORT_CHUNK))
_CHUNKS = b"select run_id::text, chunk, done_at from run_chunks where run_id = any(%(runs)s::uuid[])"


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as it is stored, its columns as texts and numbers, and whether the service wrote it so."""

    kind: RowKind
    row: dict[str, Any]
    ours: bool

    @property
    def key(self) -> str:
        """The primary key."""
        return str(self.row[COLUMNS[self.kind][0]])


@dataclass(slots=True)
class About:
    """All rows about one person."""

    person: UUID
    erased: bool
    enrolled_by: str | None
    rows: dict[RowKind, list[Stored]] = field(default_factory=lambda: {kind: [] for kind in ABOUT_PEOPLE})


def rows_about(db: Session, people: Collection[tuple[UUID, bool, str | None]]) -> list[About]:
    """Return all rows about people.

    Args:
        db: the session of the transaction.
        people: ids, whether the person was erased, and the principal who enrolled them.
    """
    found = {person: About(person, erased, by) for person, erased, by in people}
    macs = macs_of(db)
    for kind in ABOUT_PEOPLE:
        mac = macs.under(db, kind)
        query = (
            f"select x.beneficiary_id, {row_sql(kind, 'x')} from {kind.value} x where x.beneficiary_id = any(%(all)s)"  # noqa: S608 - our own tables
        )
        for person, (*values, stored) in fetch(db, query.encode(), {"all": list(found)}):
            ours = stored is not None and mac(message(bound(kind, values))).hex() == stored
            row = dict(zip(COLUMNS[kind], values, strict=True))
            found[person].rows[kind].append(Stored(kind, row, ours))
    return list(found.values())


def chunk_times(db: Session, runs: Collection[str]) -> dict[tuple[str, int], datetime]:
    """Return when the chunks of runs were decided."""
    rows = fetch(db, _CHUNKS, {"runs": list(runs)}) if runs else []
    return {(run, chunk): at for run, chunk, at in rows}


def everyone_after(db: Session, after: UUID, *, limit: int) -> Sequence[tuple[UUID, bool, str | None]]:
    """Return ids of people in ascending order, after one, each with whether the person was erased and who enrolled."""
    query = select(BeneficiaryRow.id, BeneficiaryRow.erased_at, BeneficiaryRow.enrolled_by)
    rows = db.execute(query.where(BeneficiaryRow.id > after).order_by(BeneficiaryRow.id).limit(limit))
    return [(person, erased is not None, by) for person, erased, by in rows]


def last_audit(db: Session, *, lock: bool = False) -> StandingAuditRow | None:
    """Return the newest audit of standings, done or not."""
    query = select(StandingAuditRow).order_by(StandingAuditRow.started_at.desc(), StandingAuditRow.id).limit(1)
    return db.scalars(query.with_for_update(skip_locked=True) if lock else query).one_or_none()

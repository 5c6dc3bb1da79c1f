"""Store registry runs: the files that were read from feeds, their chunks, and the records that are evidence already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import RunState
from certify.errors import NotFound
from certify.storage.copy import copy_in, copy_out
from certify.storage.direct import fetch
from certify.storage.direct import run as execute
from certify.storage.tables.decisions import DeterminationRow, EvidenceRow
from certify.storage.tables.runs import RunChunkRow, RunRecordRow, RunRow

KNOWN = {
    "number": pa.string(),
    "external_id": pa.string(),
    "id": pa.string(),
    "person": pa.string(),
    "what": pa.string(),
    "event_on": pa.date32(),
    "voided": pa.bool_(),
}
"""Columns of the records of a source that are evidence already. ``number`` is the number that the source gave;
``external_id`` is ours, and differs between the corrected versions of a record."""

_KNOWN = """
    select {number}, e.external_id, e.id, e.beneficiary_id, coalesce(e.body ->> 'act', e.body ->> 'kind'),
        (e.event_at at time zone 'UTC')::date,
        exists (
            select from evidence v where v.beneficiary_id = e.beneficiary_id and v.kind = 'void'
            and v.body ->> 'target' = e.id::text
        )
    from evidence e {join} e.source = '{source}' and e.kind in ('adverse', 'sign_of_life')
"""
MOST_VERSIONS = 9
"""A record that is corrected more often is refused, because something must be wrong with its source."""


def get_run(db: Session, run_id: UUID, *, lock: bool = False) -> RunRow:
    """Return a run.

    Args:
        db: the session of the transaction.
        run_id: id of the run.
        lock: lock the row until the transaction ends.

    Raises:
        NotFound: no such run (``run_not_found``).
    """
    query = select(RunRow).where(RunRow.id == run_id)
    row = db.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such run.", hint="'certify run list' shows them.", code=ErrorCode.RUN_NOT_FOUND)
    return row


def find_run(db: Session, feed: str, sha256: str, *, again: bool = False) -> RunRow | None:
    """Return the run that makes it useless to read a file with this digest.

    Args:
        db: the session of the transaction.
        feed: name of the feed.
        sha256: digest of the file.
        again: whether a file may be applied again after another one, as a complete register that repairs a bad one.

    Returns:
        The newest run of this file; None if there is none, or another file was applied since and ``again`` allows it.
    """
    query = select(RunRow).where(RunRow.feed == feed, RunRow.sha256 == sha256)
    rows = db.scalars(query.order_by(RunRow.started_at.desc(), RunRow.id)).all()
    unfinished = [row for row in rows if row.state != RunState.DONE]
    if not rows or unfinished or not again:
        return next(iter(unfinished or rows), None)
    done = select(RunRow.sha256).where(RunRow.feed == feed, RunRow.state == RunState.DONE)
    last = db.scalars(done.order_by(RunRow.ended_at.desc()).limit(1)).one()
    return rows[0] if last == sha256 else None


def is_overtaken(db: Session, run: RunRow) -> bool:
    """Return whether a file that came after that of a run was applied already."""
    later = select(RunRow.id).where(
        RunRow.feed == run.feed, RunRow.state == RunState.DONE, RunRow.started_at > run.started_at
    )
    return db.scalars(later.limit(1)).first() is not None


def list_runs(db: Session, *, feed: str | None = None, limit: int = 50) -> Sequence[RunRow]:
    """Return runs, newest first, of one feed or of all."""
    query = select(RunRow).order_by(RunRow.started_at.desc(), RunRow.id).limit(limit)
    return db.scalars(query if feed is None else query.where(RunRow.feed == feed)).all()


def unfinished_runs(db: Session, feed: str | None = None) -> Sequence[RunRow]:
    """Return runs that can be continued, in the order in which their files came."""
    query = (
        select(RunRow).where(RunRow.state.in_((RunState.READY, RunState.LINKED))).order_by(RunRow.started_at, RunRow.id)
    )
    return db.scalars(query if feed is None else query.where(RunRow.feed == feed)).all()


def feed_names(db: Session) -> Sequence[str]:
    """Return the names of all feeds that have sent a file."""
    return db.scalars(select(RunRow.feed).distinct().order_by(RunRow.feed)).all()


def chunks_of(db: Session, run_id: UUID) -> Sequence[RunChunkRow]:
    """Return the finished chunks of a run, in their order."""
    return db.scalars(select(RunChunkRow).where(RunChunkRow.run_id == run_id).order_by(RunChunkRow.chunk)).all()


def latest_model(db: Session, feed: str) -> dict[str, Any] | None:
    """Return the trained linking model that the last finished run of a feed used."""
    model = RunRow.parameters["linking"]["model"]
    query = select(model).where(RunRow.feed == feed, RunRow.state == RunState.DONE, model["trained"].as_boolean())
    return db.scalars(query.order_by(RunRow.started_at.desc()).limit(1)).one_or_none()


def source_is_new(db: Session, source: str) -> bool:
    """Return whether no record of a source was ever stored."""
    query = "select not exists (select from evidence where source = %(source)s)"
    return bool(db.connection().exec_driver_sql(query, {"source": source}).scalar_one())


def known_records(db: Session, source: str, numbers: pa.Array) -> pa.Table:
    """Return the records of a source that are evidence already, with all corrected versions.

    Args:
        db: the session of the transaction.
        source: name of the source.
        numbers: record numbers of the source, as texts.

    Returns:
        The records that are stored, with the columns ``KNOWN``.
    """
    execute(db, b"create temp table wanted_numbers (number text) on commit drop", {})
    copy_in(db, "wanted_numbers", pa.table({"number": numbers}))
    execute(db, b"analyze wanted_numbers", {})
    versions = ", ".join(["('')", *(f"(':c{version}')" for version in range(1, MOST_VERSIONS + 1))])
    join = f"join (select number, number || suffix as version from wanted_numbers, (values {versions}) s (suffix)) n "  # noqa: S608 - our own suffixes
    query = _KNOWN.format(number="n.number", join=join + "on n.version = e.external_id and", source=source)
    return copy_out(db, query, KNOWN)


def standing_records(db: Session, source: str) -> pa.Table:
    """Return all adverse records of a source, also voided ones, for feeds that send their complete register.

    Returns:
        The records, with the columns ``KNOWN``.
    """
    number = "regexp_replace(e.external_id, ':c[0-9]$', '')"
    return copy_out(db, _KNOWN.format(number=number, join="where e.kind = 'adverse' and", source=source), KNOWN)


def add_early_voids(db: Session, run: RunRow, voids: pa.Table) -> None:
    """Store voids whose records have not come yet, and corrections, unless they are stored already.

    Args:
        db: the session of the transaction.
        run: the run that read them.
        voids: columns ``target`` (number of the record that is taken back), ``external_id`` and ``operation``.
    """
    execute(db, b"create temp table new_voids (target text, external_id text, operation text) on commit drop", {})
    copy_in(db, "new_voids", voids)
    execute(
        db,
        b"""insert into early_voids (source, target, external_id, operation, run_id)
        select %(source)s, target, external_id, operation, %(run)s from new_voids on conflict do nothing""",
        {"source": run.source, "run": run.id},
    )


def early_targets(db: Session, source: str) -> pa.Table:
    """Return the voids of a source that came before their records, and its corrections under another number."""
    query = f"select target, external_id, operation from early_voids where source = '{source}'"  # noqa: S608 - a checked word
    return copy_out(db, query, dict.fromkeys(("target", "external_id", "operation"), pa.string()))


def asked_records(db: Session, source: str) -> pa.Table:
    """Return all link questions about records of a source: ``number, external_id, person, state``."""
    query = (
        "select regexp_replace(external_id, ':c[0-9]+$', ''), external_id, beneficiary_id, state from link_questions "  # noqa: S608 - a checked word
        f"where source = '{source}'"
    )
    return copy_out(db, query, dict.fromkeys(("number", "external_id", "person", "state"), pa.string()))


def seen_numbers(db: Session, run: RunRow, numbers: pa.Array) -> pa.Table:
    """Return which of these numbers stood in an earlier file of the source, in a column ``number``."""
    execute(db, b"create temp table asked_numbers (number text) on commit drop", {})
    copy_in(db, "asked_numbers", pa.table({"number": numbers}))
    query = (
        "select distinct number from run_records join asked_numbers using (number) join runs on runs.id = run_id "  # noqa: S608 - checked words
        f"where source = '{run.source}' and run_id <> '{run.id}' and outcome <> 'taken_back'"
    )
    return copy_out(db, query, {"number": pa.string()})


def keep_outcomes(db: Session, run: RunRow, outcomes: pa.Table) -> None:
    """Store how each record of a run ended; the columns are ``row, number, outcome, reason``."""
    execute(db, b"delete from run_records where run_id = %(run)s", {"run": run.id})
    rows = outcomes.append_column("run_id", pa.array([str(run.id)] * outcomes.num_rows, pa.string()))
    copy_in(db, "run_records", rows)


def outcomes_of_run(
    db: Session, run_id: UUID, outcome: str | None = None, *, limit: int = 1000
) -> Sequence[RunRecordRow]:
    """Return how the records of a file ended, in the order of the file; of one outcome or of all.

    Of signs of life, those that are facts are not among them.
    """
    query = select(RunRecordRow).where(RunRecordRow.run_id == run_id)
    query = query if outcome is None else query.where(RunRecordRow.outcome == outcome)
    return db.scalars(query.order_by(RunRecordRow.row).limit(limit)).all()


def determinations_of_run(db: Session, run_id: UUID, *, batch: int) -> Iterator[Sequence[DeterminationRow]]:
    """Yield the determinations of a run that are stored whole, in batches.

    They are found by the people about whom the run stored evidence, and by the instants of its chunks. After each
    batch, the session is emptied.

    Args:
        db: the session of the transaction.
        run_id: id of the run.
        batch: how many determinations are read at a time.
    """
    people = select(EvidenceRow.beneficiary_id).where(EvidenceRow.run_id == run_id)
    instants = select(RunChunkRow.done_at).where(RunChunkRow.run_id == run_id)
    query = select(DeterminationRow.id).where(
        DeterminationRow.beneficiary_id.in_(people), DeterminationRow.created_at.in_(instants)
    )
    ids = db.scalars(query.order_by(DeterminationRow.id)).all()
    for start in range(0, len(ids), batch):
        wanted = ids[start : start + batch]
        yield db.scalars(select(DeterminationRow).where(DeterminationRow.id.in_(wanted))).all()
        db.expunge_all()


def evidence_bodies(db: Session, ids: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return facts with their ids, as they are stored in JSON."""
    query = b"select id::text, body from evidence where id = any(%(ids)s::uuid[])"
    return fetch(db, query, {"ids": list(set(ids))})


def links_of_run(db: Session, run_id: UUID) -> pa.Table:
    """Return the records that a run linked with people, in the columns ``external_id`` and ``person``."""
    query = f"""select external_id, beneficiary_id from evidence where run_id = '{run_id}'
        and kind in ('adverse', 'sign_of_life')"""  # noqa: S608 - an id of ours
    return copy_out(db, query, {"external_id": pa.string(), "person": pa.string()})

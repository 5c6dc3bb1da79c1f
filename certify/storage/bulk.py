"""Read and write one chunk of a registry run: tens of thousands of people in a few statements.

``lock_chunk`` makes the temporary table ``chunk_people``, and the other statements are about the people in it. A chunk
is small beside the tables, so every statement must use the indexes. The planner does not know the size, so
``lock_chunk`` switches the other plans off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from uuid import UUID

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pc
from sqlalchemy.orm import Session

from certify.storage.bulk_macs import checked_table, guard_columns, guarded_sql, macs_in_text, sealed_batch
from certify.storage.copy import copy_in, copy_out, copy_out_batches
from certify.storage.direct import driver, run
from certify.storage.row_macs import RowKind, macs_of

_BY_INDEX = b"set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off"

_EVIDENCE = f"""
    select e.id, e.beneficiary_id, case
            when e.kind = 'capture' and (e.body ->> 'possession' = 'missing'
                or e.body ->> 'possession' = 'shown' and not (e.body ->> 'filmed')::bool) then 'capture_apart'
            else e.kind end,
        e.source, e.event_at, e.body ->> 'act',
        case e.kind when 'sign_of_life' then coalesce((e.body ->> 'trust')::float8, 1) end,
        {guarded_sql(RowKind.EVIDENCE, "e")}
    from chunk_people c join evidence e on e.beneficiary_id = c.id
"""  # noqa: S608 - our own columns
_PENSIONS = f"""
    select e.id, e.beneficiary_id, e.scheme, e.starts_on, c.birth_date, e.last_proof_on, e.standing, e.payment,
        e.proven_on, exists (select from review_cases r where r.beneficiary_id = c.id and r.state = 'open'),
        e.stopped_on, e.back_pay_from, e.first_due_on, e.terms, {guarded_sql(RowKind.STANDING, "e")}
    from chunk_people c join entitlements e on e.beneficiary_id = c.id
"""  # noqa: S608 - our own columns
_RAISE = b"""
    update entitlements e set standing = 'certified', payment = 'continue', next_step = n.next_step,
        valid_until = n.valid_until, due_on = n.due_on, next_change_on = n.next_change_on, determination_id = n.id,
        proven_on = n.proven_on, mac = n.mac
    from raised n where e.id = n.entitlement_id
"""
PASSES = MappingProxyType(
    {
        "chunk": pa.int32(),
        "id": pa.string(),
        "entitlement_id": pa.string(),
        "beneficiary_id": pa.string(),
        "scheme": pa.string(),
        "as_of": pa.date32(),
        "starts_on": pa.date32(),
        "birth_date": pa.date32(),
        "last_proof_on": pa.date32(),
        "standing_before": pa.string(),
        "proven_on": pa.date32(),
        "valid_until": pa.date32(),
        "evidence": pa.string(),
    }
)
"""Columns of silent passes; ``evidence`` as PostgreSQL writes an array."""


def lock_chunk(db: Session, people: pa.Table) -> pa.Table:
    """Lock people until the transaction ends, and return those who are missing or erased.

    Args:
        db: the session of the chunk's transaction.
        people: ids in a column ``person``.

    Returns:
        The ids that could not be locked, in a column ``person``.
    """
    run(db, b"create temp table chunk_all (id uuid) on commit drop", {})
    copy_in(db, "chunk_all", people.rename_columns(["id"]))
    run(db, b"analyze chunk_all", {})
    driver(db).execute(_BY_INDEX)
    # In the order of ids, as in every statement that locks people; see dossiers.py.
    run(
        db,
        b"""create temp table chunk_people on commit drop as
        select b.id, b.birth_date from beneficiaries b join chunk_all c on c.id = b.id where b.erased_at is null
        order by b.id for no key update of b""",
        {},
    )
    run(db, b"analyze chunk_people", {})
    # Not a join: only index scans are allowed here, and joining two tables without indexes would take very long.
    gone = "select id from chunk_all except select id from chunk_people"
    return copy_out(db, gone, {"person": pa.string()})


def insert_evidence(db: Session, rows: pa.Table) -> None:
    """Store facts; the columns of ``rows`` are those of the table ``evidence`` without the MAC."""
    macs = macs_of(db)
    copy_in(db, "evidence", rows, prepare=lambda batch: sealed_batch(macs, db, RowKind.EVIDENCE, batch))


def evidence_of_chunk(db: Session, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Return all facts about the people of the chunk.

    Args:
        db: the session of the chunk's transaction.
        columns: names and types of the result, in the order of the query: id, person, kind, source, time of the event,
            act, trust. The kind is ``capture_apart`` for a capture that is valid for less than others, or that may
            prove together with signs of life.

    Raises:
        RowAltered: a fact is not as the service wrote it (``row_altered``).
    """
    return checked_table(macs_of(db), db, RowKind.EVIDENCE, _guarded(db, _EVIDENCE, columns, RowKind.EVIDENCE))


def pensions_of_chunk(db: Session, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Return all pensions of the people of the chunk, and whether the person has an open review case.

    Args:
        db: the session of the chunk's transaction.
        columns: names and types of the result, in the order of the query: id, person, scheme, start, birth date, last
            proof, standing, payment, day of the best proof, open case, day of the stop, first day of back-pay, day
            before which the first proof is not due, terms.

    Raises:
        RowAltered: a pension is not as the service wrote it (``row_altered``).
    """
    return checked_table(macs_of(db), db, RowKind.STANDING, _guarded(db, _PENSIONS, columns, RowKind.STANDING))


def _guarded(db: Session, query: str, columns: Mapping[str, pa.DataType], kind: RowKind) -> pa.Table:
    return copy_out(db, query, {**columns, **guard_columns(kind)})


def raise_standings(db: Session, passes: pa.Table) -> None:
    """Set the standing of the pensions that the passes prove.

    Args:
        db: the session of the chunk's transaction.
        passes: the passes; ``stopped_on``, ``back_pay_from``, ``first_due_on`` and ``terms`` are those of the pension,
            which do not change.
    """
    columns = ["id", "entitlement_id", "next_step", "valid_until", "due_on", "next_change_on", "proven_on"]
    names = {"id": "determination_id", "entitlement_id": "id", "person": "beneficiary_id"}
    rows = passes.rename_columns([names.get(name, name) for name in passes.column_names])
    for name, word in (("standing", "certified"), ("payment", "continue")):
        rows = rows.append_column(name, pa.repeat(word, rows.num_rows))
    passes = passes.select(columns).append_column("mac", macs_in_text(macs_of(db), db, RowKind.STANDING, rows))
    run(
        db,
        b"""create temp table raised (id uuid, entitlement_id uuid, next_step text, valid_until date, due_on date,
        next_change_on date, proven_on date, mac bytea) on commit drop""",
        {},
    )
    copy_in(db, "raised", passes)
    run(db, b"analyze raised", {})
    if run(db, _RAISE, {}) != passes.num_rows:
        raise AssertionError("a pension of a locked person is missing")


def insert_passes(db: Session, run_id: UUID, chunk: int, passes: pa.Table) -> bytes:
    """Store the silent passes of a chunk, and return their digest (``passes_digest``)."""
    rows = passes.rename_columns(["beneficiary_id" if name == "person" else name for name in passes.column_names])
    rows = rows.append_column("run_id", pa.repeat(str(run_id), rows.num_rows))
    rows = rows.append_column("chunk", pa.repeat(pa.scalar(chunk, pa.int32()), rows.num_rows))
    stored = rows.select(["run_id", *PASSES])
    stored = stored.append_column("mac", macs_in_text(macs_of(db), db, RowKind.PASS, stored))
    copy_in(db, "silent_passes", stored)
    return passes_digest(rows.select(list(PASSES)))


def passes_of_run(db: Session, run_id: UUID) -> Iterator[pa.Table]:
    """Yield the silent passes of a run, one chunk at a time, in the order of their ids (columns ``PASSES``)."""
    query = f"select {', '.join(PASSES)} from silent_passes where run_id = '{run_id}' order by chunk, id"  # noqa: S608 - our columns
    rest: pa.Table | None = None
    for batch in copy_out_batches(db, query, PASSES):
        table = pa.Table.from_batches([batch])
        rest = table if rest is None else pa.concat_tables([rest, table])
        last = rest["chunk"][-1]
        whole = rest.filter(pa.compute.not_equal(rest["chunk"], last))
        for chunk in whole["chunk"].unique():
            yield whole.filter(pa.compute.equal(whole["chunk"], chunk))
        rest = rest.filter(pa.compute.equal(rest["chunk"], last))
    if rest is not None and rest.num_rows:
        yield rest


def passes_digest(passes: pa.Table, *, early: bool = False) -> bytes:
    """Return the SHA-256 of the silent passes of a chunk, written as CSV in the order of their ids.

    The birth dates are left out: they are deleted when people are erased, and the digest must stay provable.

    Args:
        passes: the passes of one chunk, with the columns ``PASSES``.
        early: with the birth dates, as releases before 0017 of the database computed it.
    """
    columns = {name: kind for name, kind in PASSES.items() if early or name != "birth_date"}
    ordered = passes.select(list(columns)).cast(pa.schema(list(columns.items()))).sort_by("id")
    sink = pa.BufferOutputStream()
    pc.write_csv(ordered, sink, pc.WriteOptions(include_header=False))
    return hashlib.sha256(sink.getvalue()).digest()


def bodies_digest(rows: pa.Table) -> bytes:
    """Return the SHA-256 of the bodies of facts in the order of their ids, a line for each.

    Args:
        rows: facts with a column ``body``, sorted by id.
    """
    digest = hashlib.sha256()
    for batch in rows.select(["body"]).to_batches(max_chunksize=50_000):
        digest.update("".join(f"{body}\n" for body in batch["body"].to_pylist()).encode())
    return digest.digest()


def facts_digest(db: Session, run_id: UUID, chunk: int) -> bytes:
    """Return ``bodies_digest`` of the facts that a run stored in a chunk; their ids name both."""
    query = f"""select body::text from evidence where run_id = '{run_id}'
        and substr(id::text, 16, 3) = '{chunk:03x}' order by id"""  # noqa: S608 - an id and a number of ours
    return bodies_digest(copy_out(db, query, {"body": pa.string()}))

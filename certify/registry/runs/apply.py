"""The second half of a run, one transaction for each chunk: facts become evidence, and standings are determined.

Simple cases are decided in bulk (``silent``), all others one by one by ``decide``. A chunk commits together with the
note that it is done, so an interrupted run continues with the next chunk and does nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import duckdb
import pyarrow as pa

from certify.decision.determine import determine_locked_many, keep_policy
from certify.domain.ledger_events import LedgerEvent
from certify.registry.feeds.description import Feed
from certify.registry.feeds.source import principal_of, require_feed_source
from certify.registry.runs.questions import ask
from certify.registry.runs.silent import EVIDENCE, PENSIONS, find_passes
from certify.service import Service, Unit
from certify.storage.bulk import (
    bodies_digest,
    evidence_of_chunk,
    insert_evidence,
    insert_passes,
    lock_chunk,
    pensions_of_chunk,
    raise_standings,
)
from certify.storage.tables.runs import (
    AuditRow,
    RunChunkRow,
    RunRow,
)

NO_PASSES = hashlib.sha256().digest()
"""The digest of a chunk without silent passes."""
_BATCH = 1_000
"""People that ``decide`` handles with one read of the database."""
_NEW_FACTS = """
    create temp view new_facts as
    select *, cast(event_on as timestamp) + interval 12 hour as event_at,
        case fact when 'sign' then 'sign_of_life' else fact end as kind
    from facts where fact <> 'question'
"""
"""The facts that become evidence, with their kind, and noon UTC of their day, which is that day almost everywhere."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What applies to all chunks of a run.

    Attributes:
        run: the run.
        feed: its description.
        audit_share: share of its silent passes that is drawn for the random sample.
    """

    run: RunRow
    feed: Feed
    audit_share: float


def apply_chunk(service: Service, settings: RunSettings, chunk: int, facts: pa.Table) -> dict[str, int]:
    """Apply one chunk in its own transaction.

    Args:
        service: the service.
        settings: what applies to all chunks.
        chunk: number of the chunk.
        facts: its facts, as ``facts.make_facts`` made them.

    Returns:
        Counts of what was done; empty for a chunk that is done already.
    """
    run_id = settings.run.id
    with service.unit(f"run:{run_id}") as unit, duckdb.connect(config={"threads": 1}) as database:
        if unit.db.get(RunChunkRow, (run_id, chunk)) is not None:
            return {}
        if "event_from" not in facts.column_names:  # an earlier release prepared this run
            facts = facts.append_column("event_from", pa.nulls(len(facts), pa.date32()))
        database.register("facts", facts)
        people = database.sql("select distinct person from facts order by person").to_arrow_table()
        gone = lock_chunk(unit.db, people)
        database.register("facts", _without(database, facts, gone))  # people who were erased meanwhile are left out
        database.execute(_NEW_FACTS)
        if settings.feed.adverse_kind is None:
            database.register("before", evidence_of_chunk(unit.db, EVIDENCE))
        institution = require_feed_source(service.sources, settings.feed).institution
        rows = database.sql(_evidence_sql(settings, institution, unit.now)).to_arrow_table()
        insert_evidence(unit.db, rows)
        changed = database.sql("select distinct person from new_facts").to_arrow_table()
        counts, digest = _determine(unit, settings, database, chunk, changed)
        asked = database.sql("select * from facts where fact = 'question'").to_arrow_table()
        new = ask(unit, settings.run, asked.to_pylist())
        counts |= {"evidence": rows.num_rows, "people": changed.num_rows, "questions": new}
        counts |= {"asked_before": asked.num_rows - new} if new < asked.num_rows else {}
        told = bodies_digest(rows)
        unit.ledger(
            LedgerEvent.RUN_CHUNK, None, run=str(run_id), chunk=chunk, digest=digest.hex(), facts=told.hex(), **counts
        )
        policies = {scheme: document.sha256 for scheme, document in sorted(service.policies.items())}
        unit.db.add(
            RunChunkRow(
                run_id=run_id,
                chunk=chunk,
                counts=counts,
                policies=policies,
                digest=digest,
                facts_digest=told,
                done_at=unit.now,
            )
        )
    return counts


def _without(database: duckdb.DuckDBPyConnection, facts: pa.Table, gone: pa.Table) -> pa.Table:
    if gone.num_rows == 0:
        return facts
    database.register("gone", gone)
    return database.sql("select * from facts where person not in (select person from gone)").to_arrow_table()


def _evidence_sql(settings: RunSettings, institution: str, now: datetime) -> str:
    """Return the query that turns facts into rows of the table ``evidence``."""
    source, recorded, weight = settings.feed.source, now.isoformat(), settings.feed.evidence.weight
    principal = principal_of(settings.feed.name)
    # The keys of each body stand in the order of the alphabet: so it is written as it is hashed (row_macs.py).
    at, since = """'"event_at":"' || event_at || '",'""", """coalesce('"event_from":"' || event_from || '",', '')"""
    who = f"""'"id":"' || id || '","institution":"{institution}",'"""
    start = f"{at} || {who}"
    told = f'"principal":"{principal}","recorded_at":"{recorded}","source":"{source}"'
    return f"""
        select id, person as beneficiary_id, kind, '{source}' as source, external_id, event_at,
            '{recorded}' as recorded_at, '{institution}' as institution, '{principal}' as principal,
            case kind
                when 'sign_of_life' then '{{"act":"' || what || '",' || {start} ||
                    '{told},"trust":{weight!r},"type":"sign_of_life"}}'
                when 'adverse' then '{{' || {at} || {since} || {who} ||
                    '"kind":"' || what || '",{told},"type":"adverse"}}'
                else '{{"by_officer":false,"by_person":false,' || {start} || '{told},"target":"' || target
                    || '","type":"void"}}' end as body,
            '{settings.run.id}' as run_id, stage as link_stage, weight as link_weight, levels as link_levels
        from (select * replace (strftime(event_at, '%Y-%m-%dT%H:%M:%S+00:00') as event_at,
            cast(event_from as varchar) as event_from) from new_facts)
        order by id"""


def _determine(
    unit: Unit, settings: RunSettings, database: duckdb.DuckDBPyConnection, chunk: int, changed: pa.Table
) -> tuple[dict[str, int], bytes]:
    policies = unit.service.policies
    hard: Sequence[str] = changed["person"].to_pylist()
    passed, digest = 0, NO_PASSES
    if settings.feed.adverse_kind is None:
        database.register("pensions", pensions_of_chunk(unit.db, PENSIONS))
        database.execute(
            f"""create temp table evidence as select * from before union all by name
            select id, person, kind, '{settings.feed.source}' as source, event_at at time zone 'UTC' as event_at,
                case fact when 'sign' then what end as act,
                case fact when 'sign' then {settings.feed.evidence.weight!r} end as trust
            from new_facts"""
        )
        decided = find_passes(database, [document.policy for document in policies.values()], unit.now, changed)
        hard, passed = decided.hard, decided.passes.num_rows
        if passed:
            passes = _with_ids(database, decided.passes, settings.run)
            schemes = set(passes["scheme"].unique().to_pylist())
            for scheme in sorted(schemes):
                keep_policy(unit, policies[scheme])
            raise_standings(unit.db, passes)
            digest = insert_passes(unit.db, settings.run.id, chunk, passes)
            _draw_sample(unit, database, settings, passes)
    for batch in _batches(hard, _BATCH):
        determine_locked_many(unit, [UUID(person) for person in batch])
    return {"passes": passed, "one_by_one": len(hard)}, digest


def _with_ids(database: duckdb.DuckDBPyConnection, passes: pa.Table, run: RunRow) -> pa.Table:
    """Give each pass an id made of run and pension: the same run gives the same ids, close together in the index."""
    stamp = f"{int(run.started_at.timestamp() * 1000):012x}"
    database.register("passes", passes)
    query = f"""select '{stamp[:8]}-{stamp[8:]}-8' || left(entitlement_id, 3) || '-b{run.id.hex[:3]}-'
        || substr(replace(entitlement_id, '-', ''), 4, 12) as id, * from passes order by id"""
    return database.sql(query).to_arrow_table()


def _draw_sample(unit: Unit, database: duckdb.DuckDBPyConnection, settings: RunSettings, passes: pa.Table) -> None:
    """Draw passes for the random sample by the hash of run and file, which is not known before the file exists."""
    database.register("passes", passes)
    lot = f"cast('0x' || left(sha256('{settings.run.sha256}:{settings.run.id}:' || id), 8) as bigint)"
    limit = int(settings.audit_share * 2**32)
    for pass_id, person in database.execute(
        f"select id, person from passes where {lot} < {limit} order by id"
    ).fetchall():
        unit.db.add(
            AuditRow(pass_id=UUID(pass_id), run_id=settings.run.id, beneficiary_id=UUID(person), drawn_at=unit.now)
        )


def _batches(people: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(people), size):
        yield people[start : start + size]

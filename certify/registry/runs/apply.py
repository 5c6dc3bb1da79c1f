"""The second half of a run: one chunk, one transaction. Facts become evidence, people are determined, the ledger knows.

Whoever is plain is decided in bulk (``silent``); everybody else by ``decide``, one by one. The chunk commits with the
note that it is done, so a killed run goes on with the next and does nothing twice.
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
from certify.registry.runs.questions import ask
from certify.registry.runs.silent import EVIDENCE, PENSIONS, find_passes
from certify.service import Service, Unit
from certify.storage.bulk import (
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
"""People whom ``decide`` looks at between two looks at the database."""
_NEW_FACTS = """
    create temp view new_facts as
    select *, cast(event_on as timestamp) + interval 12 hour as event_at,
        case fact when 'sign' then 'sign_of_life' else fact end as kind
    from facts where fact <> 'question'
"""
"""What becomes evidence: its kind, and noon UTC of its day, which is that day almost everywhere."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What applies to all chunks of a run. ``audit_share`` of its silent passes is drawn by lot."""

    run: RunRow
    feed: Feed
    audit_share: float


def apply_chunk(service: Service, settings: Settings, chunk: int, facts: pa.Table) -> dict[str, int]:
    """Carry out one chunk; return what was done. A chunk that is done already is passed over."""
    run_id = settings.run.id
    with service.unit(f"run:{run_id}") as unit, duckdb.connect(config={"threads": 1}) as database:
        if unit.db.get(RunChunkRow, (run_id, chunk)) is not None:
            return {}
        database.register("facts", facts)
        people = database.sql("select distinct person from facts order by person").to_arrow_table()
        gone = lock_chunk(unit.db, people)
        database.register("facts", _without(database, facts, gone))  # whoever was erased meanwhile is left out
        database.execute(_NEW_FACTS)
        if settings.feed.adverse_kind is None:
            database.register("before", evidence_of_chunk(unit.db, EVIDENCE))
        rows = database.sql(_evidence_sql(settings, unit.now)).to_arrow_table()
        insert_evidence(unit.db, rows)
        changed = database.sql("select distinct person from new_facts").to_arrow_table()
        counts, digest = _determine(unit, settings, database, chunk, changed)
        asked = database.sql("select * from facts where fact = 'question'").to_arrow_table()
        counts |= {"evidence": rows.num_rows, "people": changed.num_rows, "questions": asked.num_rows}
        ask(unit, settings.run, asked.to_pylist())
        unit.ledger(LedgerEvent.RUN_CHUNK, None, run=str(run_id), chunk=chunk, digest=digest.hex(), **counts)
        policies = {scheme: document.sha256 for scheme, document in sorted(service.policies.items())}
        unit.db.add(
            RunChunkRow(run_id=run_id, chunk=chunk, counts=counts, policies=policies, digest=digest, done_at=unit.now)
        )
    return counts


def _without(database: duckdb.DuckDBPyConnection, facts: pa.Table, gone: pa.Table) -> pa.Table:
    if gone.num_rows == 0:
        return facts
    database.register("gone", gone)
    return database.sql("select * from facts where person not in (select person from gone)").to_arrow_table()


def _evidence_sql(settings: Settings, now: datetime) -> str:
    """Return the query that turns facts into rows of the table ``evidence``."""
    source, recorded = settings.feed.source, now.isoformat()
    return f"""
        select id, person as beneficiary_id, kind, '{source}' as source, external_id, event_at,
            '{recorded}' as recorded_at,
            '{{"type":"' || kind || '","id":"' || id || '","source":"{source}","event_at":"' || event_at
                || '","recorded_at":"{recorded}",' || case kind
                when 'sign_of_life' then '"act":"' || what || '","trust":{settings.feed.evidence.weight!r}}}'
                when 'adverse' then '"kind":"' || what || '"}}'
                else '"target":"' || target || '","by_officer":false,"by_person":false}}' end as body,
            '{settings.run.id}' as run_id, stage as link_stage, weight as link_weight, levels as link_levels
        from (select * replace (strftime(event_at, '%Y-%m-%dT%H:%M:%S+00:00') as event_at) from new_facts)
        order by id"""


def _determine(
    unit: Unit, settings: Settings, database: duckdb.DuckDBPyConnection, chunk: int, changed: pa.Table
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
        found = find_passes(database, [document.policy for document in policies.values()], unit.now, changed)
        hard, passed = found.hard, found.passes.num_rows
        if passed:
            passes = _with_ids(database, found.passes, settings.run)
            schemes = set(passes["scheme"].unique().to_pylist())
            for scheme in sorted(schemes):
                keep_policy(unit, policies[scheme])
            raise_standings(unit.db, passes)
            digest = insert_passes(unit.db, settings.run.id, chunk, passes)
            _draw(unit, database, settings, passes)
    for batch in _batches(hard, _BATCH):
        determine_locked_many(unit, [UUID(person) for person in batch])
    return {"passes": passed, "one_by_one": len(hard)}, digest


def _with_ids(database: duckdb.DuckDBPyConnection, passes: pa.Table, run: RunRow) -> pa.Table:
    """Give each pass the id of its run and pension: the same run gives the same ids, near each other in the index."""
    stamp = f"{int(run.started_at.timestamp() * 1000):012x}"
    database.register("passes", passes)
    query = f"""select '{stamp[:8]}-{stamp[8:]}-8' || left(entitlement_id, 3) || '-b{run.id.hex[:3]}-'
        || substr(replace(entitlement_id, '-', ''), 4, 12) as id, * from passes order by id"""
    return database.sql(query).to_arrow_table()


def _draw(unit: Unit, database: duckdb.DuckDBPyConnection, settings: Settings, passes: pa.Table) -> None:
    """Draw passes to be audited. Which ones follows from the run, and cannot be known before its file is there."""
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

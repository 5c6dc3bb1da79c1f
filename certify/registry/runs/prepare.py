"""The first half of a run: records are linked with people, and the facts are stored chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from time import perf_counter
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from certify.domain.error_codes import ErrorCode
from certify.domain.states import RunState
from certify.errors import Conflict
from certify.registry.feeds.description import Feed
from certify.registry.linking import LinkResult, Parameters, link, load_people, open_engine
from certify.registry.linking.duckdb_engine import DuckDbEngine
from certify.registry.runs.endings import as_counts, departures_of, find_endings, may_end
from certify.registry.runs.facts import (
    EARLIER,
    EARLY,
    FACTS,
    KNOWN,
    LINKS,
    NOTES,
    OUTCOMES,
    QUESTIONS,
    RECORDS,
    SEEN,
    WITHDRAWN,
    make_facts,
)
from certify.registry.runs.importing import feed_of, open_staging
from certify.registry.runs.roster import hashed_records, read_people
from certify.registry.runs.staging import Staging
from certify.registry.workspace import open_workspace
from certify.service import Service, Unit
from certify.storage.runs import (
    add_early_voids,
    asked_records,
    early_targets,
    get_run,
    keep_outcomes,
    known_records,
    latest_model,
    seen_numbers,
    source_is_new,
    standing_records,
)
from certify.storage.tables.runs import RunRow

Say = Callable[[str], None]
SIGN_CHUNK, ADVERSE_CHUNK = 50_000, 2_000
"""People in a transaction. Signs of life are decided in bulk; adverse records person by person, which takes longer."""
_ENOUGH_TO_TRAIN = 5_000
"""Number of records from which the first file of a feed trains a model; with fewer, the shipped probabilities apply."""
_UNTRAINED: dict[str, Any] = {"trained": False, "probabilities": {}}
_WEIGHTS = (-10, 60)
"""Ends of the histogram of match weights, in bits; weights beyond are counted at the ends."""


def prepare(
    service: Service, run_id: UUID, *, engine: str, memory: str, threads: int, say: Say, chunk_size: int | None = None
) -> bool:
    """Link the records of a run and store its facts. Repeated after an interruption, it gives the same facts again.

    Args:
        service: the service.
        run_id: id of the run.
        engine: linking engine, ``duckdb`` or ``spark``.
        memory: memory of the engine.
        threads: threads of the engine.
        say: is told of each step.
        chunk_size: people in a chunk; None for the default of the kind of feed.

    Returns:
        Whether the run may go on; False if it is held, because it would end too many records.

    Raises:
        NotFound: there is no such run (``run_not_found``).
        Unavailable: its working files are on another machine (``run_elsewhere``).
    """
    with service.reading() as unit:
        row = get_run(unit.db, run_id)
        feed = feed_of(row)
        stored = row.parameters or {}
        model = stored.get("linking", {}).get("model") or latest_model(unit.db, feed.name)
    staging, seconds = open_staging(service, row), {}
    ended = _hold_endings(service, row, feed, staging)
    if ended is None:
        return False
    opened = open_engine(engine, memory=memory, threads=threads)
    try:
        say("reading people")
        start = perf_counter()
        with service.unit() as unit:
            key = service.vault.lookup_key(unit.db)
            people = read_people(unit.db, feed)
            load_people(opened, people)
        seconds["read"] = perf_counter() - start
        say(f"linking {row.shape['rows']:,} records with {opened.count('people'):,} people")
        start = perf_counter()
        records = hashed_records(feed, staging.read_all("records"), key)
        if model is None and row.shape["rows"] < _ENOUGH_TO_TRAIN:
            model = _UNTRAINED
        # A death may be registered twice, so that a person may have several records in one file.
        parameters = Parameters(model=model)
        result = link(opened, people, records, parameters, people_loaded=True)
        seconds["link"] = perf_counter() - start
        say("making facts")
        start = perf_counter()
        levels = [name.removeprefix("g_") for name in opened.columns("links") if name.startswith("g_")]
        with _facts_database(result) as database:
            chunks, counts = _store_facts(service, row, feed, database, staging, chunk_size)
        seconds["facts"] = perf_counter() - start
    finally:
        opened.close()
    linking = asdict(replace(parameters, model=result.model.stored()))
    given = {"engine": engine, "levels": levels, "linking": linking}
    _finish(service, row, staging, given, chunks, counts | {"linking": result.counts} | ended, seconds | result.seconds)
    return True


def _hold_endings(service: Service, row: RunRow, feed: Feed, staging: Staging) -> dict[str, Any] | None:
    """Count the endings of a run as its feed stands now; hold it and return None if an officer must look first."""
    if not may_end(feed):
        return {}
    with open_workspace() as database, service.unit() as unit:
        for number, table in enumerate(staging.read_all("records")):
            database.register("batch", table)
            into = "create table records as" if number == 0 else "insert into records"
            database.execute(f"{into} select record_id, operation, target from batch")
            database.unregister("batch")
        endings = find_endings(unit, feed, database, "records", spared=_spared(staging))
        found = [] if row.decided_by else departures_of(feed, endings)
        if found:
            stored = get_run(unit.db, row.id, lock=True)
            stored.state, stored.departures = RunState.HELD, [asdict(entry) for entry in found]
            return None
    counted = as_counts(endings)
    return {"ended": counted} if counted else {}


def _spared(staging: Staging) -> pa.Table:
    return staging.read("spared") if staging.has("spared") else pa.table({"number": pa.array([], pa.string())})


@contextmanager
def _facts_database(result: LinkResult) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database for facts, with the links. DuckDB's own database is used again, without its other tables."""
    if isinstance(result.engine, DuckDbEngine):
        database = result.engine.connection
        for (table,) in database.execute("select table_name from duckdb_tables() where not temporary").fetchall():
            if table != "links":
                database.execute(f"drop table {table}")
        database.execute(f"create view {LINKS} as select * from links")
        yield database
        return
    with open_workspace() as database:
        database.register(LINKS, result.links())
        yield database


def _store_facts(
    service: Service,
    row: RunRow,
    feed: Feed,
    database: duckdb.DuckDBPyConnection,
    staging: Staging,
    chunk_size: int | None,
) -> tuple[int, dict[str, Any]]:
    # Names are read again only if an officer may have to see them.
    words = "" if feed.adverse_kind is None else ", national_id, name, birth_date, sex, region"
    # Records of an import that an earlier release made have no first possible day.
    query = f"row, record_id, operation, target, act, event_date, event_from, recorded_on{words}"
    for number, table in enumerate(staging.read_all("records")):
        database.register("batch", table)
        into = f"create table {RECORDS} as" if number == 0 else f"insert into {RECORDS}"
        database.execute(f"{into} select {query} from batch")
        database.unregister("batch")
    with service.unit() as unit:
        database.register(KNOWN, _known(unit, feed, database, staging))
        database.register(EARLIER, early_targets(unit.db, feed.source))
        database.register(QUESTIONS, asked_records(unit.db, feed.source))
        numbers = pa.array([], pa.string()) if feed.adverse_kind is None else _numbers(database)
        database.register(SEEN, seen_numbers(unit.db, row, numbers))
    size = chunk_size or (SIGN_CHUNK if feed.adverse_kind is None else ADVERSE_CHUNK)
    chunks = make_facts(database, feed, run_id=row.id, now=row.started_at, chunk_size=size)
    for chunk in range(chunks):
        rows = database.sql(f"select * exclude (chunk) from {FACTS} where chunk = {chunk}").to_arrow_table()
        staging.write(f"facts-{chunk:05d}", rows)
    staging.write("early", database.sql(f"select target, external_id, operation from {EARLY}").to_arrow_table())
    staging.write("withdrawn", database.sql(f"select external_id from {WITHDRAWN}").to_arrow_table())
    # Signs of life come by the million. Those that are linked or known are facts already, which carry number and run.
    kept = "true" if feed.adverse_kind is not None else "outcome not in ('linked', 'known')"
    outcomes = database.sql(f"select row, number, outcome, reason from {OUTCOMES} where {kept} order by row")
    staging.write("outcomes", outcomes.to_arrow_table())
    ended = database.execute(f"select outcome, count(*) from {OUTCOMES} group by outcome order by outcome").fetchall()
    notes = database.execute(f"select code, count(*) from {NOTES} group by code").fetchall()
    facts = database.execute(f"select fact, count(*) from {FACTS} group by fact").fetchall()
    low, high = _WEIGHTS
    weights = database.execute(
        f"""select cast(least(greatest(floor(weight / 2) * 2, {low}), {high}) as integer) as bits, stage, count(*)
        from {LINKS} group by 1, 2 order by 1, 2"""
    ).fetchall()
    return chunks, {"notes": dict(notes), "facts": dict(facts), "weights": weights, "outcomes": dict(ended)}


def _known(unit: Unit, feed: Feed, database: duckdb.DuckDBPyConnection, staging: Staging) -> pa.Table:
    if may_end(feed):
        # A record whose row cannot be used, or that another feed of the source reports, does not end with this file.
        database.register("known_all", standing_records(unit.db, feed.source))
        database.register("spared", _spared(staging))
        return database.sql(
            f"""select * from known_all where number in (select record_id from {RECORDS})
                or number in (select target from {RECORDS} where target is not null)
                or (what = '{feed.adverse_kind}' and number not in (select number from spared))"""
        ).to_arrow_table()
    if source_is_new(unit.db, feed.source):
        return known_records(unit.db, feed.source, pa.array([], pa.string()))
    return known_records(unit.db, feed.source, _chained(unit, feed, _numbers(database)))


def _numbers(database: duckdb.DuckDBPyConnection) -> pa.Array:
    """Return all numbers that the file names."""
    query = f"select record_id as number from {RECORDS} union select target from {RECORDS} where target is not null"
    return database.sql(query).to_arrow_table()["number"].combine_chunks()


def _chained(unit: Unit, feed: Feed, numbers: pa.Array) -> pa.Array:
    """Add the numbers of the corrections of these records, which a void takes back too."""
    replaced = early_targets(unit.db, feed.source)
    more = replaced.filter(pc.equal(replaced["operation"], "correct"))["external_id"].combine_chunks()
    return pa.concat_arrays([numbers, more]).unique()


def _finish(
    service: Service,
    row: RunRow,
    staging: Staging,
    parameters: dict[str, Any],
    chunks: int,
    counts: dict[str, Any],
    seconds: dict[str, float],
) -> None:
    with service.unit() as unit:
        stored = get_run(unit.db, row.id, lock=True)
        if stored.state != RunState.READY:  # without the lock, nothing of another run is undone
            raise Conflict(f"This run is {stored.state} already.", code=ErrorCode.FEED_BUSY)
        stored.parameters, stored.chunks, stored.state = parameters, chunks, RunState.LINKED
        stored.counts = stored.counts | counts
        stored.seconds = {name: round(value, 3) for name, value in seconds.items()}
        add_early_voids(unit.db, row, staging.read("early"))
        keep_outcomes(unit.db, row, staging.read("outcomes"))

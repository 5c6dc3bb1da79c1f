"""Execution of a run from its present state to its end: linking, if it is not done yet, then chunk after chunk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import RunState
from certify.errors import CertifyError, Conflict
from certify.registry.feeds.source import require_feed_source
from certify.registry.runs.apply import RunSettings, apply_chunk
from certify.registry.runs.importing import feed_of, open_staging
from certify.registry.runs.prepare import prepare
from certify.registry.runs.questions import withdraw
from certify.service import Service
from certify.storage.database import DatabaseError
from certify.storage.feed_lock import feed_locked
from certify.storage.questions import questions_about
from certify.storage.runs import chunks_of, get_run, links_of_run
from certify.storage.tables.runs import RunRow

log = logging.getLogger("certify.registry")

Progress = Callable[[str, int, int], None]
"""Receives the present step, the number of chunks that are done, and the number of all chunks (0, 0 if unknown)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The resources of a run.

    Attributes:
        engine: linking engine, ``duckdb`` or ``spark``.
        memory: memory of the engine.
        threads: threads of the engine.
        workers: number of chunks that are applied at a time, each on a connection of its own.
        chunk_size: people in a chunk; None for the default of the kind of feed.
    """

    engine: str = "duckdb"
    memory: str = "4GB"
    threads: int = 2
    workers: int = 2
    chunk_size: int | None = None


def carry_out(
    service: Service,
    run_id: UUID,
    *,
    machine: Machine | None = None,
    progress: Progress = lambda _what, _done, _all: None,
) -> RunRow:
    """Execute a run to its end. It may be called again after any interruption.

    Args:
        service: the service.
        run_id: id of the run.
        machine: the resources to use.
        progress: is told of each step.

    Returns:
        The run. It is *held* if it would end more records than a file may without an officer.

    Raises:
        NotFound: there is no such run (``run_not_found``).
        Invalid: the source of the feed is not listed any more (``source_unknown``), or may not report this
            (``source_limits``).
        NotAllowed: the feed does not speak for its source (``source_not_yours``).
        Conflict: an officer has to look first (``run_held``), or has refused the file (``run_refused``); or somebody
            else imports or carries out a file of this feed (``feed_busy``).
        Unavailable: its working files are on another machine (``run_elsewhere``).
    """
    with service.reading() as unit:
        row = get_run(unit.db, run_id)
    if row.state == RunState.DONE:
        return row
    with feed_locked(service.database, row.feed):
        return _carry_out(service, run_id, machine or Machine(), progress)


def _carry_out(service: Service, run_id: UUID, machine: Machine, progress: Progress) -> RunRow:
    with service.reading() as unit:
        row = get_run(unit.db, run_id)  # again: the last holder of the lock may have carried it out
    if row.state in (RunState.HELD, RunState.REFUSED):
        hint = (
            "Look at it with 'certify run show', then let it go on with 'certify run accept'."
            if row.state == RunState.HELD
            else ""
        )
        raise Conflict(f"This file is {row.state}; nothing was done.", hint=hint, code=ErrorCode(f"run_{row.state}"))
    if row.state != RunState.DONE:
        require_feed_source(service.sources, feed_of(row))  # the registry may have changed since the import
    if row.state == RunState.READY and not _prepared(service, run_id, machine, progress):
        with service.reading() as unit:
            return get_run(unit.db, run_id)
    if row.state != RunState.DONE:
        _apply(service, run_id, machine, progress)
        _finish(service, run_id)
    with service.reading() as unit:
        return get_run(unit.db, run_id)


def _prepared(service: Service, run_id: UUID, machine: Machine, progress: Progress) -> bool:
    """Link a run; return False if it is held. A file on which linking fails is held, and blocks no later one."""
    try:
        return prepare(
            service,
            run_id,
            engine=machine.engine,
            memory=machine.memory,
            threads=machine.threads,
            say=lambda what: progress(what, 0, 0),
            chunk_size=machine.chunk_size,
        )
    except (CertifyError, DatabaseError, OSError, MemoryError):
        raise
    except Exception:
        log.exception("a run could not be linked", extra={"run": str(run_id)})
        with service.unit() as unit:
            row = get_run(unit.db, run_id, lock=True)
            row.state, row.departures = RunState.HELD, [{"code": "failed", "reason": _FAILED}]
        return False


_FAILED = (
    "The records could not be compared with the people of the fund; the log has the details. Accept it to try again."
)


def _apply(service: Service, run_id: UUID, machine: Machine, progress: Progress) -> None:
    with service.reading() as unit:
        row = get_run(unit.db, run_id)
        done = {chunk.chunk for chunk in chunks_of(unit.db, run_id)}
    settings = RunSettings(row, feed_of(row), service.settings.audit_share)
    staging, total, start = open_staging(service, row), row.chunks or 0, perf_counter()
    progress("standing", len(done), total)

    def work(chunk: int) -> None:
        apply_chunk(service, settings, chunk, staging.read(f"facts-{chunk:05d}"))

    with ThreadPoolExecutor(machine.workers) as pool:
        for number, _ in enumerate(pool.map(work, (c for c in range(total) if c not in done)), len(done) + 1):
            progress("standing", number, total)
    with service.unit() as unit:
        stored = get_run(unit.db, run_id, lock=True)
        stored.seconds = stored.seconds | {"apply": round(perf_counter() - start, 3)}


def _finish(service: Service, run_id: UUID) -> None:
    with service.unit() as unit:
        row = get_run(unit.db, run_id, lock=True)
        if row.state == RunState.DONE:
            return
        staging = open_staging(service, row)
        taken_back = staging.read("early")["target"].to_pylist()
        # What was asked about and is certain now needs no answer; a second fact under its number would be refused.
        certain = [] if feed_of(row).adverse_kind is None else links_of_run(unit.db, run_id)["external_id"].to_pylist()
        withdraw(unit, questions_about(unit.db, row.source, [*taken_back, *certain]))
        totals: dict[str, Any] = {}
        for chunk in chunks_of(unit.db, run_id):
            for name, number in chunk.counts.items():
                totals[name] = totals.get(name, 0) + number
        row.counts = row.counts | {"applied": totals}
        row.state, row.ended_at, row.staging_key = RunState.DONE, service.clock(), None
        unit.ledger(LedgerEvent.RUN_DONE, None, run=str(run_id), feed=row.feed, sha256=row.sha256, **totals)
    staging.remove()

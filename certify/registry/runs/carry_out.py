"""A run from where it is to its end: link what is not linked yet, then chunk after chunk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import RunState
from certify.errors import Conflict
from certify.registry.runs.apply import Settings, apply_chunk
from certify.registry.runs.importing import feed_of, open_staging
from certify.registry.runs.prepare import prepare
from certify.registry.runs.questions import withdraw
from certify.service import Service
from certify.storage.questions import questions_about
from certify.storage.runs import chunks_of, get_run
from certify.storage.tables.runs import RunRow

Progress = Callable[[str, int, int], None]
"""What is being done, and how many chunks of how many are done; 0 of 0 while that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a run may use. ``workers`` is the number of chunks at a time, each on a connection of its own."""

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
    """Carry a run on to its end; return it. May be called again after any interruption.

    Raises NotFound, Conflict (``run_held``: an officer has to look first; ``run_refused``), Unavailable
    (``run_elsewhere``: its working files are on another machine).
    """
    machine = machine or Machine()
    with service.reading() as unit:
        row = get_run(unit.db, run_id)
    if row.state in (RunState.HELD, RunState.REFUSED):
        hint = (
            "Look at it with 'certify run show', then let it go on with 'certify run accept'."
            if row.state == RunState.HELD
            else ""
        )
        raise Conflict(f"This file is {row.state}; nothing was done.", hint=hint, code=ErrorCode(f"run_{row.state}"))
    if row.state == RunState.READY:
        prepare(
            service,
            run_id,
            engine=machine.engine,
            memory=machine.memory,
            threads=machine.threads,
            say=lambda what: progress(what, 0, 0),
            chunk_size=machine.chunk_size,
        )
    if row.state != RunState.DONE:
        _apply(service, run_id, machine, progress)
        _finish(service, run_id)
    with service.reading() as unit:
        return get_run(unit.db, run_id)


def _apply(service: Service, run_id: UUID, machine: Machine, progress: Progress) -> None:
    with service.reading() as unit:
        row = get_run(unit.db, run_id)
        done = {chunk.chunk for chunk in chunks_of(unit.db, run_id)}
    settings = Settings(row, feed_of(row), service.settings.audit_share)
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
        withdraw(unit, questions_about(unit.db, row.source, taken_back))
        totals: dict[str, Any] = {}
        for chunk in chunks_of(unit.db, run_id):
            for name, number in chunk.counts.items():
                totals[name] = totals.get(name, 0) + number
        row.counts = row.counts | {"applied": totals}
        row.state, row.ended_at, row.staging_key = RunState.DONE, service.clock(), None
        unit.ledger(LedgerEvent.RUN_DONE, None, run=str(run_id), feed=row.feed, sha256=row.sha256, **totals)
    staging.remove()

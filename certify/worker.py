"""The worker: takes jobs from the queue, runs the face models, and keeps house."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from procrastinate import App, Blueprint, JobContext, PsycopgConnector, RetryStrategy

from certify.capture import evaluate_session
from certify.checkpoints import publish_checkpoint
from certify.determine import let_time_pass
from certify.enrol import measure_reference
from certify.queue import EVALUATE, MEASURE, NAMESPACE
from certify.service import Service
from certify.storage.database import SESSION_OPTIONS
from certify.storage.idempotency import purge_answers
from certify.storage.media import purge_media
from certify.storage.sessions import expire_sessions, waiting_sessions
from models.pipeline import FaceEngine

log = logging.getLogger("certify.worker")

_STALLED_AFTER = 20.0
"""Seconds without a heartbeat after which a worker counts as dead and its jobs are taken over."""

_ORPHANED_AFTER = timedelta(minutes=2)
"""A session submitted so long ago and not decided is enqueued again, whatever became of its job."""

# Errors here are crashes and lost connections, not bad photos (those are results); try again with growing pauses.
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=2)

tasks = Blueprint()


@dataclass(frozen=True, slots=True)
class Bench:
    """What the tasks work with."""

    service: Service
    engine: FaceEngine


@tasks.task(name=EVALUATE.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def evaluate(context: JobContext, subject: str) -> None:
    """Evaluate one submitted session."""
    bench = _bench(context)
    row = evaluate_session(bench.service, bench.engine, UUID(subject))
    log.info("session decided", extra={"session": subject, "outcome": row.outcome})


@tasks.task(name=MEASURE.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def measure(context: JobContext, subject: str) -> None:
    """Measure one pending reference."""
    bench = _bench(context)
    row = measure_reference(bench.service, bench.engine, UUID(subject))
    log.info("reference measured", extra={"reference": subject, "state": row.state})


@tasks.periodic(cron="* * * * *")
@tasks.task(name="keep_house", queue="faces", pass_context=True, queueing_lock="keep_house")
def keep_house(context: JobContext, timestamp: int) -> None:
    """Every minute: close stale sessions, delete media past retention, sign a checkpoint, find lost work."""
    del timestamp
    tidy(_bench(context).service)


def tidy(service: Service) -> None:
    """Do the regular chores once; safe at any time, by any number of workers."""
    with service.unit() as unit:
        expire_sessions(unit.db, unit.now)
        purge_media(unit.db, unit.now)
        purge_answers(unit.db, unit.now - timedelta(days=2))
        publish_checkpoint(unit)
        for session_id in waiting_sessions(unit.db, submitted_before=unit.now - _ORPHANED_AFTER, limit=100):
            unit.put_job(EVALUATE, session_id)
    let_time_pass(service)


async def run_worker(bench: Bench, *, wait: bool = True, concurrency: int = 1) -> None:
    """Work until stopped by SIGINT or SIGTERM (jobs under way are finished); with ``wait=False`` until idle."""
    app = App(connector=PsycopgConnector(conninfo=_conninfo(bench.service), kwargs={"options": SESSION_OPTIONS}))
    app.add_tasks_from(tasks, namespace=NAMESPACE)
    async with app.open_async():
        rescuer = asyncio.create_task(_rescue_forever(app))
        try:
            await app.run_worker_async(
                queues=["faces"],
                concurrency=concurrency,
                wait=wait,
                listen_notify=wait,
                additional_context={"bench": bench},
                stalled_worker_timeout=_STALLED_AFTER,
                update_heartbeat_interval=5.0,
                delete_jobs="successful",
                fetch_job_polling_interval=2.0,
            )
        finally:
            rescuer.cancel()


async def rescue_stalled(app: App) -> int:
    """Give jobs of dead workers back to the queue; return how many."""
    await app.job_manager.prune_stalled_workers(_STALLED_AFTER)
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_AFTER))
    for job in stalled:
        await app.job_manager.retry_job(job)
    return len(stalled)


async def _rescue_forever(app: App) -> None:
    while True:
        try:
            rescued = await rescue_stalled(app)
            if rescued:
                log.warning("jobs of a dead worker taken over", extra={"jobs": rescued})
        except Exception:
            log.exception("looking for stalled jobs failed")
        await asyncio.sleep(5)


def _bench(context: JobContext) -> Bench:
    bench = context.additional_context["bench"]
    if not isinstance(bench, Bench):
        raise TypeError("the worker was started without its bench")
    return bench


def _conninfo(service: Service) -> str:
    """Return the database address in the form psycopg reads: SQLAlchemy's, without the driver's name."""
    return service.database.url.replace("postgresql+psycopg://", "postgresql://", 1)

"""The worker: takes jobs from the queue, runs the face models, and keeps house."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from uuid import UUID

from procrastinate import Blueprint, JobContext, RetryStrategy

from certify.capture.evaluate import evaluate_session
from certify.doorstep.opening import open_bundle
from certify.doorstep.traces import note_face
from certify.people.references import measure_reference
from certify.queue import EVALUATE, MEASURE, NAMESPACE, OPEN
from certify.service import Service
from certify.workers.housekeeping import run_housekeeping
from certify.workers.rescue import STALLED_AFTER, rescue_forever
from certify.workers.running import worker_app
from models.pipeline import FaceEngine

log = logging.getLogger("certify.worker")

# Errors here are crashes and lost connections, not bad photos (those are results); try again with growing pauses.
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=2)

tasks = Blueprint()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What the tasks work with."""

    service: Service
    engine: FaceEngine


@tasks.task(name=EVALUATE.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def evaluate(context: JobContext, subject: str) -> None:
    """Evaluate one submitted session."""
    bench = _bench(context)
    row = evaluate_session(bench.service, bench.engine, UUID(subject), notice=note_face)
    log.info("session decided", extra={"session": subject, "outcome": row.outcome})


@tasks.task(name=MEASURE.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def measure(context: JobContext, subject: str) -> None:
    """Measure one pending reference."""
    bench = _bench(context)
    row = measure_reference(bench.service, bench.engine, UUID(subject))
    log.info("reference measured", extra={"reference": subject, "state": row.state})


@tasks.task(name=OPEN.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def open_visit(context: JobContext, subject: str) -> None:
    """Open one sealed visit."""
    row = open_bundle(_bench(context).service, UUID(subject))
    log.info("visit opened", extra={"bundle": subject, "state": row.state, "reason": row.reason})


@tasks.periodic(cron="* * * * *")
@tasks.task(name="keep_house", queue="faces", pass_context=True, queueing_lock="keep_house")
def keep_house(context: JobContext, timestamp: int) -> None:
    """Every minute: close stale sessions, delete media past retention, sign a checkpoint, find lost work."""
    del timestamp
    run_housekeeping(_bench(context).service)


async def run_worker(bench: WorkerContext, *, wait: bool = True, concurrency: int = 1) -> None:
    """Work until stopped by SIGINT or SIGTERM (jobs under way are finished); with ``wait=False`` until idle."""
    async with worker_app(bench.service, tasks, ["faces"], wait=wait) as (app, run):
        rescuer = asyncio.create_task(rescue_forever(app, bench.service))
        try:
            await run(
                concurrency=concurrency,
                additional_context={"bench": bench},
                stalled_worker_timeout=STALLED_AFTER,
                update_heartbeat_interval=5.0,
                fetch_job_polling_interval=2.0,
            )
        finally:
            rescuer.cancel()


def _bench(context: JobContext) -> WorkerContext:
    bench = context.additional_context["bench"]
    if not isinstance(bench, WorkerContext):
        raise TypeError("the worker was started without its bench")
    return bench

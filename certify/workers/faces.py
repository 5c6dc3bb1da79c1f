"""Run the worker of the lane ``faces``: it evaluates sessions, measures references, opens visits, does housekeeping."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from uuid import UUID

from procrastinate import Blueprint, JobContext, RetryStrategy

from certify.audit.ledger_check import check_ledger, report_ledger
from certify.capture.evaluate import evaluate_session
from certify.capture.refresh import refresh_reference
from certify.decision.duplicate_faces import DuplicateSearch
from certify.doorstep.opening import open_bundle
from certify.doorstep.traces import note_face
from certify.people.references import measure_reference
from certify.queue import EVALUATE, MEASURE, NAMESPACE, OPEN, REFRESH, Lane
from certify.service import Service
from certify.workers.housekeeping import run_housekeeping
from certify.workers.rescue import STALLED_AFTER, rescue_forever
from certify.workers.running import worker_app
from models.pipeline import FaceEngine

log = logging.getLogger("certify.worker")

# Errors here are crashes and lost connections; a bad photo is a result and not an error. Retry with growing pauses.
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=2)

tasks = Blueprint()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The service, the face models and the search for duplicate faces that the tasks use."""

    service: Service
    engine: FaceEngine
    search: DuplicateSearch | None = None

    def searching(self) -> WorkerContext:
        """Return this context with a search for duplicate faces."""
        return self if self.search is not None else replace(self, search=DuplicateSearch(self.service, self.engine))


@tasks.task(name=EVALUATE.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def evaluate(context: JobContext, subject: str) -> None:
    """Evaluate one submitted session."""
    worker = _worker_context(context)
    row = evaluate_session(worker.service, worker.engine, UUID(subject), notice=note_face)
    log.info("session decided", extra={"session": subject, "outcome": row.outcome})


@tasks.task(name=MEASURE.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def measure(context: JobContext, subject: str) -> None:
    """Measure one pending reference."""
    worker = _worker_context(context)
    row = measure_reference(worker.service, worker.engine, UUID(subject), search=worker.search)
    log.info("reference measured", extra={"reference": subject, "state": row.state})


@tasks.task(name=REFRESH.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def refresh(context: JobContext, subject: str) -> None:
    """Make a reference of a session that confirmed its person."""
    worker = _worker_context(context)
    made = refresh_reference(worker.service, worker.engine, UUID(subject), search=worker.search)
    log.info("reference refreshed", extra={"session": subject, "reference": None if made is None else str(made)})


@tasks.task(name=OPEN.removeprefix(f"{NAMESPACE}:"), queue="faces", pass_context=True, retry=_RETRY)
def open_visit(context: JobContext, subject: str) -> None:
    """Open one sealed visit."""
    row = open_bundle(_worker_context(context).service, UUID(subject))
    log.info("visit opened", extra={"bundle": subject, "state": row.state, "reason": row.reason})


@tasks.periodic(cron="* * * * *")
@tasks.task(
    name="keep_house", queue="faces", pass_context=True, queueing_lock="keep_house", priority=Lane.HOUSEKEEPING.value
)
def do_housekeeping(context: JobContext, timestamp: int) -> None:
    """Run housekeeping every minute."""
    del timestamp
    worker = _worker_context(context)
    run_housekeeping(worker.service)
    if worker.search is not None:
        worker.search.read()


@tasks.periodic(cron="10 2 * * *")
@tasks.task(name="verify_ledger", queue="faces", pass_context=True, queueing_lock="verify_ledger")
def verify_ledger(context: JobContext, timestamp: int) -> None:
    """Verify the whole ledger every night. Findings are logged as alarms."""
    del timestamp
    with _worker_context(context).service.snapshot() as unit:
        report_ledger(check_ledger(unit))


async def run_worker(worker: WorkerContext, *, wait: bool = True, concurrency: int = 1) -> None:
    """Run the faces worker, and rescue the jobs of dead workers meanwhile.

    Args:
        worker: the service and the face models.
        wait: True to work until SIGINT or SIGTERM (jobs under way are finished), False to stop when no job is left.
        concurrency: number of jobs at a time.
    """
    worker = worker.searching()
    async with worker_app(worker.service, tasks, ["faces"], wait=wait) as (app, run):
        rescuer = asyncio.create_task(rescue_forever(app, worker.service))
        try:
            await run(
                concurrency=concurrency,
                additional_context={"worker": worker},
                stalled_worker_timeout=STALLED_AFTER,
                update_heartbeat_interval=5.0,
                fetch_job_polling_interval=2.0,
            )
        finally:
            rescuer.cancel()


def _worker_context(context: JobContext) -> WorkerContext:
    worker = context.additional_context["worker"]
    if not isinstance(worker, WorkerContext):
        raise TypeError("the worker was started without its context")
    return worker

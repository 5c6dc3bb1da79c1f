"""The worker: takes jobs from the queue, runs the face models, and keeps house."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from procrastinate import App, Blueprint, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

from certify.audit.checkpoints import publish_checkpoint
from certify.capture.session import evaluate_session
from certify.decision.determine import let_time_pass
from certify.decision.unprocessable import Reason, give_up, give_up_reference
from certify.doorstep.opening import open_bundle
from certify.doorstep.receive import give_up_bundle, purge_refused, waiting_bundles
from certify.doorstep.tablets import purge_challenges
from certify.doorstep.watch import watch_agents
from certify.errors import NotFound
from certify.people.access import purge_access_codes
from certify.people.consent import purge_withdrawn
from certify.people.enrol import measure_reference
from certify.queue import EVALUATE, MEASURE, NAMESPACE, OPEN, failures, running
from certify.service import Service, Unit
from certify.storage.database import SESSION_OPTIONS
from certify.storage.idempotency import purge_answers
from certify.storage.media import purge_media
from certify.storage.messages import purge_messages
from certify.storage.people import pending_references
from certify.storage.sessions import expire_sessions, waiting_sessions
from models.pipeline import FaceEngine

log = logging.getLogger("certify.worker")

_STALLED_AFTER = 20.0
"""Seconds without a heartbeat after which a worker counts as dead and its jobs are taken over."""

_ORPHANED_AFTER = timedelta(minutes=2)
"""A session or reference that has waited so long is enqueued again, whatever became of its job."""

MAX_RESCUES = 3
"""How often a job of a dead worker is tried again. One death says nothing (power, a restart, the kernel short of memory
choosing a victim), and even two can be bad luck; but a rescued job runs alone among the rescued, so that whoever is
there when the fourth worker dies is the cause. Without a limit one photo could keep killing workers for ever."""

_MESSAGES_KEPT = timedelta(days=90)
"""For so long an operator can see that a message went out; what it said is gone once it did."""

_HOPELESS_AFTER = timedelta(days=1)
_MAX_FAILURES = 3
"""A session whose jobs, each with all its retries, failed so often is given up after a day: long enough to repair what
makes everything fail (models missing, a wrong key), which is nobody's photo."""

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
    tidy(_bench(context).service)


def tidy(service: Service) -> None:
    """Do the regular chores once; safe at any time, by any number of workers."""
    _give_up_hopeless(service)
    with service.unit() as unit:
        expire_sessions(unit.db, unit.now)
        purge_media(unit.db, unit.now)
        purge_answers(unit.db, unit.now - timedelta(days=2))
        purge_access_codes(unit)
        purge_withdrawn(unit)
        purge_challenges(unit)
        purge_refused(unit)
        purge_messages(unit.db, unit.now - _MESSAGES_KEPT)
        publish_checkpoint(unit)
        lost_since = unit.now - _ORPHANED_AFTER
        # A job in a worker's hands is not doubled, even if that worker is dead: it is rescued, and its rescues counted,
        # while a second job would count from nought, and hinder the first from going back into the queue.
        for task, waiting in (
            (EVALUATE, waiting_sessions(unit.db, submitted_before=lost_since, limit=100)),
            (MEASURE, pending_references(unit.db, created_before=lost_since, limit=100)),
            (OPEN, waiting_bundles(unit, received_before=lost_since)),
        ):
            taken = running(unit.db, task, waiting)
            for subject in waiting:
                if subject not in taken:
                    unit.put_job(task, subject)
    watch_agents(service)
    let_time_pass(service)


def _give_up_hopeless(service: Service) -> None:
    with service.reading() as unit:
        since = unit.now - _HOPELESS_AFTER
        sessions = failures(unit.db, EVALUATE, waiting_sessions(unit.db, submitted_before=since, limit=100))
        bundles = failures(unit.db, OPEN, waiting_bundles(unit, received_before=since))
        references = failures(unit.db, MEASURE, pending_references(unit.db, created_before=since, limit=100))
    ends: tuple[tuple[Callable[[Unit, UUID], object], dict[UUID, int]], ...] = (
        (partial(give_up, reason=Reason.KEEPS_FAILING), sessions),
        (partial(give_up_reference, reason=Reason.KEEPS_FAILING), references),
        (give_up_bundle, bundles),
    )
    for end, failed in ends:
        for subject, times in failed.items():
            if times >= _MAX_FAILURES:
                try:
                    with service.unit() as unit:
                        end(unit, subject)
                    log.error("given up: its jobs keep failing", extra={"subject": str(subject)})
                except Exception:
                    log.exception("giving up failed; the others go on")


async def run_worker(bench: Bench, *, wait: bool = True, concurrency: int = 1) -> None:
    """Work until stopped by SIGINT or SIGTERM (jobs under way are finished); with ``wait=False`` until idle."""
    app = App(connector=PsycopgConnector(conninfo=bench.service.database.conninfo, kwargs={"options": SESSION_OPTIONS}))
    app.add_tasks_from(tasks, namespace=NAMESPACE)
    async with app.open_async():
        rescuer = asyncio.create_task(_rescue_forever(app, bench.service))
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


async def rescue_stalled(app: App, service: Service) -> int:
    """Take over the jobs of dead workers: back into the queue, or given up after ``MAX_RESCUES``; return how many."""
    await app.job_manager.prune_stalled_workers(_STALLED_AFTER)
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_AFTER))
    for job in stalled:
        try:
            await _rescue(app, service, job)
        except Exception:
            # Mostly another worker was faster. Whatever it is, the other jobs must not wait for this one.
            log.exception("a job of a dead worker was not taken over", extra={"job": job.id})
    return len(stalled)


async def _rescue(app: App, service: Service, job: Job) -> None:
    """Rescues are counted in the job's priority: 0 for a new job, -1 after the first rescue, and so on.

    The count of attempts would not do, as failures of another kind (a lost connection) raise it too. And it is the
    right order: what may have killed a worker waits behind everything that has not. The common lock lets only one
    rescued job run at a time, so that a worker with several jobs at once does not make its innocent ones look guilty.
    """
    if job.task_name not in (EVALUATE, MEASURE):
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)  # the next minute brings it again
        return
    rescues = -job.priority
    if rescues >= MAX_RESCUES:
        # First what people see, then the job: killed in between, the next round finds the job and repeats harmlessly.
        await asyncio.to_thread(_give_up, service, job.task_name, UUID(str(job.task_kwargs["subject"])))
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        log.error("job given up: it was there when its workers died", extra={"job": job.id, "task": job.task_name})
        return
    try:
        await app.job_manager.retry_job(job, priority=job.priority - 1, lock=f"{job.task_name}:rescued")
    except UniqueViolation:  # another job of the same subject waits already and will do the work
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def _give_up(service: Service, task: str, subject: UUID) -> None:
    try:
        with service.unit() as unit:
            if task == EVALUATE:
                give_up(unit, subject, reason=Reason.WORKER_DIED)
            else:
                give_up_reference(unit, subject, reason=Reason.WORKER_DIED)
    except NotFound:
        pass  # the person was erased meanwhile, and what the job was about with them


async def _rescue_forever(app: App, service: Service) -> None:
    while True:
        try:
            rescued = await rescue_stalled(app, service)
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

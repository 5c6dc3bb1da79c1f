"""Rescue the jobs of dead workers: put them back into the queue, or close them after several deaths."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

from certify.decision.unprocessable import UnprocessableReason, close_unprocessable, refuse_unprocessable
from certify.errors import NotFound
from certify.queue import EVALUATE, MEASURE
from certify.service import Service

log = logging.getLogger("certify.worker")

STALLED_AFTER = 20.0
"""Seconds without a heartbeat after which a worker counts as dead and its jobs are taken over."""

MAX_RESCUES = 3
"""How often a job of a dead worker is tried again. One death proves nothing (power, a restart, the kernel that ends a
process when memory is short), and two can be bad luck. But only one rescued job runs at a time, so the job that runs
when the fourth worker dies is the cause. Without a limit, one photo could end one worker after another."""


async def rescue_stalled(app: App, service: Service) -> int:
    """Take over the jobs of dead workers, and return how many there were.

    A job goes back into the queue; after ``MAX_RESCUES`` rescues it is given up.
    """
    await app.job_manager.prune_stalled_workers(STALLED_AFTER)
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER))
    for job in stalled:
        try:
            await _rescue(app, service, job)
        except Exception:
            # Mostly another worker was faster. Whatever the error is, the other jobs must not wait for this one.
            log.exception("a job of a dead worker was not taken over", extra={"job": job.id})
    return len(stalled)


async def _rescue(app: App, service: Service, job: Job) -> None:
    """Put a job back into the queue, or give it up.

    The job's priority counts its rescues: that of its lane (certify/queue.py) for a new job, -1 after the first rescue,
    and so on. The count of attempts is not usable, because other failures (a lost connection) raise it too. The
    priority also gives the right order: a job that may have killed a worker waits behind all others. The common lock
    lets only one rescued job run at a time, so that a harmless job is not blamed because it ran in the same worker.
    """
    if job.task_name not in (EVALUATE, MEASURE):
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)  # the next minute brings it again
        return
    rescues = max(0, -job.priority)
    if rescues >= MAX_RESCUES:
        # The session first and then the job: if this process dies in between, the next round safely repeats both.
        await asyncio.to_thread(_give_up, service, job.task_name, UUID(str(job.task_kwargs["subject"])))
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        log.error("job given up: it was there when its workers died", extra={"job": job.id, "task": job.task_name})
        return
    try:
        await app.job_manager.retry_job(job, priority=-rescues - 1, lock=f"{job.task_name}:rescued")
    except UniqueViolation:  # another job of the same subject waits already and will do the work
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def _give_up(service: Service, task: str, subject: UUID) -> None:
    try:
        with service.unit() as unit:
            if task == EVALUATE:
                close_unprocessable(unit, subject, reason=UnprocessableReason.WORKER_DIED)
            else:
                refuse_unprocessable(unit, subject, reason=UnprocessableReason.WORKER_DIED)
    except NotFound:
        pass  # the person was erased meanwhile, and the subject of the job with them


async def rescue_forever(app: App, service: Service) -> None:
    """Look for stalled jobs every five seconds, until cancelled. A failure is logged and the loop continues."""
    while True:
        try:
            rescued = await rescue_stalled(app, service)
            if rescued:
                log.warning("jobs of a dead worker taken over", extra={"jobs": rescued})
        except Exception:
            log.exception("looking for stalled jobs failed")
        await asyncio.sleep(5)

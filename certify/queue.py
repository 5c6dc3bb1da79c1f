"""Enqueue jobs inside the caller's transaction, so that a job exists exactly if its cause was committed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntEnum
from typing import Protocol
from uuid import UUID

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import text
from sqlalchemy.orm import Session

NAMESPACE = "certify"
EVALUATE = f"{NAMESPACE}:evaluate_session"
MEASURE = f"{NAMESPACE}:measure_reference"
SEND = f"{NAMESPACE}:send_message"
OPEN = f"{NAMESPACE}:open_bundle"
REFRESH = f"{NAMESPACE}:refresh_reference"
FACES, MESSAGES = "faces", "messages"

_COUNT = text("""
    select args ->> 'subject', count(*) from procrastinate_jobs
    where status = cast(:status as procrastinate_job_status) and task_name = :task and queueing_lock = any(:locks)
    group by 1
""")


# The events of a job are deleted with it. A job in hand ends by itself: its subject is gone.
_FORGET = text("""
    delete from procrastinate_jobs where args ->> 'subject' = any(:subjects) and status <> 'doing'
""")
STRANGERS = "faces:strangers"
"""Lock of the jobs in the lane of strangers: one of them runs at a time, however many workers there are."""


class Lane(IntEnum):
    """The order in which workers of faces take jobs; a higher lane first. The value is the job's priority.

    It depends only on what the caller showed and sent, never on whether the fund knows the number they gave.
    """

    STRANGER = 0
    """A long film from a caller who only gave a number and a birth date."""
    SHORT = 10
    """A photo or a short film from such a caller."""
    RECOGNISED = 20
    """From a person who signed in, an agent or an officer; also references and visits."""
    HOUSEKEEPING = 30


class Queue(Protocol):
    """A queue to which use cases add jobs."""

    def put(self, db: Session, task: str, subject: str, lane: Lane = Lane.RECOGNISED) -> None:
        """Enqueue a task about a subject, unless the same job waits already.

        Args:
            db: the session of the transaction that the job belongs to.
            task: full name of the task, such as ``EVALUATE``.
            subject: id of what the task is about.
            lane: which jobs come before it.
        """
        ...


class DatabaseQueue:
    """The queue in the service's own PostgreSQL (procrastinate)."""

    def __init__(self) -> None:
        # Jobs are added on the caller's connection, so the connector itself is never opened.
        self._app = App(connector=SyncPsycopgConnector())

    def put(self, db: Session, task: str, subject: str, lane: Lane = Lane.RECOGNISED) -> None:
        """Enqueue a task about a subject in the transaction of ``db``, unless the same job waits already."""
        waiting, queue = _lock(task, subject), MESSAGES if task == SEND else FACES
        lock = STRANGERS if lane is Lane.STRANGER else waiting
        savepoint = db.begin_nested()  # a refused duplicate must not abort the caller's transaction
        try:
            connection = db.connection().connection.driver_connection
            job = self._app.configure_task(
                task, queue=queue, queueing_lock=waiting, lock=lock, priority=lane.value, connection=connection
            )
            job.defer(subject=subject)
        except AlreadyEnqueued:
            savepoint.rollback()
        else:
            savepoint.commit()


class NoQueue:
    """A queue without jobs, for callers that do the work themselves at once, such as the command line."""

    def put(self, db: Session, task: str, subject: str, lane: Lane = Lane.RECOGNISED) -> None:
        """Do nothing; the caller does the work."""


def running(db: Session, task: str, subjects: Sequence[UUID]) -> set[UUID]:
    """Return the subjects whose job a worker has taken, whether that worker is alive or dead."""
    return set(_count(db, task, subjects, "doing"))


def failures(db: Session, task: str, subjects: Sequence[UUID]) -> dict[UUID, int]:
    """Return, by subject, how many jobs failed after all their retries."""
    return _count(db, task, subjects, "failed")


def _count(db: Session, task: str, subjects: Sequence[UUID], status: str) -> dict[UUID, int]:
    if not subjects:
        return {}
    locks = [_lock(task, str(subject)) for subject in subjects]
    rows = db.execute(_COUNT, {"status": status, "task": task, "locks": locks})
    return {UUID(subject): count for subject, count in rows}


def _lock(task: str, subject: str) -> str:
    return f"{task}:{subject}"


def forget_jobs(db: Session, subjects: Collection[str]) -> None:
    """Delete the jobs about these subjects that no worker has in hand, done, failed or waiting, with their events."""
    db.execute(_FORGET, {"subjects": list(subjects)})

"""Putting jobs into the queue, inside the caller's transaction: a job exists exactly when its cause was committed."""

from __future__ import annotations

from typing import Protocol

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.orm import Session

NAMESPACE = "certify"
EVALUATE = f"{NAMESPACE}:evaluate_session"
MEASURE = f"{NAMESPACE}:measure_reference"


class Queue(Protocol):
    """Where use cases put their jobs."""

    def put(self, db: Session, task: str, subject: str) -> None:
        """Enqueue a task about a subject, once: while one waits, another is not added."""
        ...


class DatabaseQueue:
    """The queue in the service's own PostgreSQL (procrastinate)."""

    def __init__(self) -> None:
        # Only ever used with the caller's connection, so the connector itself is never opened.
        self._app = App(connector=SyncPsycopgConnector())

    def put(self, db: Session, task: str, subject: str) -> None:
        """Enqueue on the transaction of ``db``."""
        lock = f"{task}:{subject}"
        savepoint = db.begin_nested()  # a refused duplicate must not spoil the caller's transaction
        try:
            connection = db.connection().connection.driver_connection
            job = self._app.configure_task(task, queue="faces", queueing_lock=lock, lock=lock, connection=connection)
            job.defer(subject=subject)
        except AlreadyEnqueued:
            savepoint.rollback()
        else:
            savepoint.commit()


class NoQueue:
    """For callers that do the work themselves, at once, such as the command line."""

    def put(self, db: Session, task: str, subject: str) -> None:
        """Do nothing; the caller follows up."""

"""Open the job queue for a worker and run it: what the workers of all lanes share."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from procrastinate import App, Blueprint, PsycopgConnector

from certify.queue import NAMESPACE
from certify.service import Service
from certify.storage.database import SESSION_OPTIONS

Run = Callable[..., Coroutine[Any, Any, None]]
"""Runs the worker. Keyword arguments are those of ``App.run_worker_async``."""


@asynccontextmanager
async def worker_app(
    service: Service, tasks: Blueprint, queues: Sequence[str], *, wait: bool
) -> AsyncIterator[tuple[App, Run]]:
    """Open the queue for a worker.

    Args:
        service: the service whose database holds the queue.
        tasks: the tasks that this worker knows. The app gets copies: procrastinate renames those it registers, so a
            second worker in one process would know none.
        queues: names of the lanes that this worker takes jobs from.
        wait: True to work until SIGINT or SIGTERM (jobs under way are finished), False to work off what is queued and
            stop: then the timetable begins no jobs, so that what happens does not depend on the time of day.

    Yields:
        The open app and the function that runs the worker.
    """
    app = App(connector=PsycopgConnector(conninfo=service.database.conninfo, kwargs={"options": SESSION_OPTIONS}))
    app.add_tasks_from(_copy(tasks, timetable=wait), namespace=NAMESPACE)
    async with app.open_async():

        async def run(**options: Any) -> None:
            await app.run_worker_async(
                queues=list(queues), wait=wait, listen_notify=wait, delete_jobs="successful", **options
            )

        yield app, run


def _copy(tasks: Blueprint, *, timetable: bool) -> Blueprint:
    copied = Blueprint()
    copied.tasks = {name: copy.copy(task) for name, task in tasks.tasks.items()}
    for entry in tasks.periodic_registry.periodic_tasks.values() if timetable else ():
        copied.periodic_registry.register_task(
            task=copied.tasks[entry.task.name],
            cron=entry.cron,
            periodic_id=entry.periodic_id,
            configure_kwargs=entry.configure_kwargs,
        )
    return copied

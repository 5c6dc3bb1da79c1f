"""Run the worker of the lane ``registry``: once a night it compares the files that registries have sent.

It is separate from the worker of photos, so that no person waits for a run of an hour.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

from procrastinate import Blueprint, JobContext

from certify.registry.runs.nightly import nightly
from certify.service import Service
from certify.workers.running import worker_app

log = logging.getLogger("certify.registry")

QUEUE = "registry"
AT = "30 1 * * *"
"""When the comparison starts, as a cron expression in UTC. Registries deliver in the evening."""

tasks = Blueprint()


@tasks.periodic(cron=AT)
@tasks.task(name="compare_registries", queue=QUEUE, pass_context=True, queueing_lock="compare_registries", lock=QUEUE)
def compare_registries(context: JobContext, timestamp: int) -> None:
    """Compare the files in the inboxes of the feeds. After an interruption, the next night continues."""
    del timestamp
    service = context.additional_context["service"]
    if service.settings.feeds_dir is None:
        return
    night = nightly(service, service.settings.feeds_dir)
    log.info("registries compared", extra=asdict(night))


async def run_registry_worker(service: Service, *, wait: bool = True) -> None:
    """Run the registry worker until it is stopped; with ``wait=False`` until the queue is empty."""
    async with worker_app(service, tasks, [QUEUE], wait=wait) as (_, run):
        await run(additional_context={"service": service})

"""The registry worker: once a night it carries out what registries have sent.

Apart from the workers of photos, so that a run of an hour keeps nobody waiting.
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
"""When, as cron has it, in UTC; registries deliver in the evening."""

tasks = Blueprint()


@tasks.periodic(cron=AT)
@tasks.task(name="compare_registries", queue=QUEUE, pass_context=True, queueing_lock="compare_registries", lock=QUEUE)
def compare_registries(context: JobContext, timestamp: int) -> None:
    """Carry out what waits in the inboxes; interrupted, the next night goes on where it was."""
    del timestamp
    service = context.additional_context["service"]
    if service.settings.feeds_dir is None:
        return
    night = nightly(service, service.settings.feeds_dir)
    log.info("registries compared", extra=asdict(night))


async def run_registry_worker(service: Service, *, wait: bool = True) -> None:
    """Work until stopped; with ``wait=False`` until the queue is empty."""
    async with worker_app(service, tasks, [QUEUE], wait=wait) as (_, run):
        await run(additional_context={"service": service})

"""Run the worker of the lane ``messages``.

It writes reminders once a day, empties the outbox every minute, and sends sign-in codes at once. It is separate from
the worker of photos, because gateways and mail servers may keep it waiting.
"""

from __future__ import annotations

import logging
from uuid import UUID

from procrastinate import Blueprint, JobContext, RetryStrategy

from certify.messages.announce import announce
from certify.messages.reminders import remind
from certify.messages.send import send_due, send_now
from certify.queue import MESSAGES, NAMESPACE, SEND
from certify.service import Service
from certify.workers.running import worker_app

log = logging.getLogger("certify.messages")

AT = "0 5 * * *"
"""When people are reminded, as a cron expression in UTC. It is after the registry runs of the night, so that a person
who was just proven alive by records gets no reminder. Quiet hours hold messages back where it is night."""
_CONCURRENCY = 4
"""Jobs at a time: the reminders, the outbox, and two codes for people who wait at a sign-in page."""
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=4)


def make_tasks() -> Blueprint:
    """Build a new set of tasks for each worker, because procrastinate renames the tasks that it registers."""
    tasks = Blueprint()

    @tasks.periodic(cron=AT)
    @tasks.task(name="remind", queue=MESSAGES, pass_context=True, queueing_lock="remind", retry=_RETRY)
    def remind_people(context: JobContext, timestamp: int) -> None:
        """Put today's reminders into the outbox. After an interruption, the next call continues."""
        del timestamp
        counts = remind(_service(context)) + announce(_service(context))
        log.info("people reminded", extra={"messages": dict(counts)})

    @tasks.periodic(cron="* * * * *")
    @tasks.task(name="send_messages", queue=MESSAGES, pass_context=True, queueing_lock="send_messages")
    def send_messages(context: JobContext, timestamp: int) -> None:
        """Send due messages, for a little less than the minute until the next call."""
        del timestamp
        counts = send_due(_service(context))
        if counts:
            log.info("messages sent", extra={"messages": dict(counts)})

    @tasks.task(name=SEND.removeprefix(f"{NAMESPACE}:"), queue=MESSAGES, pass_context=True)
    def send_message(context: JobContext, subject: str) -> None:
        """Send one urgent message at once. If that fails, the outbox tries again every minute until it expires."""
        send_now(_service(context), UUID(subject))

    return tasks


async def run_messages_worker(service: Service, *, wait: bool = True) -> None:
    """Run the messages worker until it is stopped; with ``wait=False`` until the queue is empty."""
    async with worker_app(service, make_tasks(), [MESSAGES], wait=wait) as (_, run):
        await run(concurrency=_CONCURRENCY, additional_context={"service": service})


def _service(context: JobContext) -> Service:
    service = context.additional_context["service"]
    if not isinstance(service, Service):
        raise TypeError("the worker was started without its service")
    return service

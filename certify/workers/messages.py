"""The worker of messages: reminds once a day, empties the outbox every minute, and sends sign-in codes at once.

Apart from the workers of photos: it talks to gateways and mail servers, which may keep it waiting.
"""

from __future__ import annotations

import logging
from uuid import UUID

from procrastinate import Blueprint, JobContext, RetryStrategy

from certify.messages.reminders import remind
from certify.messages.send import send_due, send_now
from certify.queue import MESSAGES, NAMESPACE, SEND
from certify.service import Service
from certify.workers.running import worker_app

log = logging.getLogger("certify.messages")

AT = "0 5 * * *"
"""When people are reminded, as cron has it, in UTC: after the registries' night, so that nobody hears of a proof that
was just found without them. Quiet hours hold the messages back where it is night."""
_AT_ONCE = 4
"""Jobs side by side: the reminders, the outbox, and two codes that somebody waits for at a sign-in page."""
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=4)


def make_tasks() -> Blueprint:
    """Make the tasks, anew for every worker: an app gives those it takes other names."""
    tasks = Blueprint()

    @tasks.periodic(cron=AT)
    @tasks.task(name="remind", queue=MESSAGES, pass_context=True, queueing_lock="remind", retry=_RETRY)
    def remind_people(context: JobContext, timestamp: int) -> None:
        """Put today's reminders into the outbox; interrupted, it goes on where it was when it is run again."""
        del timestamp
        put = remind(_service(context))
        log.info("people reminded", extra={"messages": dict(put)})

    @tasks.periodic(cron="* * * * *")
    @tasks.task(name="send_messages", queue=MESSAGES, pass_context=True, queueing_lock="send_messages")
    def send_messages(context: JobContext, timestamp: int) -> None:
        """Send what is due, for somewhat less than the minute until the next time."""
        del timestamp
        done = send_due(_service(context))
        if done:
            log.info("messages sent", extra={"messages": dict(done)})

    @tasks.task(name=SEND.removeprefix(f"{NAMESPACE}:"), queue=MESSAGES, pass_context=True)
    def send_message(context: JobContext, subject: str) -> None:
        """Send one urgent message at once. What fails is tried again every minute, while it is of use."""
        send_now(_service(context), UUID(subject))

    return tasks


async def run_messages_worker(service: Service, *, wait: bool = True) -> None:
    """Work until stopped; with ``wait=False`` until the queue is empty."""
    async with worker_app(service, make_tasks(), [MESSAGES], wait=wait) as (_, run):
        await run(concurrency=_AT_ONCE, additional_context={"service": service})


def _service(context: JobContext) -> Service:
    service = context.additional_context["service"]
    if not isinstance(service, Service):
        raise TypeError("the worker was started without its service")
    return service

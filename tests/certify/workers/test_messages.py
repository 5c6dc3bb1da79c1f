"""The messages worker: a code is sent at once, reminders are written and sent, and failures end their jobs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import text

from certify.approvals.erase import erase
from certify.messages.outbox import put_message
from certify.queue import MESSAGES, NAMESPACE, DatabaseQueue, Queue
from certify.service import Service
from certify.workers.messages import make_tasks, run_messages_worker
from tests.certify.messages.people import PHONE, Box, enrol, failed, messages, reached, with_ways
from tests.conftest import Clock

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def queue() -> Queue:
    return DatabaseQueue()


def _defer(service: Service, name: str) -> None:
    with service.unit() as unit:
        connection: Any = unit.db.connection().connection.driver_connection
        app = App(connector=SyncPsycopgConnector())
        app.configure_task(f"{NAMESPACE}:{name}", queue=MESSAGES, connection=connection).defer(timestamp=0)


def _jobs(service: Service) -> list[tuple[str, str]]:
    """Return the queued jobs."""
    with service.reading() as unit:
        query = text("select task_name, status::text from procrastinate_jobs where queue_name = 'messages'")
        return [(row[0], row[1]) for row in unit.db.execute(query)]


def test_a_code_has_a_job_of_its_own(service: Service) -> None:
    box = Box()
    service = with_ways(service, "sms", box=box)
    person = enrol(service, contact=reached())
    with service.unit() as unit:
        put_message(unit, person, "code", {"code": "123456"}, dedupe="c", urgent=True)
    assert _jobs(service) == [("certify:send_message", "todo")]
    asyncio.run(run_messages_worker(service, wait=False))
    assert [message.phone for message in box.got] == [PHONE]
    assert [row.state for row in messages(service)] == ["sent"]
    assert _jobs(service) == []


def test_a_job_ends_when_its_message_fails_or_was_erased(service: Service) -> None:
    service = with_ways(service, "sms", box=Box(always=failed("timeout")))
    ana, bob = enrol(service, contact=reached()), enrol(service, "REMIND002", contact=reached())
    with service.unit() as unit:
        for person in (ana, bob):
            put_message(unit, person, "code", {"code": "123456"}, dedupe=str(person), urgent=True)
    with service.unit() as unit:
        erase(unit, bob)
    asyncio.run(run_messages_worker(service, wait=False))
    assert [(row.state, row.last_error) for row in messages(service)] == [("waiting", "timeout")]
    assert _jobs(service) == []


def test_people_are_reminded_and_the_reminder_is_sent(service: Service, clock: Clock) -> None:
    box = Box()
    service = with_ways(service, "sms", box=box)
    enrol(service, contact=reached())
    clock.now = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    _defer(service, "remind")
    asyncio.run(run_messages_worker(service, wait=False))
    _defer(service, "send_messages")
    asyncio.run(run_messages_worker(service, wait=False))
    assert len(box.got) == 1
    assert _jobs(service) == []


def test_the_timetable_begins_no_jobs_while_the_queue_is_worked_off(service: Service) -> None:
    """At five o'clock the reminders would begin, and every minute the outbox: also in the middle of a test."""
    asyncio.run(run_messages_worker(service, wait=False))
    with service.reading() as unit:
        assert unit.db.execute(text("select count(*) from procrastinate_periodic_defers")).scalar_one() == 0


def test_all_tasks_are_in_one_queue() -> None:
    assert {task.queue for task in make_tasks().tasks.values()} == {MESSAGES}

"""A photo that kills its workers is tried a few times; then an officer gets the case, and the person loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from procrastinate import App, PsycopgConnector
from sqlalchemy import select, text

from certify.approvals.erase import erase
from certify.capture.session import open_session, submit_media
from certify.decision.review import Decision, rule
from certify.decision.unprocessable import UnprocessableReason, close_unprocessable, refuse_unprocessable
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference
from certify.queue import EVALUATE, DatabaseQueue, Lane
from certify.service import Service
from certify.storage.database import SESSION_OPTIONS
from certify.storage.ledger import leaves, ledger_size
from certify.storage.people import entitlements_of
from certify.storage.reviews import open_cases_of
from certify.storage.tables.decisions import EvidenceRow
from certify.storage.tables.people import ReferenceRow
from certify.storage.tables.sessions import SessionRow
from certify.workers.housekeeping import run_housekeeping
from certify.workers.rescue import MAX_RESCUES, rescue_stalled
from fixtures import faces
from models.guidance import sentence

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def service(service: Service) -> Service:
    return replace(service, queue=DatabaseQueue())


def _enrol(service: Service, number: int = 0) -> tuple[UUID, UUID]:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary(f"GIVEUP{number:03}", "Eileen Collins", pension))
        return person, add_reference(unit, person, faces.encode(faces.portraits()["eileen_collins"]))


def _submit(service: Service, person: UUID) -> UUID:
    with service.unit() as unit:
        session = open_session(unit, person, Channel.REMOTE)
    with service.unit() as unit:
        submit_media(unit, session.id, faces.no_face(seed=1))
    return session.id


def _forget_references(service: Service) -> None:
    """Let references be measured and their jobs done, so that only sessions are left to do."""
    with service.unit() as unit:
        for reference in unit.db.scalars(select(ReferenceRow)):
            reference.state = "active"
        unit.db.execute(text("delete from procrastinate_jobs where task_name <> :task"), {"task": EVALUATE})


def _take(service: Service, count: int = 1) -> list[tuple[int, str]]:
    """Register as a worker and take jobs, without ever sending a heartbeat again, as a worker that dies at once."""
    with service.unit() as unit:
        register = "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour') returning id"
        worker = unit.db.scalar(text(register))
        fetch = text("select id, lock from procrastinate_fetch_job_v2(array['faces'], :worker)")
        rows = [unit.db.execute(fetch, {"worker": worker}).one() for _ in range(count)]
    return [(row[0], row[1]) for row in rows if row[0] is not None]


def _with_app(service: Service, work: Callable[[App], Awaitable[int]]) -> int:
    conninfo = service.database.url.replace("postgresql+psycopg://", "postgresql://", 1)

    async def run() -> int:
        app = App(connector=PsycopgConnector(conninfo=conninfo, kwargs={"options": SESSION_OPTIONS}))
        async with app.open_async():
            return await work(app)

    return asyncio.run(run())


def _rescue(service: Service) -> int:
    return _with_app(service, lambda app: rescue_stalled(app, service))


def _jobs(service: Service) -> list[tuple[str, int]]:
    with service.unit() as unit:
        rows = unit.db.execute(text("select status::text, priority from procrastinate_jobs order by id"))
        return [(row[0], row[1]) for row in rows]


def _session(service: Service, session_id: UUID) -> SessionRow:
    with service.unit() as unit:
        row = unit.db.scalars(select(SessionRow).where(SessionRow.id == session_id)).one()
        assert row.report is None or row.report
        return row


def _events(service: Service) -> str:
    with service.unit() as unit:
        return "\n".join(row.entry.decode() for row in leaves(unit.db, 0, ledger_size(unit.db)))


def test_after_the_fourth_dead_worker_an_officer_gets_the_session(service: Service, clock: Any) -> None:
    person, _ = _enrol(service)
    session = _submit(service, person)
    _forget_references(service)
    for deaths in range(1, MAX_RESCUES + 1):
        assert len(_take(service)) == 1
        assert _rescue(service) == 1
        assert _jobs(service) == [("todo", -deaths)]
        assert _session(service, session).state == "submitted"
    assert len(_take(service)) == 1
    assert _rescue(service) == 1
    assert _jobs(service) == [("failed", -MAX_RESCUES)]
    row = _session(service, session)
    assert (row.state, row.outcome) == ("decided", "review")
    assert [sentence(code) for code in row.guidance]
    assert row.report == {"gave_up": "worker_died", "media_sha256": row.media_sha256}
    assert '"gave_up":"worker_died"' in _events(service)
    # Housekeeping does not bring it back, and nothing counts against the person.
    clock.advance(timedelta(minutes=10))
    run_housekeeping(service)
    assert _jobs(service) == [("failed", -MAX_RESCUES)]
    assert _rescue(service) == 0
    with service.unit() as unit:
        assert [case.kind for case in open_cases_of(unit.db, person)] == [CaseKind.PHOTO_NOT_PROCESSED]
        assert unit.db.scalars(select(EvidenceRow)).all() == []
        assert {row.payment for row in entitlements_of(unit.db, person)} == {"continue"}
    # The person may try again at once, and an officer can close the case.
    again = _submit(service, person)
    assert _session(service, again).state == "submitted"
    with service.unit() as unit:
        case = open_cases_of(unit.db, person)[0]
        rule(unit, case.id, officer="o", decision=Decision.NO_CHANGE)
    with service.unit() as unit:
        assert "photo_not_processed" not in {case.kind for case in open_cases_of(unit.db, person)}


def test_a_reference_that_kills_workers_is_refused(service: Service) -> None:
    _, reference = _enrol(service)
    for _ in range(MAX_RESCUES + 1):
        assert len(_take(service)) == 1
        _rescue(service)
    with service.unit() as unit:
        row = unit.db.scalars(select(ReferenceRow).where(ReferenceRow.id == reference)).one()
    assert (row.state, row.measurement) == ("refused", {"gave_up": "worker_died"})
    assert [sentence(code) for code in row.guidance]
    assert '"event":"reference_refused"' in _events(service)


def test_jobs_that_died_together_do_not_run_together_again(service: Service) -> None:
    """A worker that dies fails all of its jobs. When they run one at a time, the harmless ones succeed."""
    for number in range(3):
        _submit(service, _enrol(service, number)[0])
    _forget_references(service)
    assert len(_take(service, 3)) == 3
    assert _rescue(service) == 3
    # However many are asked for, one rescued job is given out; a job that was never rescued goes first.
    assert len(_take(service, 3)) == 1
    fresh = _submit(service, _enrol(service, 9)[0])
    _forget_references(service)
    first = _take(service, 3)
    assert [lock for _, lock in first] == [f"{EVALUATE}:{fresh}"]


def test_housekeeping_enqueues_no_second_job_for_one_that_a_worker_has_or_had(service: Service, clock: Any) -> None:
    person, _ = _enrol(service)
    _submit(service, person)
    _forget_references(service)
    _take(service)
    clock.advance(timedelta(minutes=10))
    run_housekeeping(service)
    assert _jobs(service) == [("doing", Lane.RECOGNISED)]
    _rescue(service)
    run_housekeeping(service)
    assert _jobs(service) == [("todo", -1)]


def test_a_second_job_of_the_same_session_does_not_stop_the_rescue_of_others(service: Service) -> None:
    person, _ = _enrol(service)
    session = _submit(service, person)
    other = _submit(service, _enrol(service, 1)[0])
    _forget_references(service)
    _take(service, 2)
    with service.unit() as unit:  # as if housekeeping on another machine had been faster than the worker
        unit.put_job(EVALUATE, session)
    assert _rescue(service) == 2
    with service.unit() as unit:
        rows = unit.db.execute(text("select args ->> 'subject', status::text, priority from procrastinate_jobs"))
        assert sorted(map(tuple, rows)) == sorted(
            [(str(session), "todo", Lane.RECOGNISED.value), (str(other), "todo", -1)]
        )


def test_housekeeping_of_a_dead_worker_is_not_taken_over(service: Service) -> None:
    with service.unit() as unit:
        for status in ("doing", "todo"):
            new = "insert into procrastinate_jobs (queue_name, task_name, queueing_lock, status) values "
            unit.db.execute(text(new + f"('faces', 'certify:keep_house', 'keep_house', '{status}')"))
    assert _rescue(service) == 1
    assert _jobs(service) == [("todo", 0)]


def test_a_session_that_keeps_failing_is_closed_after_a_day(service: Service, clock: Any) -> None:
    person, _ = _enrol(service)
    session = _submit(service, person)
    _forget_references(service)
    for _ in range(3):
        [(job, _)] = _take(service)
        with service.unit() as unit:
            unit.db.execute(text("select procrastinate_finish_job_v1(:job, 'failed', false)"), {"job": job})
        clock.advance(timedelta(hours=7))
        run_housekeeping(service)
        assert _session(service, session).state == "submitted"
    clock.advance(timedelta(hours=7))
    run_housekeeping(service)
    row = _session(service, session)
    assert (row.state, row.outcome) == ("decided", "review")
    assert '"gave_up":"keeps_failing"' in _events(service)


def test_closing_twice_or_too_late_changes_nothing(service: Service) -> None:
    person, reference = _enrol(service)
    sessions = []
    for _ in range(2):
        sessions.append(_submit(service, person))
        for _ in range(2):
            with service.unit() as unit:
                close_unprocessable(unit, sessions[-1], reason=UnprocessableReason.WORKER_DIED)
    with service.unit() as unit:
        assert len(open_cases_of(unit.db, person)) == 1
    assert _events(service).count("session_decided") == 2
    waiting = _submit(service, person)
    with service.unit() as unit:
        erase(unit, person)
    with service.unit() as unit:
        assert close_unprocessable(unit, waiting, reason=UnprocessableReason.WORKER_DIED).state == "expired"
    # The reference was erased with the person: its job is closed too, without an error.
    for _ in range(2 * (MAX_RESCUES + 1)):
        _take(service)
        _rescue(service)
    assert {status for status, _ in _jobs(service)} <= {"failed", "todo"}
    assert "reference_refused" not in _events(service)
    assert reference


def test_a_measured_reference_is_not_refused(service: Service) -> None:
    _, reference = _enrol(service)
    with service.unit() as unit:
        row = unit.db.scalars(select(ReferenceRow).where(ReferenceRow.id == reference)).one()
        row.state = "active"
    with service.unit() as unit:
        assert refuse_unprocessable(unit, reference, reason=UnprocessableReason.WORKER_DIED).state == "active"


_VICTIM = """
import asyncio, os, signal, sys
from dataclasses import dataclass, field
from pathlib import Path
from pydantic import SecretStr
from certify.config import Settings
from certify.service import build_service
from certify.workers.faces import WorkerContext, run_worker
from models.calibrate import load_calibration

class PoisonedEngine:
    '''In place of a decoder or model that kills the whole process.'''
    models = {}
    calibration = load_calibration()
    def measure(self, data):
        os.kill(os.getpid(), signal.SIGKILL)

service = build_service(Settings(data_dir=Path(sys.argv[1]), database_url=SecretStr(sys.argv[2])))
asyncio.run(run_worker(WorkerContext(service, PoisonedEngine()), wait=False))
"""


@pytest.mark.slow
def test_real_workers_are_killed_four_times_and_not_a_fifth(service: Service, tmp_path: Path) -> None:
    _, reference = _enrol(service)
    deaths = []
    for _ in range(MAX_RESCUES + 2):
        command = [sys.executable, "-c", _VICTIM, str(tmp_path), service.database.url]
        deaths.append(subprocess.run(command, env=os.environ, check=False, timeout=60, stderr=subprocess.DEVNULL))
        with service.unit() as unit:  # instead of waiting until its heartbeat is old
            unit.db.execute(text("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'"))
        _rescue(service)
    assert [done.returncode for done in deaths] == [-signal.SIGKILL] * (MAX_RESCUES + 1) + [0]
    with service.unit() as unit:
        assert unit.db.scalars(select(ReferenceRow).where(ReferenceRow.id == reference)).one().state == "refused"

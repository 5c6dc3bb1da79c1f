"""A session takes one photo, stores it sealed, and limits attempts; housekeeping ends what is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from certify.capture.attempts import MAX_OPEN, MAX_SESSIONS_A_DAY
from certify.capture.evaluate import evaluate_session
from certify.capture.session import open_session, submit_media
from certify.decision.determine import determine
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.errors import Conflict, Gone
from certify.people.references import (
    MAX_REFERENCES,
    add_reference,
    measure_reference,
)
from certify.queue import DatabaseQueue
from certify.service import Service
from certify.storage.media import read_media
from certify.storage.reviews import open_cases_of
from certify.storage.sessions import get_session
from certify.storage.tables.people import TemplateRow
from certify.storage.tables.sessions import BlobRow, SessionRow
from certify.workers.faces import WorkerContext, run_worker
from certify.workers.housekeeping import run_housekeeping
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.capture.sending import submit

pytestmark = [pytest.mark.integration, pytest.mark.photos_certify]


def test_the_same_photo_changes_nothing_and_another_one_is_refused(
    service: Service, person: UUID, portrait: Any
) -> None:
    photo = faces.rephotograph(portrait, seed=1)
    session = submit(service, person, photo)
    with service.unit() as unit:
        assert submit_media(unit, session, photo).state == "submitted"
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        submit_media(unit, session, faces.rephotograph(portrait, seed=2))
    assert refused.value.code == "session_already_submitted"


def test_media_and_templates_are_stored_sealed(service: Service, person: UUID, portrait: Any) -> None:
    photo = faces.rephotograph(portrait, seed=1)
    submit(service, person, photo)
    with service.unit() as unit:
        blobs = unit.db.scalars(select(BlobRow)).all()
        assert len(blobs) == 2
        assert all(not row.sealed.startswith(b"\xff\xd8") and photo[:64] not in row.sealed for row in blobs)
        templates = unit.db.scalars(select(TemplateRow)).all()
        assert {row.model for row in templates} == {"sface", "faceplugin"}
        # A clear float32 vector of unit length would be exactly 4 bytes a dimension.
        assert all(len(row.sealed) % 4 == 0 and len(row.sealed) > 512 for row in templates)


def test_sessions_a_day_are_bounded(service: Service, person: UUID, clock: Any) -> None:
    """Only sessions with a film count; of those without one, a new one ends the oldest."""
    for number in range(MAX_SESSIONS_A_DAY + 5):
        with service.unit() as unit:
            opened = open_session(unit, person, Channel.REMOTE, device_id=f"device-{number:010}")
        clock.advance(timedelta(seconds=1))
        with service.reading() as unit:
            states = unit.db.scalars(select(SessionRow.state).where(SessionRow.state == "open")).all()
        assert len(states) == min(number + 1, MAX_OPEN)
    with service.unit() as unit:
        assert get_session(unit.db, opened.id).state == "open"
        unit.db.execute(update(SessionRow).values(submitted_at=unit.now, state="decided"))
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)
    assert refused.value.code == "too_many_sessions"
    clock.advance(timedelta(days=1, seconds=1))
    with service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)


def test_used_up_attempts_close_the_remote_channel_and_request_a_visit(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    with service.unit() as unit:
        earlier = open_session(unit, person, Channel.REMOTE, device_id="device-0000000002").id
    for seed in range(3):
        row = evaluate_session(service, engine, submit(service, person, faces.no_face(seed=seed)), notice=note_face)
    assert row.outcome == "doorstep"
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)
    assert refused.value.code == "attempts_used_up"
    # A session opened earlier does not avoid it.
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        submit_media(unit, earlier, faces.rephotograph(portrait, seed=1))
    assert refused.value.code == "attempts_used_up"
    with service.unit() as unit:
        assert "visit" in {case.kind for case in open_cases_of(unit.db, person)}
    # Weeks later the person may try again. The visit stays promised until life is proven.
    clock.advance(timedelta(days=32))
    with service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)
        determine(unit, person)
        assert "visit" in {case.kind for case in open_cases_of(unit.db, person)}
    visit = submit(service, person, faces.rephotograph(portrait, seed=1), Channel.DOORSTEP)
    assert evaluate_session(service, engine, visit, notice=note_face).outcome == "certified"
    with service.unit() as unit:
        assert open_cases_of(unit.db, person) == []


def test_one_remote_attempt_at_a_time(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    with service.unit() as unit:
        second = open_session(unit, person, Channel.REMOTE, device_id="device-0000000002").id
    first = submit(service, person, faces.no_face(seed=1))
    photo = faces.rephotograph(portrait, seed=1)
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        submit_media(unit, second, photo)
    assert refused.value.code == "another_in_progress"
    evaluate_session(service, engine, first, notice=note_face)
    with service.unit() as unit:
        assert submit_media(unit, second, photo).state == "submitted"


def test_references_are_bounded_and_bad_ones_refused(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    with service.unit() as unit:
        bad = add_reference(unit, person, faces.no_face(seed=1))
    row = measure_reference(service, engine, bad)
    assert (row.state, row.guidance[0]) == ("refused", "no_face")
    with service.unit() as unit:
        for seed in range(MAX_REFERENCES - 1):
            add_reference(unit, person, faces.rephotograph(portrait, seed=seed, megapixels=0.3))
    with pytest.raises(Conflict), service.unit() as unit:
        add_reference(unit, person, faces.rephotograph(portrait, seed=99, megapixels=0.3))


def test_housekeeping_expires_purges_and_finds_lost_work(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    lost = submit(service, person, faces.rephotograph(portrait, seed=1))
    with service.unit() as unit:
        idle = open_session(unit, person, Channel.REMOTE).id
        unmeasured = add_reference(unit, person, faces.rephotograph(portrait, seed=5, megapixels=0.3))
    clock.advance(timedelta(minutes=20))
    queued = replace(service, queue=DatabaseQueue())
    run_housekeeping(queued)
    with service.unit() as unit:
        idle_row = unit.db.get(SessionRow, idle)
        assert idle_row is not None
        assert idle_row.state == "expired"
        jobs = unit.db.execute(text("select args ->> 'subject' from procrastinate_jobs")).scalars().all()
        assert set(jobs) == {str(lost), str(unmeasured)}
    evaluate_session(service, engine, lost, notice=note_face)
    clock.advance(timedelta(days=31))
    run_housekeeping(queued)
    with service.unit() as unit:
        row = unit.db.get(SessionRow, lost)
        assert row is not None
        assert row.blob_id is None
        assert row.outcome == "certified"
        with pytest.raises(Gone):
            read_media(unit.db, service.vault.sealer(unit.db, person), row.blob_id)


@pytest.fixture
def queued(service: Service) -> Service:
    return replace(service, queue=DatabaseQueue())


async def _work(service: Service, engine: FaceEngine) -> None:
    await run_worker(WorkerContext(service, engine), wait=False)


@pytest.mark.enable_socket
def test_the_worker_takes_jobs_from_the_real_queue(
    queued: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    session = submit(queued, person, faces.rephotograph(portrait, seed=1))
    asyncio.run(_work(queued, engine))
    with queued.unit() as unit:
        row = unit.db.get(SessionRow, session)
        assert row is not None
        assert (row.state, row.outcome) == ("decided", "certified")

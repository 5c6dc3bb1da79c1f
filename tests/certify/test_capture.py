"""A session is decided exactly once, from one photo, and the decision replays."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from certify.capture import MAX_SESSIONS_A_DAY, evaluate_session, open_session, submit_media
from certify.certificates.keys import Algorithm
from certify.certificates.verify import verify_any
from certify.domain.evidence import Channel
from certify.enrol import (
    MAX_REFERENCES,
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
    add_reference,
    measure_reference,
)
from certify.errors import Conflict, Gone
from certify.issue import key_set
from certify.queue import DatabaseQueue
from certify.replay import replay
from certify.service import Service
from certify.storage.certificates import certificate_in_force, certificates_of
from certify.storage.facts import determinations_of
from certify.storage.media import read_media
from certify.storage.signing import rotate_key
from certify.storage.tables import BlobRow, CertificateRow, DeterminationRow, EvidenceRow, SessionRow, TemplateRow
from certify.worker import Bench, run_worker, tidy
from fixtures import faces
from models.pipeline import FaceEngine

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def portrait() -> Any:
    return faces.portraits()["eileen_collins"]


@pytest.fixture
def person(service: Service, engine: FaceEngine, portrait: Any) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        found = add_beneficiary(
            unit, NewBeneficiary("CAPTURE001", "Eileen Collins", pension, birth_date=date(1956, 11, 19))
        )
        reference = add_reference(unit, found, faces.encode(portrait))
    assert measure_reference(service, engine, reference).state == "active"
    return found


def _submit(service: Service, person: UUID, photo: bytes) -> UUID:
    with service.unit() as unit:
        session = open_session(unit, person, Channel.REMOTE)
    with service.unit() as unit:
        submit_media(unit, session.id, photo)
    return session.id


def test_two_workers_at_once_decide_once(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    session = _submit(service, person, faces.rephotograph(portrait, seed=1))
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: evaluate_session(service, engine, session), range(4)))
    assert {row.outcome for row in rows} == {"certified"}
    with service.unit() as unit:
        for table in (DeterminationRow, EvidenceRow, CertificateRow):
            assert unit.db.scalar(select(func.count()).select_from(table)) == 1


def test_the_same_photo_again_changes_nothing_another_one_is_refused(
    service: Service, person: UUID, portrait: Any
) -> None:
    photo = faces.rephotograph(portrait, seed=1)
    session = _submit(service, person, photo)
    with service.unit() as unit:
        assert submit_media(unit, session, photo).state == "submitted"
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        submit_media(unit, session, faces.rephotograph(portrait, seed=2))
    assert refused.value.code == "session_already_submitted"


def test_media_and_templates_are_stored_sealed(service: Service, person: UUID, portrait: Any) -> None:
    photo = faces.rephotograph(portrait, seed=1)
    _submit(service, person, photo)
    with service.unit() as unit:
        blobs = unit.db.scalars(select(BlobRow)).all()
        assert len(blobs) == 2
        assert all(not row.sealed.startswith(b"\xff\xd8") and photo[:64] not in row.sealed for row in blobs)
        templates = unit.db.scalars(select(TemplateRow)).all()
        assert {row.model for row in templates} == {"sface", "faceplugin"}
        # A clear float32 vector of unit length would be exactly 4 bytes a dimension.
        assert all(len(row.sealed) % 4 == 0 and len(row.sealed) > 512 for row in templates)


def test_a_determination_replays_from_evidence_and_from_the_photo(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    session = _submit(service, person, faces.rephotograph(portrait, seed=1))
    evaluate_session(service, engine, session)
    with service.unit() as unit:
        determination = determinations_of(unit.db, session_id=session)[0].id
        result = replay(unit, determination, engine=engine)
    assert result.identical, result.differences
    assert len(result.checked) == 3
    # A verdict that somebody altered in the database is found out.
    with service.database.engine.begin() as connection:
        connection.execute(text("alter table determinations disable trigger append_only"))
        connection.execute(text("update determinations set digest = '\\x00'"))
    with service.unit() as unit:
        assert not replay(unit, determination).identical


def test_certifying_again_supersedes_and_keeps_one_in_force(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    numbers = []
    for day in range(3):
        session = _submit(service, person, faces.rephotograph(portrait, seed=day))
        numbers.append(evaluate_session(service, engine, session).certificate_number)
        clock.advance(timedelta(days=1))
    assert len(set(numbers)) == 3
    with service.unit() as unit:
        states = [row.state for row in certificates_of(unit.db, person)]
        current = certificate_in_force(unit.db, person)
    assert states == ["valid", "superseded", "superseded"]
    assert current is not None
    assert current.number == numbers[-1]


def test_certifying_twice_on_one_day_issues_one_certificate(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    numbers = {
        evaluate_session(
            service, engine, _submit(service, person, faces.rephotograph(portrait, seed=s))
        ).certificate_number
        for s in range(2)
    }
    assert len(numbers) == 1


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_old_certificates_stay_verifiable_after_rotation(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any, algorithm: Algorithm
) -> None:
    evaluate_session(service, engine, _submit(service, person, faces.rephotograph(portrait, seed=1)))
    clock.advance(timedelta(days=1))
    with service.unit() as unit:
        rotate_key(unit.db, service.vault, "certificate", algorithm, unit.now)
    evaluate_session(service, engine, _submit(service, person, faces.rephotograph(portrait, seed=2)))
    with service.unit() as unit:
        keys = key_set(unit)
        rows = certificates_of(unit.db, person)
        assert len({row.kid for row in rows}) == 2
        assert [verify_any(row.cose, keys, unit.now).state for row in rows] == ["valid", "valid"]


def test_sessions_a_day_are_bounded(service: Service, person: UUID, clock: Any) -> None:
    for _ in range(MAX_SESSIONS_A_DAY):
        with service.unit() as unit:
            open_session(unit, person, Channel.REMOTE)
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)
    assert refused.value.code == "too_many_sessions"
    clock.advance(timedelta(days=1, seconds=1))
    with service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)


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
    lost = _submit(service, person, faces.rephotograph(portrait, seed=1))
    with service.unit() as unit:
        idle = open_session(unit, person, Channel.REMOTE).id
    clock.advance(timedelta(minutes=20))
    queued = replace(service, queue=DatabaseQueue())
    tidy(queued)
    with service.unit() as unit:
        idle_row = unit.db.get(SessionRow, idle)
        assert idle_row is not None
        assert idle_row.state == "expired"
        jobs = unit.db.execute(text("select args ->> 'subject' from procrastinate_jobs")).scalars().all()
        assert jobs == [str(lost)]
    evaluate_session(service, engine, lost)
    clock.advance(timedelta(days=31))
    tidy(queued)
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
    await run_worker(Bench(service, engine), wait=False)


@pytest.mark.enable_socket
def test_the_worker_takes_jobs_from_the_real_queue(
    queued: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    session = _submit(queued, person, faces.rephotograph(portrait, seed=1))
    asyncio.run(_work(queued, engine))
    with queued.unit() as unit:
        row = unit.db.get(SessionRow, session)
        assert row is not None
        assert (row.state, row.outcome) == ("decided", "certified")


def test_sessions_of_one_person_decided_at_once_leave_one_certificate(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    sessions = [_submit(service, person, faces.rephotograph(portrait, seed=s, megapixels=0.5)) for s in range(6)]
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda session: evaluate_session(service, engine, session), sessions))
    assert {row.outcome for row in rows} == {"certified"}
    with service.unit() as unit:
        states = [row.state for row in certificates_of(unit.db, person)]
        assert unit.db.scalar(select(func.count()).select_from(DeterminationRow)) == len(sessions)
    assert states.count("valid") == 1

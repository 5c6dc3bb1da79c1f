"""A session is decided exactly once, from one photo, and the decision replays."""

from __future__ import annotations

import asyncio
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from certify.audit.replay import replay
from certify.capture.attempts import MAX_SESSIONS_A_DAY
from certify.capture.evaluate import evaluate_session
from certify.capture.session import open_session, submit_media
from certify.certificates.keys import Algorithm
from certify.certificates.verify import verify_any
from certify.decision.determine import determine
from certify.decision.issue import key_set
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.erase import erase
from certify.errors import Conflict, Gone
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import (
    MAX_REFERENCES,
    add_reference,
    measure_reference,
)
from certify.queue import DatabaseQueue
from certify.service import Service, utc_now
from certify.storage.certificates import certificate_in_force, certificates_of
from certify.storage.facts import determinations_of, store_parameters, stored_parameters
from certify.storage.media import read_media
from certify.storage.reviews import open_cases_of
from certify.storage.signing import active_key, public_keys, rotate_key
from certify.storage.tables.decisions import (
    CertificateRow,
    DeterminationRow,
    EvidenceRow,
)
from certify.storage.tables.people import TemplateRow
from certify.storage.tables.sessions import BlobRow, SessionRow
from certify.workers.faces import WorkerContext, run_worker
from certify.workers.housekeeping import run_housekeeping
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


def _submit(service: Service, person: UUID, photo: bytes, channel: Channel = Channel.REMOTE) -> UUID:
    with service.unit() as unit:
        session = open_session(unit, person, channel)
    with service.unit() as unit:
        submit_media(unit, session.id, photo)
    return session.id


def test_two_workers_at_once_decide_once(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    session = _submit(service, person, faces.rephotograph(portrait, seed=1))
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: evaluate_session(service, engine, session, notice=note_face), range(4)))
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
    evaluate_session(service, engine, session, notice=note_face)
    with service.unit() as unit:
        determination = determinations_of(unit.db, session_id=session)[0].id
        result = replay(unit, determination, engine=engine)
    assert result.identical, result.differences
    assert len(result.checked) == 3
    # A reference that came later was not there when it was decided.
    with service.unit() as unit:
        later = add_reference(unit, person, faces.rephotograph(portrait, seed=7, megapixels=0.3))
    assert measure_reference(service, engine, later).state == "active"
    with service.unit() as unit:
        result = replay(unit, determination, engine=engine)
    assert result.identical, result.differences
    assert result.not_checked == ()
    # The calibration of that day counts, not one that came with a later release.
    with service.unit() as unit:
        row = unit.db.get_one(SessionRow, session)
        comparison = (row.report or {})["comparison"]
        assert stored_parameters(unit.db, comparison["calibration_sha256"]) == engine.calibration.text
        changed = engine.calibration.text.replace("intercept = -", "intercept = -9")
        assert changed != engine.calibration.text
        other = hashlib.sha256(changed.encode()).hexdigest()
        store_parameters(unit.db, sha256=other, kind="calibration", document=changed)
        row.report = (row.report or {}) | {"comparison": comparison | {"calibration_sha256": other}}
        unit.db.flush()
        assert "likelihood ratio" in replay(unit, determination).differences[0]
        row.report = row.report | {"comparison": comparison}
    # Models of another release cannot measure what these measured; that is said, and is no difference.
    with service.unit() as unit:
        row = unit.db.get_one(SessionRow, session)
        models = dict.fromkeys(comparison["models"], "0" * 64)
        row.report = (row.report or {}) | {"comparison": comparison | {"models": models}}
        unit.db.flush()
        result = replay(unit, determination, engine=engine)
        assert result.identical
        assert "another release" in result.not_checked[0]
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
        numbers.append(evaluate_session(service, engine, session, notice=note_face).certificate_number)
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
            service, engine, _submit(service, person, faces.rephotograph(portrait, seed=s)), notice=note_face
        ).certificate_number
        for s in range(2)
    }
    assert len(numbers) == 1


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_old_certificates_stay_verifiable_after_rotation(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any, algorithm: Algorithm
) -> None:
    evaluate_session(service, engine, _submit(service, person, faces.rephotograph(portrait, seed=1)), notice=note_face)
    clock.advance(timedelta(days=1))
    with service.unit() as unit:
        rotate_key(unit.db, service.vault, "certificate", algorithm, unit.service.clock)
    evaluate_session(service, engine, _submit(service, person, faces.rephotograph(portrait, seed=2)), notice=note_face)
    with service.unit() as unit:
        keys = key_set(unit)
        rows = certificates_of(unit.db, person)
        assert len({row.kid for row in rows}) == 2
        assert [verify_any(row.cose, keys, unit.now).state for row in rows] == ["valid", "valid"]


def test_a_key_is_not_retired_under_a_hand_that_signs(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    """With the real clock: what was signed while a rotation waited is dated inside the key's time."""
    live = replace(service, clock=utc_now)
    session = _submit(live, person, faces.rephotograph(portrait, seed=1))
    with live.unit() as unit:
        active_key(unit.db, live.vault, "certificate", unit.now)
    with ThreadPoolExecutor(1) as pool:
        with live.unit() as unit:
            before = active_key(unit.db, live.vault, "certificate", unit.now, hold=True).kid
            rotation = pool.submit(_rotate, live)
            time.sleep(1.2)
            assert not rotation.done()
            held_until = utc_now()
        rotation.result()
    row = evaluate_session(live, engine, session, notice=note_face)
    with live.unit() as unit:
        keys = {found.kid: found for found in public_keys(unit.db, "certificate")}
        retired_at = keys[before].retired_at
        assert retired_at is not None
        assert retired_at >= held_until
        certificate = unit.db.get_one(CertificateRow, row.certificate_number)
        assert certificate.kid != before
        assert verify_any(certificate.cose, key_set(unit), utc_now()).state == "valid"


def _rotate(service: Service) -> None:
    with service.unit() as unit:
        rotate_key(unit.db, service.vault, "certificate", Algorithm.ES256, unit.service.clock)


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


def test_used_up_attempts_close_the_remote_way_and_ask_for_a_visit(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    with service.unit() as unit:
        kept_back = open_session(unit, person, Channel.REMOTE).id
    for seed in range(3):
        row = evaluate_session(service, engine, _submit(service, person, faces.no_face(seed=seed)), notice=note_face)
    assert row.outcome == "doorstep"
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)
    assert refused.value.code == "attempts_used_up"
    # A session opened earlier is no way around it.
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        submit_media(unit, kept_back, faces.rephotograph(portrait, seed=1))
    assert refused.value.code == "attempts_used_up"
    with service.unit() as unit:
        assert "visit" in {case.kind for case in open_cases_of(unit.db, person)}
    # Weeks later the person may try again; the visit stays promised until life is proven.
    clock.advance(timedelta(days=32))
    with service.unit() as unit:
        open_session(unit, person, Channel.REMOTE)
        determine(unit, person)
        assert "visit" in {case.kind for case in open_cases_of(unit.db, person)}
    visit = _submit(service, person, faces.rephotograph(portrait, seed=1), Channel.DOORSTEP)
    assert evaluate_session(service, engine, visit, notice=note_face).outcome == "certified"
    with service.unit() as unit:
        assert open_cases_of(unit.db, person) == []


def test_one_remote_attempt_at_a_time(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    with service.unit() as unit:
        second = open_session(unit, person, Channel.REMOTE).id
    first = _submit(service, person, faces.no_face(seed=1))
    photo = faces.rephotograph(portrait, seed=1)
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        submit_media(unit, second, photo)
    assert refused.value.code == "another_in_progress"
    evaluate_session(service, engine, first, notice=note_face)
    with service.unit() as unit:
        assert submit_media(unit, second, photo).state == "submitted"


def test_erasing_and_deciding_at_once_never_deadlock(service: Service, engine: FaceEngine, portrait: Any) -> None:
    """Both lock the person first; with two orders PostgreSQL would break one of them off."""
    photo, enrolled = faces.rephotograph(portrait, seed=1, megapixels=0.3), faces.encode(portrait)
    for number in range(6):
        with service.unit() as unit:
            pension = (NewEntitlement("employee", date(2015, 1, 1)),)
            found = add_beneficiary(unit, NewBeneficiary(f"ERASED{number:03}", "Somebody", pension))
            reference = add_reference(unit, found, enrolled)
        measure_reference(service, engine, reference)
        session = _submit(service, found, photo)

        def erase_one(person: UUID = found) -> None:
            with service.unit() as unit:
                erase(unit, person)

        def decide_one(session: UUID = session) -> None:
            with suppress(Gone):
                evaluate_session(service, engine, session, notice=note_face)

        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(decide_one), pool.submit(erase_one)]:
                job.result()
        with service.unit() as unit:
            assert unit.db.get_one(SessionRow, session).state in ("decided", "expired")
            assert (
                unit.db.scalar(
                    select(func.count())
                    .select_from(CertificateRow)
                    .where(CertificateRow.beneficiary_id == found, CertificateRow.state.in_(("valid", "paused")))
                )
                == 0
            )


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
    session = _submit(queued, person, faces.rephotograph(portrait, seed=1))
    asyncio.run(_work(queued, engine))
    with queued.unit() as unit:
        row = unit.db.get(SessionRow, session)
        assert row is not None
        assert (row.state, row.outcome) == ("decided", "certified")


def test_sessions_of_one_person_decided_at_once_leave_one_certificate(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    photos = [faces.rephotograph(portrait, seed=seed, megapixels=0.5) for seed in range(6)]
    sessions = [_submit(service, person, photo, Channel.DOORSTEP) for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda session: evaluate_session(service, engine, session, notice=note_face), sessions))
    assert {row.outcome for row in rows} == {"certified"}
    with service.unit() as unit:
        states = [row.state for row in certificates_of(unit.db, person)]
        assert unit.db.scalar(select(func.count()).select_from(DeterminationRow)) == len(sessions)
    assert states.count("valid") == 1

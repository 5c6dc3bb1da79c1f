"""A session is decided exactly once, also under contention, and its decision and certificate can be verified later."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select

from certify.approvals.erase import erase
from certify.audit.replay import replay
from certify.capture.evaluate import evaluate_session
from certify.certificates.keys import Algorithm
from certify.certificates.verify import verify_any
from certify.decision.issue import key_set
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.errors import Gone
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import (
    add_reference,
    measure_reference,
)
from certify.service import Service, utc_now
from certify.storage.certificates import certificate_in_force, certificates_of
from certify.storage.facts import determinations_of, store_parameters, stored_parameters
from certify.storage.row_macs import RowAltered
from certify.storage.signing import active_key, public_keys, rotate_key
from certify.storage.tables.decisions import (
    CertificateRow,
    DeterminationRow,
    EvidenceRow,
)
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.capture.sending import submit

pytestmark = [pytest.mark.integration, pytest.mark.photos_certify]


def test_two_workers_at_once_decide_once(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    session = submit(service, person, faces.rephotograph(portrait, seed=1))
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: evaluate_session(service, engine, session, notice=note_face), range(4)))
    assert {row.outcome for row in rows} == {"certified"}
    with service.unit() as unit:
        for table in (DeterminationRow, EvidenceRow, CertificateRow):
            assert unit.db.scalar(select(func.count()).select_from(table)) == 1


def test_a_determination_replays_from_evidence_and_from_the_photo(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, owner: psycopg.Connection
) -> None:
    session = submit(service, person, faces.rephotograph(portrait, seed=1))
    evaluate_session(service, engine, session, notice=note_face)
    with service.unit() as unit:
        determination = determinations_of(unit.db, session_id=session)[0].id
        result = replay(unit, determination, engine=engine)
    assert result.identical, result.differences
    assert len(result.checked) == 3
    # A reference that was added later is not part of the decision.
    with service.unit() as unit:
        later = add_reference(unit, person, faces.rephotograph(portrait, seed=7, megapixels=0.3))
    assert measure_reference(service, engine, later).state == "active"
    with service.unit() as unit:
        result = replay(unit, determination, engine=engine)
    assert result.identical, result.differences
    assert result.not_checked == ()
    # The calibration of that day counts, not that of a later release.
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
    # Models of another release cannot repeat the measurement: the replay says so, and counts no difference.
    with service.unit() as unit:
        row = unit.db.get_one(SessionRow, session)
        models = dict.fromkeys(comparison["models"], "0" * 64)
        row.report = (row.report or {}) | {"comparison": comparison | {"models": models}}
        unit.db.flush()
        result = replay(unit, determination, engine=engine)
        assert result.identical
        assert "another release" in result.not_checked[0]
    # A verdict that was altered in the database is detected.
    owner.execute("alter table determinations disable trigger user")
    owner.execute("update determinations set digest = '\\x00'")
    with pytest.raises(RowAltered), service.unit() as unit:
        replay(unit, determination)


def test_certifying_again_supersedes_and_keeps_one_in_force(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    numbers = []
    for day in range(3):
        session = submit(service, person, faces.rephotograph(portrait, seed=day))
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
            service, engine, submit(service, person, faces.rephotograph(portrait, seed=s)), notice=note_face
        ).certificate_number
        for s in range(2)
    }
    assert len(numbers) == 1


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_old_certificates_stay_verifiable_after_rotation(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any, algorithm: Algorithm
) -> None:
    evaluate_session(service, engine, submit(service, person, faces.rephotograph(portrait, seed=1)), notice=note_face)
    clock.advance(timedelta(days=1))
    with service.unit() as unit:
        rotate_key(unit.db, service.vault, "certificate", algorithm, unit.service.clock)
    evaluate_session(service, engine, submit(service, person, faces.rephotograph(portrait, seed=2)), notice=note_face)
    with service.unit() as unit:
        keys = key_set(unit)
        rows = certificates_of(unit.db, person)
        assert len({row.kid for row in rows}) == 2
        assert [verify_any(row.cose, keys, unit.now).state for row in rows] == ["valid", "valid"]


def test_a_key_is_not_retired_while_it_signs(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    """With the real clock: a certificate signed while a rotation waited is dated inside the key's validity."""
    live = replace(service, clock=utc_now)
    session = submit(live, person, faces.rephotograph(portrait, seed=1))
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


def test_erasing_and_deciding_at_once_never_deadlock(service: Service, engine: FaceEngine, portrait: Any) -> None:
    """Both lock the person first; with two orders of locking, PostgreSQL would abort one of them."""
    photo, enrolled = faces.rephotograph(portrait, seed=1, megapixels=0.3), faces.encode(portrait)
    for number in range(6):
        with service.unit() as unit:
            pension = (NewEntitlement("employee", date(2015, 1, 1)),)
            person = add_beneficiary(unit, NewBeneficiary(f"ERASED{number:03}", "Somebody", pension))
            reference = add_reference(unit, person, enrolled)
        measure_reference(service, engine, reference)
        session = submit(service, person, photo)

        def erase_one(person: UUID = person) -> None:
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
                    .where(CertificateRow.beneficiary_id == person, CertificateRow.state.in_(("valid", "paused")))
                )
                == 0
            )


def test_sessions_of_one_person_decided_at_once_leave_one_certificate(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    photos = [faces.rephotograph(portrait, seed=seed, megapixels=0.5) for seed in range(6)]
    sessions = [submit(service, person, photo, Channel.DOORSTEP) for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda session: evaluate_session(service, engine, session, notice=note_face), sessions))
    assert {row.outcome for row in rows} == {"certified"}
    with service.unit() as unit:
        states = [row.state for row in certificates_of(unit.db, person)]
        assert unit.db.scalar(select(func.count()).select_from(DeterminationRow)) == len(sessions)
    assert states.count("valid") == 1

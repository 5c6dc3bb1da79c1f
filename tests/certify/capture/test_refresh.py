"""References are refreshed from confirmed proofs, are bounded, and cannot be walked from one person to another."""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest

from certify.capture import refresh
from certify.capture.evaluate import evaluate_session
from certify.capture.refresh import refresh_reference
from certify.capture.session import open_session
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import Capture
from certify.domain.policy import ReferenceRule
from certify.domain.states import FaceZone, Possession, Provenance, ReferenceState
from certify.doorstep.traces import note_face
from certify.people.references import activate
from certify.people.sittings import anchors_of
from certify.people.templates import open_references, renew_all
from certify.policies import PolicyDocument
from certify.queue import EVALUATE, MEASURE, REFRESH, DatabaseQueue, NoQueue
from certify.service import Service
from certify.storage.facts import determinations_of, evidence_of
from certify.storage.media import put_media
from certify.storage.people import references_of
from certify.storage.reviews import open_case_of
from certify.storage.sessions import get_session
from certify.storage.tables.people import ReferenceRow
from certify.storage.tables.sessions import SessionRow
from certify.workers.faces import WorkerContext, run_worker
from fixtures import faces
from models.face.align import similarity
from models.face.detect import Detector
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network
from tests.certify.capture.sending import submit
from tests.films import drawn_once, film_session
from tests.remembered import RememberingEngine

pytestmark = pytest.mark.integration

A_YEAR = timedelta(days=365)


class Noted(NoQueue):
    """A queue that only notes what is enqueued."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str]] = []

    def put(self, _db: Any, task: str, subject: str, *_lane: Any) -> None:
        self.jobs.append((task, subject))


@pytest.fixture
def queue() -> Noted:
    return Noted()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of Eileen Collins that answers its plan (tests/films.py)."""
    own = tmp_path_factory.getbasetemp()
    return drawn_once(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


def filmed(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, possession: Possession = Possession.SHOWN
) -> SessionRow:
    with service.unit() as unit:
        session = open_session(unit, person, Channel.REMOTE).id
    with service.unit() as unit:
        get_session(unit.db, session).possession = possession
    return film_session(service, engine, session, film)


def rows_of(service: Service, person: UUID) -> Sequence[ReferenceRow]:
    with service.reading() as unit:
        return references_of(unit.db, person)


def test_a_confirmed_film_gives_a_reference_beside_the_old_one(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any, queue: Noted, owner: Any
) -> None:
    clock.advance(A_YEAR)
    row = filmed(service, engine, person, film)
    assert row.outcome == "certified"
    assert (REFRESH, str(row.id)) in queue.jobs
    made = refresh_reference(service, engine, row.id)
    assert made is not None
    enrolled, new = rows_of(service, person)
    assert (enrolled.state, new.state) == (ReferenceState.ACTIVE, ReferenceState.ACTIVE)
    assert (new.id, new.provenance, new.provenance_of) == (made, Provenance.PROOF, "remote")
    assert new.taken_on == clock().date()
    # Its templates are the mean of the best frames. Other weights can measure its picture again.
    with service.reading() as unit:
        templates = open_references(unit.db, unit.sealer(person), person, engine.models)[made]
    assert {round(float(np.linalg.norm(vector)), 4) for vector in templates.values()} == {1.0}
    owner.execute("update templates set model_sha256 = repeat('0', 64)")
    assert renew_all(service, engine).references == 2
    # The determination says how old the reference was that was used.
    with service.reading() as unit:
        said = {why["code"]: why for why in determinations_of(unit.db, session_id=row.id)[0].verdict["reasons"]}
    assert "in full years: 1." in said["reference_used"]["text"]
    assert refresh_reference(service, engine, row.id) is None, "the newest reference is of today"


def test_the_worker_makes_it(service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any) -> None:
    queued = replace(service, queue=DatabaseQueue())
    clock.advance(A_YEAR)
    assert filmed(queued, engine, person, film).outcome == "certified"
    asyncio.run(run_worker(WorkerContext(queued, engine), wait=False))
    assert [one.provenance for one in rows_of(service, person)] == [Provenance.CAMERA, Provenance.PROOF]


def test_no_reference_without_life_possession_a_match_and_age(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any, queue: Noted
) -> None:
    clock.advance(A_YEAR)
    row = filmed(service, engine, person, film, Possession.MISSING)
    visit = submit(service, person, faces.rephotograph(faces.portraits()["eileen_collins"], seed=1), Channel.DOORSTEP)
    assert evaluate_session(service, engine, visit, notice=note_face).outcome == "certified"
    for session in (row.id, visit):
        assert refresh_reference(service, engine, session) is None
    assert {task for task, _ in queue.jobs} <= {EVALUATE, MEASURE}
    with service.reading() as unit:
        capture = next(f for f in evidence_of(unit.db, person) if isinstance(f, Capture) and f.filmed)
        stored = references_of(unit.db, person)
        policies = [document.policy for document in service.policies.values()]
        shown = replace(capture, possession=Possession.SHOWN)
        assert refresh._due(unit, shown, stored, policies)
        never = [replace(policies[0], references=ReferenceRule()), *policies[1:]]
        for other, rules in (
            (replace(shown, zone=FaceZone.NEAR), policies),
            (replace(shown, drifted=True), policies),
            (replace(shown, filmed=False), policies),
            (shown, never),
            (shown, []),
        ):
            assert not refresh._due(unit, other, stored, rules)
        unit.now -= timedelta(days=66)  # 299 days after the enrolment
        assert not refresh._due(unit, shown, stored, policies)


def test_deleted_media_give_no_reference_and_the_ledger_says_so(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any
) -> None:
    clock.advance(A_YEAR)
    row = filmed(service, engine, person, film)
    with service.unit() as unit:
        get_session(unit.db, row.id).blob_id = None
    assert refresh_reference(service, engine, row.id) is None
    assert len(rows_of(service, person)) == 1


def blend(share: float) -> bytes:
    """Return a picture between two people: ``share`` of Grace Hopper's face laid over Eileen Collins's."""
    detector = Detector(load_network(PackStore(default_cache_dir()), "yunet"))
    mine, other = (
        np.ascontiguousarray(cv2.imdecode(np.frombuffer(faces.encode(faces.portraits()[name]), np.uint8), 1), np.uint8)
        for name in ("eileen_collins", "grace_hopper")
    )
    one, two = detector.detect(mine)[0], detector.detect(other)[0]
    matrix = similarity(two.points, one.points)
    laid = cv2.warpAffine(other, matrix, mine.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mixed = cv2.addWeighted(mine, 1 - share, laid, share, 0)
    return bytes(cv2.imencode(".jpg", mixed, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def add_proof(service: Service, engine: FaceEngine, person: UUID, picture: bytes) -> UUID:
    """Store a reference as if a proof had given it, without the guard of the refresh."""
    measured = engine.measure(picture)
    with service.unit() as unit:
        row = ReferenceRow(
            id=unit.service.new_id(),
            beneficiary_id=person,
            blob_id=unit.service.new_id(),
            state=ReferenceState.PENDING,
            media_sha256=str(len(picture)) + picture[-20:].hex(),
            guidance=[],
            created_at=unit.now,
            provenance=Provenance.PROOF,
            added_by="test",
        )
        assert row.blob_id is not None
        sealer = unit.sealer(person)
        put_media(
            unit.db,
            sealer,
            blob_id=row.blob_id,
            beneficiary_id=person,
            data=picture,
            media_type="image/jpeg",
            delete_after=None,
        )
        unit.db.flush()
        unit.db.add(row)
        unit.db.flush()
        activate(unit, row, measured, None)
        return row.id


def test_attack_a_slow_walk_to_another_face_certifies_no_one(
    service: Service, engine: FaceEngine, person: UUID, clock: Any
) -> None:
    """Each reference is a step further, and the last ones match the other person. The enrolled one does not."""
    for share in (0.25, 0.5, 0.75, 0.9):
        clock.advance(A_YEAR)
        add_proof(service, engine, person, blend(share))
    hopper = faces.rephotograph(faces.portraits()["grace_hopper"], seed=2)
    with service.reading() as unit:
        known = open_references(unit.db, unit.sealer(person), person, engine.models)
        rows = references_of(unit.db, person)
    found = engine.compare_many([engine.measure(hopper).templates], list(known.values()))
    assert found.zone is not None
    assert found.zone.value == FaceZone.MATCH, "the walk would succeed without the guard"
    assert len(anchors_of(rows, known)) == 1
    row = evaluate_session(service, engine, submit(service, person, hopper, Channel.DOORSTEP), notice=note_face)
    assert row.certificate_number is None
    with service.reading() as unit:
        capture = next(fact for fact in evidence_of(unit.db, person) if isinstance(fact, Capture))
        codes = {why["code"] for why in determinations_of(unit.db, session_id=row.id)[0].verdict["reasons"]}
        assert open_case_of(unit.db, person, CaseKind.FACE_IN_DOUBT) is not None
    assert (capture.zone, capture.drifted) == (FaceZone.MATCH, True)
    assert codes.isdisjoint({"proven_doorstep"})
    # The person herself is still recognised.
    own = faces.rephotograph(faces.portraits()["eileen_collins"], seed=3)
    clock.advance(timedelta(hours=1))
    row = evaluate_session(service, engine, submit(service, person, own, Channel.DOORSTEP), notice=note_face)
    assert row.outcome == "certified"


class _Walking(RememberingEngine):
    """An engine whose films show the next step of a walk: what a puppet would be driven to show."""

    __slots__ = ()
    picture = b""

    def stills(self, _data: bytes, _numbers: Sequence[int]) -> list[bytes]:
        return [self.picture]


@pytest.mark.parametrize(("share", "accepted"), [(0.1, True), (0.5, False), (0.75, False)])
def test_attack_a_step_away_from_the_enrolled_face_becomes_no_reference(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any, share: float, accepted: bool
) -> None:
    """Even if references of earlier proofs are half way there, and it matches these."""
    add_proof(service, engine, person, blend(0.5))
    clock.advance(A_YEAR)
    row = filmed(service, engine, person, film)
    assert row.outcome == "certified"
    walking = copy.copy(engine)
    walking.__class__ = type("Step", (_Walking,), {"__slots__": (), "picture": blend(share)})
    assert (refresh_reference(service, walking, row.id) is not None) == accepted


def test_only_the_newest_references_of_proofs_are_kept_and_the_enrolled_one_stays(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any, policies: dict[str, PolicyDocument]
) -> None:
    for number in range(3):
        clock.advance(A_YEAR)
        picture = faces.rephotograph(faces.portraits()["eileen_collins"], seed=20 + number, megapixels=0.3)
        add_proof(service, engine, person, picture)
    clock.advance(A_YEAR)
    row = filmed(service, engine, person, film)
    assert refresh_reference(service, engine, row.id) is not None
    rows = rows_of(service, person)
    assert [one.state for one in rows] == ["active", "retired", "active", "active", "active"]
    assert rows[1].blob_id is None, "its picture is deleted"
    assert policies["employee"].policy.references.keep == 3
    with service.reading() as unit:
        assert len(open_references(unit.db, unit.sealer(person), person, engine.models)) == 4

"""Videos as the worker gets them: containers in one piece, analysis with replay, and a video that cannot be read."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from certify.audit.replay import replay
from certify.capture.evaluate import evaluate_session
from certify.capture.session import submit_media
from certify.decision.determine import determine
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.domain.states import FaceZone
from certify.doorstep.traces import note_face
from certify.people.references import measure_reference
from certify.service import Service
from certify.storage.facts import determinations_of, evidence_of, stored_parameters
from certify.storage.tables.sessions import (
    BlobRow,
    SessionRow,
)
from fixtures import videos
from models.media.kinds import is_film
from models.pipeline import FaceEngine
from tests.certify.capture.sending import begin, open_for, send

pytestmark = pytest.mark.integration


@pytest.fixture
def person(unmeasured_person: UUID) -> UUID:
    return unmeasured_person


@pytest.mark.parametrize(
    ("codec", "live", "kind"), [("vp9", True, "webm"), ("h264", False, "mp4"), ("h264", True, "mp4")]
)
def test_videos_in_one_piece(service: Service, session: UUID, portrait: Any, codec: str, live: bool, kind: str) -> None:
    film = videos.encode(videos.moving(portrait, seconds=1.2, rate=10), rate=10, codec=codec, live=live)
    assert is_film(film)
    with service.unit() as unit:
        row = submit_media(unit, session, film)
        assert row.state == "submitted"
        assert unit.db.get_one(BlobRow, row.blob_id).media_type == f"video/{kind}"


def test_a_video_is_analysed_compared_and_decided(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    with service.unit() as unit:
        references = unit.db.execute(text("select id from face_references")).scalars().all()
    states = [measure_reference(service, engine, UUID(str(reference_id))).state for reference_id in references]
    assert states == ["active"]
    session = open_for(service, person, Channel.DOORSTEP)
    begin(service, session, film)
    send(service, session, film)
    row = evaluate_session(service, engine, session, notice=note_face)
    assert row.state == "decided"
    with service.unit() as unit:
        report = unit.db.get_one(SessionRow, session).report or {}
        capture = next(fact for fact in evidence_of(unit.db, person) if isinstance(fact, Capture))
        assert capture.liveness == Check(report["liveness"]["state"])
        assert capture.acquired is Check.PASS
        assert capture.zone is FaceZone.MATCH
        for name, sha256 in report["parameters"].items():
            assert hashlib.sha256(stored_parameters(unit.db, sha256).encode()).hexdigest() == sha256, name
        assert "liveness" in report["parameters"]
        again = replay(unit, determinations_of(unit.db, session_id=session)[0].id, engine=engine)
    assert again.identical, again.differences
    assert len(again.checked) == 4


def test_a_video_that_the_worker_cannot_read_is_a_failed_attempt_with_guidance(
    service: Service, engine: FaceEngine, person: UUID, session: UUID, portrait: Any
) -> None:
    half = (videos.moving(portrait, seconds=1, rate=10, size=size) for size in ((240, 320), (320, 240)))
    film = videos.resized_midway(*half, rate=10)
    with service.unit() as unit:
        references = unit.db.execute(text("select id from face_references")).scalars().all()
        submit_media(unit, session, film)
    for reference_id in references:
        measure_reference(service, engine, UUID(str(reference_id)))
    row = evaluate_session(service, engine, session, notice=note_face)
    assert (row.outcome, row.guidance) == ("retry", ["video_size_changed"])
    with service.unit() as unit:
        determine(unit, person)

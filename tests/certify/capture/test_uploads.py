"""Videos in chunks: what breaks off goes on, what is wrong is refused, and nothing stays that should not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from certify.audit.replay import replay
from certify.capture.evaluate import evaluate_session
from certify.capture.media import is_video
from certify.capture.session import open_session, submit_media
from certify.capture.uploads import (
    MAX_CHUNK,
    MIN_CHUNK,
    Progress,
    WrongOffset,
    begin_upload,
    put_chunk,
    upload_progress,
)
from certify.decision.determine import determine
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.doorstep.traces import note_face
from certify.erase import erase
from certify.errors import Conflict, Gone, Invalid, NotFound, TooLarge
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.queue import DatabaseQueue
from certify.service import Service
from certify.storage.facts import determinations_of, evidence_of, stored_parameters
from certify.storage.media import read_media
from certify.storage.tables.sessions import (
    BlobRow,
    ChunkRow,
    SessionRow,
    UploadRow,
)
from certify.workers.housekeeping import run_housekeeping
from fixtures import faces, videos
from models.errors import VideoRefused
from models.pipeline import FaceEngine

pytestmark = pytest.mark.integration

CHUNK = MIN_CHUNK


@pytest.fixture(scope="module")
def portrait() -> Any:
    return faces.portraits()["eileen_collins"]


@pytest.fixture(scope="module")
def film(portrait: Any) -> bytes:
    """A WebM of several chunks."""
    film = videos.encode(videos.moving(portrait, seconds=1.5, rate=15), rate=15, live=True)
    assert len(film) > 3 * CHUNK
    return film


@pytest.fixture
def person(service: Service, portrait: Any) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        found = add_beneficiary(unit, NewBeneficiary("UPLOAD001", "Eileen Collins", pension))
        add_reference(unit, found, faces.encode(portrait))
    return found


@pytest.fixture
def session(service: Service, person: UUID) -> UUID:
    return _open(service, person)


def _open(service: Service, person: UUID, channel: Channel = Channel.REMOTE) -> UUID:
    with service.unit() as unit:
        return open_session(unit, person, channel).id


def _begin(service: Service, session: UUID, data: bytes, *, sha256: str | None = None) -> Progress:
    with service.unit() as unit:
        return begin_upload(unit, session, size=len(data), sha256=sha256 or hashlib.sha256(data).hexdigest())


def _put(service: Service, session: UUID, start: int, data: bytes) -> Progress:
    with service.unit() as unit:
        progress = put_chunk(unit, session, start, data)
    if progress.refusal:
        raise progress.refusal
    return progress


def _progress(service: Service, session: UUID) -> Progress:
    with service.reading() as unit:
        return upload_progress(unit, session)


def _send(service: Service, session: UUID, data: bytes, *, size: int = CHUNK) -> Progress:
    progress = _progress(service, session)
    while progress.offset < progress.size:
        progress = _put(service, session, progress.offset, data[progress.offset : progress.offset + size])
    return progress


def _count(db: Session, table: type[Any]) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("size", [CHUNK, 50_000, MAX_CHUNK])
def test_a_whole_video_arrives_and_is_submitted(service: Service, session: UUID, film: bytes, size: int) -> None:
    assert _begin(service, session, film).offset == 0
    progress = _send(service, session, film, size=size)
    assert (progress.offset, progress.session.state) == (len(film), "submitted")
    with service.unit() as unit:
        row = unit.db.get_one(SessionRow, session)
        assert row.media_sha256 == hashlib.sha256(film).hexdigest()
        assert read_media(unit.db, unit.sealer(row.beneficiary_id), row.blob_id) == film
        assert unit.db.get_one(BlobRow, row.blob_id).media_type == "video/webm"
        assert unit.db.scalars(select(ChunkRow.sealed)).all() == [None] * -(-len(film) // size), "the bytes are gone"


def test_the_job_is_enqueued_with_the_last_chunk_and_not_before(service: Service, session: UUID, film: bytes) -> None:
    queued = replace(service, queue=DatabaseQueue())

    def jobs() -> int:
        with service.unit() as unit:
            return unit.db.scalar(text("select count(*) from procrastinate_jobs")) or 0

    _begin(queued, session, film)
    _put(queued, session, 0, film[:CHUNK])
    assert jobs() == 0
    _send(queued, session, film)
    assert jobs() == 1


class _BrokenQueue:
    def put(self, db: Session, task: str, subject: str) -> None:
        del db, task, subject
        raise ConnectionError("the server dies now")


def test_dying_at_the_last_chunk_loses_that_chunk_only(service: Service, session: UUID, film: bytes) -> None:
    _begin(service, session, film)
    last = len(film) - CHUNK
    _put(service, session, 0, film[:last])
    with pytest.raises(ConnectionError):
        _put(replace(service, queue=_BrokenQueue()), session, last, film[last:])
    progress = _progress(service, session)
    assert (progress.offset, progress.session.state) == (last, "open")
    assert _put(service, session, last, film[last:]).session.state == "submitted"


def test_the_same_chunk_again_is_harmless_another_one_is_refused(service: Service, session: UUID, film: bytes) -> None:
    _begin(service, session, film)
    _put(service, session, 0, film[:CHUNK])
    _put(service, session, CHUNK, film[CHUNK : 2 * CHUNK])
    assert _put(service, session, 0, film[:CHUNK]).offset == 2 * CHUNK
    assert _put(service, session, CHUNK, film[CHUNK : 2 * CHUNK]).offset == 2 * CHUNK
    for start, data in (
        (0, film[1 : CHUNK + 1]),
        (0, film[: CHUNK + 1]),
        (3 * CHUNK, film[3 * CHUNK :]),
        (5, film[5:]),
    ):
        with pytest.raises(WrongOffset) as refused:
            _put(service, session, start, data)
        assert refused.value.offset == 2 * CHUNK
    _send(service, session, film)
    # The answer to the last chunk was lost: the phone sends it again.
    last = (len(film) - 1) // CHUNK * CHUNK
    assert _put(service, session, last, film[last:]).offset == len(film)
    assert _begin(service, session, film).offset == len(film), "and so when it begins anew"
    with pytest.raises(WrongOffset):
        _put(service, session, last, film[last:-1])
    with service.unit() as unit:
        assert _count(unit.db, BlobRow) == 2, "the reference and one video"


def test_chunks_are_sealed(service: Service, session: UUID, film: bytes) -> None:
    _begin(service, session, film)
    _put(service, session, 0, film[:CHUNK])
    with service.unit() as unit:
        sealed = unit.db.scalars(select(ChunkRow.sealed)).one()
    assert sealed is not None
    assert film[:32] not in sealed
    assert film[1000:1032] not in sealed


def test_declaring_another_video_begins_anew(service: Service, session: UUID, film: bytes) -> None:
    _begin(service, session, film)
    _put(service, session, 0, film[:CHUNK])
    assert _begin(service, session, film).offset == CHUNK, "the same goes on"
    other = film + b"\0"
    assert _begin(service, session, other).offset == 0
    with service.unit() as unit:
        assert _count(unit.db, ChunkRow) == 0
        assert _count(unit.db, UploadRow) == 1


def test_a_wrong_hash_takes_the_upload_away(service: Service, session: UUID, film: bytes) -> None:
    _begin(service, session, film, sha256="0" * 64)
    with pytest.raises(Invalid) as refused:
        _send(service, session, film)
    assert refused.value.code == "upload_damaged"
    with pytest.raises(NotFound):
        _progress(service, session)
    with service.unit() as unit:
        assert _count(unit.db, ChunkRow) == 0
        assert unit.db.get_one(SessionRow, session).state == "open", "the attempt is not used up"
    _begin(service, session, film)
    assert _send(service, session, film).session.state == "submitted"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _, portrait: faces.encode(portrait), "not_a_video"),
        (lambda _film, _portrait: b"no video at all" * 2000, "not_a_video"),
        (lambda _film, _portrait: b"\x1a\x45\xdf\xa3" + b"\0" * 40_000, "video_truncated"),
        (lambda _film, _portrait: videos.audio_only("webm"), "video_no_picture"),
        (lambda film, _: videos.truncated(film, 0.1), "video_truncated"),
        (
            lambda _, portrait: videos.encode(
                videos.moving(portrait, seconds=31, rate=2, size=(120, 160)), rate=2, quality=20
            ),
            "video_too_long",
        ),
    ],
    ids=["photo", "text", "rubbish", "sound", "cut off", "too long"],
)
def test_what_is_no_usable_video_is_refused(
    service: Service, session: UUID, film: bytes, portrait: Any, make: Callable[[bytes, Any], bytes], code: str
) -> None:
    data = make(film, portrait)
    _begin(service, session, data)
    with pytest.raises(VideoRefused) as refused:
        _send(service, session, data)
    assert refused.value.code == code
    with service.unit() as unit:
        assert unit.db.get_one(SessionRow, session).state == "open"
        assert _count(unit.db, ChunkRow) == 0


def test_sizes_are_bounded(service: Service, session: UUID, film: bytes) -> None:
    limit = service.settings.max_upload_bytes
    with pytest.raises(TooLarge), service.unit() as unit:
        begin_upload(unit, session, size=limit + 1, sha256="0" * 64)
    with service.unit() as unit:
        begin_upload(unit, session, size=limit, sha256="0" * 64)
    _begin(service, session, film)
    with pytest.raises(TooLarge):
        _put(service, session, 0, film[:1] * (MAX_CHUNK + 1))
    for data, code in ((film + b"\0", "chunk_beyond_end"), (film[: MIN_CHUNK - 1], "chunk_too_small")):
        with pytest.raises(Invalid) as refused:
            _put(service, session, 0, data)
        assert refused.value.code == code
    assert _progress(service, session).offset == 0


def test_time_runs_out_and_what_had_come_goes(service: Service, session: UUID, film: bytes, clock: Any) -> None:
    _begin(service, session, film)
    _put(service, session, 0, film[:CHUNK])
    clock.advance(timedelta(minutes=16))
    for tidied in (False, True):
        if tidied:
            run_housekeeping(service)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: _put(service, session, CHUNK, film[CHUNK : 2 * CHUNK]),
            lambda: _progress(service, session),
            lambda: _begin(service, session, film),
        )
        for attempt in attempts:
            with pytest.raises(Gone) as refused:
                attempt()
            assert refused.value.code == "session_expired"
    with service.unit() as unit:
        assert _count(unit.db, UploadRow) == _count(unit.db, ChunkRow) == 0


def test_traces_of_an_arrived_upload_go_with_the_time_of_the_session(
    service: Service, session: UUID, film: bytes, clock: Any
) -> None:
    _begin(service, session, film)
    _send(service, session, film)
    clock.advance(timedelta(minutes=16))
    run_housekeeping(service)
    with service.unit() as unit:
        assert _count(unit.db, UploadRow) == _count(unit.db, ChunkRow) == 0
        assert unit.db.get_one(SessionRow, session).blob_id is not None


def test_erasure_takes_chunks_with_it(service: Service, session: UUID, film: bytes, person: UUID) -> None:
    _begin(service, session, film)
    _put(service, session, 0, film[:CHUNK])
    with service.unit() as unit:
        erase(unit, person)
    with service.unit() as unit:
        assert _count(unit.db, UploadRow) == _count(unit.db, ChunkRow) == 0
    with pytest.raises(Gone):
        _put(service, session, CHUNK, film[CHUNK : 2 * CHUNK])


def test_a_photo_sent_meanwhile_ends_the_upload(service: Service, session: UUID, film: bytes, portrait: Any) -> None:
    _begin(service, session, film)
    _put(service, session, 0, film[:CHUNK])
    with service.unit() as unit:
        submit_media(unit, session, faces.rephotograph(portrait, seed=1, megapixels=0.3))
    with pytest.raises(NotFound):
        _put(service, session, CHUNK, film[CHUNK : 2 * CHUNK])
    with pytest.raises(Conflict) as refused:
        _begin(service, session, film)
    assert refused.value.code == "session_already_submitted"


def test_only_one_remote_attempt_at_a_time(service: Service, person: UUID, session: UUID, film: bytes) -> None:
    second = _open(service, person)
    _begin(service, second, film)
    _begin(service, session, film)
    _send(service, session, film)
    with pytest.raises(Conflict) as refused:
        _send(service, second, film)
    assert refused.value.code == "another_in_progress"
    assert _progress(service, second).session.state == "open", "the last chunk can come again later"


@pytest.mark.parametrize(
    ("codec", "live", "kind"), [("vp9", True, "webm"), ("h264", False, "mp4"), ("h264", True, "mp4")]
)
def test_videos_in_one_piece(service: Service, session: UUID, portrait: Any, codec: str, live: bool, kind: str) -> None:
    film = videos.encode(videos.moving(portrait, seconds=1.2, rate=10), rate=10, codec=codec, live=live)
    assert is_video(film)
    with service.unit() as unit:
        row = submit_media(unit, session, film)
        assert row.state == "submitted"
        assert unit.db.get_one(BlobRow, row.blob_id).media_type == f"video/{kind}"


def test_a_video_is_watched_compared_and_decided(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    with service.unit() as unit:
        references = unit.db.execute(text("select id from face_references")).scalars().all()
    assert [measure_reference(service, engine, UUID(str(number))).state for number in references] == ["active"]
    session = _open(service, person, Channel.DOORSTEP)
    _begin(service, session, film)
    _send(service, session, film)
    row = evaluate_session(service, engine, session, notice=note_face)
    assert row.state == "decided"
    with service.unit() as unit:
        report = unit.db.get_one(SessionRow, session).report or {}
        capture = next(fact for fact in evidence_of(unit.db, person) if isinstance(fact, Capture))
        assert capture.liveness == Check(report["liveness"]["state"])
        assert capture.acquired is Check.PASS
        assert capture.llr is not None
        assert capture.llr > 2.55
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
    for number in references:
        measure_reference(service, engine, UUID(str(number)))
    row = evaluate_session(service, engine, session, notice=note_face)
    assert (row.outcome, row.guidance) == ("retry", ["video_size_changed"])
    with service.unit() as unit:
        determine(unit, person)

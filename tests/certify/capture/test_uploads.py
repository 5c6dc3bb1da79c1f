"""Videos in chunks: an interrupted upload continues, a wrong one is refused, and no chunk is kept too long."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from certify.approvals.erase import erase
from certify.capture.session import submit_media
from certify.capture.uploads import (
    MAX_CHUNK,
    MIN_CHUNK,
    WrongOffset,
    begin_upload,
)
from certify.errors import Conflict, Gone, Invalid, NotFound, TooLarge
from certify.queue import DatabaseQueue, Lane
from certify.service import Service
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
from tests.certify.capture.sending import CHUNK, ask_progress, begin, open_for, put, send

pytestmark = pytest.mark.integration


@pytest.fixture
def person(unmeasured_person: UUID) -> UUID:
    return unmeasured_person


def _count(db: Session, table: type[Any]) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("size", [CHUNK, 50_000, MAX_CHUNK])
def test_a_whole_video_arrives_and_is_submitted(service: Service, session: UUID, film: bytes, size: int) -> None:
    assert begin(service, session, film).offset == 0
    progress = send(service, session, film, size=size)
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

    begin(queued, session, film)
    put(queued, session, 0, film[:CHUNK])
    assert jobs() == 0
    send(queued, session, film)
    assert jobs() == 1


class _BrokenQueue:
    def put(self, db: Session, task: str, subject: str, lane: Lane = Lane.RECOGNISED) -> None:
        del db, task, subject, lane
        raise ConnectionError("the server dies now")


def test_dying_at_the_last_chunk_loses_that_chunk_only(service: Service, session: UUID, film: bytes) -> None:
    begin(service, session, film)
    last = len(film) - CHUNK
    put(service, session, 0, film[:last])
    with pytest.raises(ConnectionError):
        put(replace(service, queue=_BrokenQueue()), session, last, film[last:])
    progress = ask_progress(service, session)
    assert (progress.offset, progress.session.state) == (last, "open")
    assert put(service, session, last, film[last:]).session.state == "submitted"


def test_the_same_chunk_changes_nothing_and_another_is_refused(service: Service, session: UUID, film: bytes) -> None:
    begin(service, session, film)
    put(service, session, 0, film[:CHUNK])
    put(service, session, CHUNK, film[CHUNK : 2 * CHUNK])
    assert put(service, session, 0, film[:CHUNK]).offset == 2 * CHUNK
    assert put(service, session, CHUNK, film[CHUNK : 2 * CHUNK]).offset == 2 * CHUNK
    for start, data in (
        (0, film[1 : CHUNK + 1]),
        (0, film[: CHUNK + 1]),
        (3 * CHUNK, film[3 * CHUNK :]),
        (5, film[5:]),
    ):
        with pytest.raises(WrongOffset) as refused:
            put(service, session, start, data)
        assert refused.value.offset == 2 * CHUNK
    send(service, session, film)
    # The answer to the last chunk was lost: the phone sends it again.
    last = (len(film) - 1) // CHUNK * CHUNK
    assert put(service, session, last, film[last:]).offset == len(film)
    assert begin(service, session, film).offset == len(film), "the same when it begins again"
    with pytest.raises(WrongOffset):
        put(service, session, last, film[last:-1])
    with service.unit() as unit:
        assert _count(unit.db, BlobRow) == 2, "the reference and one video"


def test_chunks_are_sealed(service: Service, session: UUID, film: bytes) -> None:
    begin(service, session, film)
    put(service, session, 0, film[:CHUNK])
    with service.unit() as unit:
        sealed = unit.db.scalars(select(ChunkRow.sealed)).one()
    assert sealed is not None
    assert film[:32] not in sealed
    assert film[1000:1032] not in sealed


def test_declaring_another_video_starts_again(service: Service, session: UUID, film: bytes) -> None:
    begin(service, session, film)
    put(service, session, 0, film[:CHUNK])
    assert begin(service, session, film).offset == CHUNK, "the same video continues"
    other = film + b"\0"
    assert begin(service, session, other).offset == 0
    with service.unit() as unit:
        assert _count(unit.db, ChunkRow) == 0
        assert _count(unit.db, UploadRow) == 1


def test_a_wrong_hash_deletes_the_upload(service: Service, session: UUID, film: bytes) -> None:
    begin(service, session, film, sha256="0" * 64)
    with pytest.raises(Invalid) as refused:
        send(service, session, film)
    assert refused.value.code == "upload_damaged"
    with pytest.raises(NotFound):
        ask_progress(service, session)
    with service.unit() as unit:
        assert _count(unit.db, ChunkRow) == 0
        assert unit.db.get_one(SessionRow, session).state == "open", "the attempt is not used up"
    begin(service, session, film)
    assert send(service, session, film).session.state == "submitted"


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
    ids=["photo", "text", "zeros", "sound", "cut off", "too long"],
)
def test_unusable_videos_are_refused(
    service: Service, session: UUID, film: bytes, portrait: Any, make: Callable[[bytes, Any], bytes], code: str
) -> None:
    data = make(film, portrait)
    begin(service, session, data)
    with pytest.raises(VideoRefused) as refused:
        send(service, session, data)
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
    begin(service, session, film)
    with pytest.raises(TooLarge):
        put(service, session, 0, film[:1] * (MAX_CHUNK + 1))
    for data, code in ((film + b"\0", "chunk_beyond_end"), (film[: MIN_CHUNK - 1], "chunk_too_small")):
        with pytest.raises(Invalid) as refused:
            put(service, session, 0, data)
        assert refused.value.code == code
    assert ask_progress(service, session).offset == 0


def test_chunks_are_deleted_when_the_session_expires(service: Service, session: UUID, film: bytes, clock: Any) -> None:
    begin(service, session, film)
    put(service, session, 0, film[:CHUNK])
    clock.advance(timedelta(hours=24))
    for after_housekeeping in (False, True):
        if after_housekeeping:
            run_housekeeping(service)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: put(service, session, CHUNK, film[CHUNK : 2 * CHUNK]),
            lambda: ask_progress(service, session),
            lambda: begin(service, session, film),
        )
        for attempt in attempts:
            with pytest.raises(Gone) as refused:
                attempt()
            assert refused.value.code == "session_expired"
    with service.unit() as unit:
        assert _count(unit.db, UploadRow) == _count(unit.db, ChunkRow) == 0


def test_a_finished_upload_leaves_no_rows_when_the_session_has_expired(
    service: Service, session: UUID, film: bytes, clock: Any
) -> None:
    begin(service, session, film)
    send(service, session, film)
    clock.advance(timedelta(minutes=16))
    run_housekeeping(service)
    with service.unit() as unit:
        assert _count(unit.db, UploadRow) == _count(unit.db, ChunkRow) == 0
        assert unit.db.get_one(SessionRow, session).blob_id is not None


def test_erasure_deletes_chunks(service: Service, session: UUID, film: bytes, person: UUID) -> None:
    begin(service, session, film)
    put(service, session, 0, film[:CHUNK])
    with service.unit() as unit:
        erase(unit, person)
    with service.unit() as unit:
        assert _count(unit.db, UploadRow) == _count(unit.db, ChunkRow) == 0
    with pytest.raises(Gone):
        put(service, session, CHUNK, film[CHUNK : 2 * CHUNK])


def test_a_photo_sent_meanwhile_ends_the_upload(service: Service, session: UUID, film: bytes, portrait: Any) -> None:
    begin(service, session, film)
    put(service, session, 0, film[:CHUNK])
    with service.unit() as unit:
        submit_media(unit, session, faces.rephotograph(portrait, seed=1, megapixels=0.3))
    with pytest.raises(NotFound):
        put(service, session, CHUNK, film[CHUNK : 2 * CHUNK])
    with pytest.raises(Conflict) as refused:
        begin(service, session, film)
    assert refused.value.code == "session_already_submitted"


def test_only_one_remote_attempt_at_a_time(service: Service, person: UUID, session: UUID, film: bytes) -> None:
    second = open_for(service, person, device_id="device-0000000002")
    begin(service, second, film)
    begin(service, session, film)
    send(service, session, film)
    with pytest.raises(Conflict) as refused:
        send(service, second, film)
    assert refused.value.code == "another_in_progress"
    assert ask_progress(service, second).session.state == "open", "the last chunk can be sent again later"

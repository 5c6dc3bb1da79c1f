"""Attacks on disk, queue and locks by callers who were not recognised."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from certify.capture import session as session_module
from certify.capture.evaluate import UNRECOGNISED_KEPT, evaluate_session
from certify.capture.public_entry import open_public_session
from certify.capture.session import prepare_media, submit_media
from certify.doorstep.receive import MAX_AHEAD, require_plausible
from certify.doorstep.tablets import TabletRefused
from certify.doorstep.traces import note_face
from certify.errors import Invalid
from certify.people.access import identify
from certify.queue import STRANGERS, DatabaseQueue, Lane
from certify.service import Service
from certify.storage.people import DECOY_PERSON
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import BlobRow, SessionRow
from certify.workers import faces as faces_worker
from certify.workers.faces import WorkerContext, run_worker
from fixtures import faces
from models.errors import VideoRefused
from models.media.video import probe_video
from models.pipeline import FaceEngine
from tests.certify.capture.sending import open_for
from tests.certify.doorstep.conftest import attested, make_round
from tests.conftest import Clock

pytestmark = pytest.mark.integration

BORN = date(1956, 11, 19)


def knock(service: Service, number: str, born: date = BORN) -> UUID:
    with service.unit() as unit:
        claim = identify(unit, national_id=number, card_number=None, birth_date=born)
        return open_public_session(unit, claim, born, device_id=f"device-{number}", assisted=False).id


def send(service: Service, session: UUID, data: bytes) -> None:
    media = prepare_media(service, session, data)
    with service.unit() as unit:
        submit_media(unit, session, media)


def test_media_of_a_stranger_go_when_they_are_judged(service: Service, engine: FaceEngine) -> None:
    session = knock(service, "UNKNOWN01")
    send(service, session, faces.no_face(1, width=400, height=500))
    row = evaluate_session(service, engine, session, notice=note_face)
    assert (row.outcome, row.blob_id) == ("retry", None)
    with service.unit() as unit:
        assert unit.db.scalars(select(BlobRow.id)).all() == []


def test_media_of_a_failed_attempt_by_number_only_stay_for_days(
    service: Service, engine: FaceEngine, person: UUID
) -> None:
    session = knock(service, "CAPTURE001")
    send(service, session, faces.no_face(1, width=400, height=500))
    row = evaluate_session(service, engine, session, notice=note_face)
    assert row.outcome == "retry"
    with service.unit() as unit:
        assert unit.db.get_one(BlobRow, row.blob_id).delete_after == unit.now + UNRECOGNISED_KEPT
    own = open_for(service, person)
    send(service, own, faces.no_face(2, width=400, height=500))
    row = evaluate_session(service, engine, own, notice=note_face)
    with service.unit() as unit:
        kept = timedelta(days=service.settings.media_retention_days)
        assert unit.db.get_one(BlobRow, row.blob_id).delete_after == unit.now + kept


@pytest.mark.parametrize("where", ["end", "beginning"])
def test_a_film_padded_with_free_space_is_refused(film_mp4: bytes, where: str) -> None:
    probe_video(film_mp4)
    free = struct.pack(">I4s", 8_000_000, b"free") + bytes(8_000_000 - 8)
    start = int.from_bytes(film_mp4[:4])
    padded = film_mp4 + free if where == "end" else film_mp4[:start] + free + film_mp4[start:]
    with pytest.raises(VideoRefused) as refusal:
        probe_video(padded)
    assert refusal.value.code == "video_damaged"


def test_strangers_wait_for_no_common_row(service: Service) -> None:
    first, second = knock(service, "UNKNOWN01"), knock(service, "UNKNOWN02")
    photo = faces.no_face(1, width=400, height=500)
    with service.unit() as holding:
        holding.db.execute(text("set local lock_timeout = '2s'"))
        submit_media(holding, first, photo)
        locked = select(BeneficiaryRow.id).where(BeneficiaryRow.id == DECOY_PERSON)
        with service.unit() as unit:
            assert unit.db.scalars(locked.with_for_update(key_share=True, nowait=True)).all() == [DECOY_PERSON]
        with service.unit() as unit:
            unit.db.execute(text("set local lock_timeout = '2s'"))
            submit_media(unit, second, photo)


def test_two_uploads_of_one_decoy_session_store_one(service: Service) -> None:
    session = knock(service, "UNKNOWN01")
    photo = faces.no_face(1, width=400, height=500)
    send(service, session, photo)
    send(service, session, photo)
    with service.unit() as unit:
        assert len(unit.db.scalars(select(BlobRow.id)).all()) == 1


def test_the_lane_depends_on_what_the_caller_showed_and_sent_and_not_on_whether_they_are_known(
    service: Service, person: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = replace(service, queue=DatabaseQueue())
    photo = faces.no_face(1, width=400, height=500)
    own = open_for(service, person)
    for number in ("CAPTURE001", "UNKNOWN01"):
        send(queued, knock(service, number), photo)
    monkeypatch.setattr(session_module, "SHORT_BYTES", 10)
    with service.unit() as unit:
        unit.db.get_one(SessionRow, own).public_entry = False
        unit.db.execute(text("update capture_sessions set state = 'expired' where state = 'submitted'"))
    send(queued, knock(service, "UNKNOWN02"), photo)
    send(queued, knock(service, "CAPTURE001"), photo)
    with service.unit() as unit:
        unit.db.execute(text("update capture_sessions set state = 'expired' where state = 'submitted'"))
    send(queued, own, photo)
    with service.unit() as unit:
        jobs = unit.db.execute(
            text("select priority, lock = :lock from procrastinate_jobs order by id"), {"lock": STRANGERS}
        )
        assert [tuple(job) for job in jobs] == [
            (Lane.SHORT, False),
            (Lane.SHORT, False),
            (Lane.STRANGER, True),
            (Lane.STRANGER, True),
            (Lane.RECOGNISED, False),
        ]


def test_a_selfie_comes_before_ten_films_of_strangers(
    service: Service, person: UUID, engine: FaceEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = replace(service, queue=DatabaseQueue())
    photo = faces.no_face(1, width=400, height=500)
    with monkeypatch.context() as patch:
        patch.setattr(session_module, "SHORT_BYTES", 10)
        strangers = [knock(service, f"UNKNOWN{number:02}") for number in range(10)]
        for session in strangers:
            send(queued, session, photo)
    own = open_for(service, person)
    send(queued, own, photo)
    order: list[UUID] = []

    def note(service: Service, engine: FaceEngine, session: UUID, *, notice: object) -> Any:
        del engine, notice
        order.append(session)
        with service.reading() as unit:
            return unit.db.get_one(SessionRow, session)

    monkeypatch.setattr(faces_worker, "evaluate_session", note)
    asyncio.run(run_worker(WorkerContext(queued, engine), wait=False))
    assert order[0] == own
    assert sorted(order[1:]) == sorted(strangers)


def test_a_sealed_visit_is_judged_by_its_head(service: Service, clock: Clock) -> None:
    agents_round = make_round(service, clock)
    bundle = attested(agents_round)
    with service.reading() as unit:
        require_plausible(unit, bundle[:2048])
        with pytest.raises(Invalid) as malformed:
            require_plausible(unit, b"CERTIFYV1\n" + bytes(2038))
        assert malformed.value.code == "bundle_malformed"
    agents_round.tablet.seq += MAX_AHEAD
    with service.reading() as unit, pytest.raises(Invalid) as far:
        require_plausible(unit, attested(agents_round)[:2048])
    assert far.value.code == "bundle_out_of_place"
    agents_round.tablet.id = UUID(int=7)
    with service.reading() as unit, pytest.raises(TabletRefused):
        require_plausible(unit, attested(agents_round)[:2048])


@pytest.fixture(scope="module")
def film_mp4(portrait: Any) -> bytes:
    from fixtures import videos  # noqa: PLC0415 - beside its only use

    return videos.encode(videos.moving(portrait, seconds=1.2, rate=10), rate=10, codec="h264")

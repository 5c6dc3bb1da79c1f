"""What people send to a session or for enrolment: a second person in the picture, films of cameras, other files."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from certify.capture.analysis import analyse
from certify.capture.evaluate import evaluate_session
from certify.capture.media import media_type_of
from certify.doorstep.traces import note_face
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference, measure_reference
from certify.service import Service
from certify.storage.tables.people import ReferenceRow
from fixtures import faces, videos
from models.errors import ImageRefused, VideoRefused
from models.media.decoders import InProcess
from models.pipeline import FaceEngine
from tests.certify.capture.sending import begin, put, submit

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def other() -> Any:
    return faces.portraits()["grace_hopper"]


def enrolled(service: Service, engine: FaceEngine, picture: bytes) -> ReferenceRow:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary("TWO001", "Eileen Collins", pension))
        reference = add_reference(unit, person, picture)
    return measure_reference(service, engine, reference)


@pytest.mark.parametrize("size", [1.0, 0.7, 0.55])
def test_attack_an_enrolment_photo_of_two_people_is_refused(
    service: Service, engine: FaceEngine, portrait: Any, other: Any, size: float
) -> None:
    """Whose face is larger is chance: a person must never be enrolled as somebody else."""
    row = enrolled(service, engine, faces.two_faces(other, portrait, second_scale=size))
    assert (row.state, row.guidance[-1]) == ("refused", "several_faces")


def test_a_person_alone_is_enrolled(service: Service, engine: FaceEngine, portrait: Any) -> None:
    assert enrolled(service, engine, faces.encode(portrait)).state == "active"


def test_a_second_person_in_a_selfie_is_told(engine: FaceEngine, portrait: Any, other: Any) -> None:
    for picture in (faces.two_faces(portrait, other, second_scale=0.5), faces.two_faces(portrait, other)):
        assert "several_faces" in analyse(engine, picture, None, None).guidance
    assert "several_faces" not in analyse(engine, faces.encode(portrait), None, None).guidance


def test_a_selfie_beside_a_larger_face_says_why_it_did_not_match(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, other: Any
) -> None:
    session = submit(service, person, faces.two_faces(other, portrait, second_scale=0.5))
    row = evaluate_session(service, engine, session, notice=note_face)
    assert (row.outcome, row.guidance[0]) == ("retry", "several_faces")


FILMS = {
    "video/mp4": ("hevc", "mov"),
    "video/x-msvideo": ("mjpeg", "avi"),
    "video/mp2t": ("mpeg2video", "mpegts"),
    "video/webm": ("vp8", "webm"),
}


@pytest.mark.parametrize("kind", FILMS)
def test_films_of_cameras_are_accepted(kind: str, portrait: Any) -> None:
    codec, container = FILMS[kind]
    form = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    pictures = videos.moving(portrait, seconds=1.2, rate=25, size=(240, 320))
    film = videos.encode(pictures, codec=codec, container=container, rate=25, pixel_format=form)
    assert media_type_of(film, 20_000_000, InProcess()) == kind


def packed() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("film.mp4", bytes(20_000))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packed(), "is_archive"),
        (b"%PDF-1.7\n" + bytes(20_000), "is_pdf"),
        (b"ID3\3" + bytes(20_000), "is_sound"),
        (b"hello " * 4000, "not_a_video"),
    ],
)
def test_the_first_piece_of_an_upload_names_the_file(service: Service, session: UUID, data: bytes, code: str) -> None:
    begin(service, session, data)
    with pytest.raises((ImageRefused, VideoRefused)) as refused:
        put(service, session, 0, data[:16_384])
    assert refused.value.code == code


def test_an_upload_that_broke_off_is_refused_before_it_is_stored(portrait: Any) -> None:
    whole = faces.encode(portrait)
    assert media_type_of(whole[:-2], 20_000_000, InProcess()) == "image/jpeg"
    with pytest.raises(ImageRefused) as refused:
        media_type_of(whole[: len(whole) * 4 // 5], 20_000_000, InProcess())
    assert refused.value.code == "truncated"


def test_a_picture_of_another_kind_is_named_by_the_check(portrait: Any) -> None:
    stream = io.BytesIO()
    Image.fromarray(portrait).save(stream, "JPEG2000")
    with pytest.raises(ImageRefused) as refused:
        media_type_of(stream.getvalue(), 20_000_000, InProcess())
    assert refused.value.code == "is_jpeg2000"

"""Attacks with media that were sent or enrolled before: they certify no one, whatever was done to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest

from certify.approvals.erase import erase
from certify.capture.evaluate import evaluate_session
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.service import Service
from certify.storage.tables.sessions import FacePrintRow, SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.capture.sending import submit

pytestmark = [pytest.mark.integration, pytest.mark.photos_certify]


def _changed(photo: bytes) -> bytes:
    """Mirror, crop, turn and brighten a photo, and code it again."""
    picture = np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), np.uint8)[20:-10, 15:-30][
        :, ::-1
    ]
    rows, columns = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), 3, 1)
    turned = cv2.warpAffine(picture, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    lit = np.clip(turned.astype(np.int16) + 12, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()


def _decide(service: Service, engine: FaceEngine, person: UUID, photo: bytes) -> SessionRow:
    return evaluate_session(service, engine, submit(service, person, photo), notice=note_face)


def _finding(service: Service, row: SessionRow) -> Any:
    with service.reading() as unit:
        return (unit.db.get_one(SessionRow, row.id).report or {})["seen_before"]


def test_attack_the_enrolled_photo_does_not_certify(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    row = _decide(service, engine, person, faces.encode(portrait, quality=80))
    assert (row.outcome, row.guidance) == ("retry", ["film_needed"])
    found = _finding(service, row)
    assert (found["state"], found["by"]) == ("fail", "face")


def test_attack_the_enrolled_photo_mirrored_cropped_turned_and_brightened_does_not_certify(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    row = _decide(service, engine, person, _changed(faces.encode(portrait)))
    assert (row.outcome, _finding(service, row)["by"]) == ("retry", "face")


def test_attack_a_changed_copy_of_a_photo_that_certified_does_not_certify_again(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    photo = faces.rephotograph(portrait, seed=1)
    assert _decide(service, engine, person, photo).outcome == "certified"
    copied = _decide(service, engine, person, _changed(photo))
    assert _finding(service, copied)["state"] == "fail"
    assert copied.certificate_number is None


def test_another_photo_minutes_later_is_no_copy(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    for seed in (1, 2):
        row = _decide(service, engine, person, faces.rephotograph(portrait, seed=seed))
        assert (row.outcome, _finding(service, row)) == ("certified", {"state": "pass"})


def test_attack_an_agent_cannot_show_the_enrolled_photo_at_the_door(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    session = submit(service, person, _changed(faces.encode(portrait)), Channel.DOORSTEP)
    assert evaluate_session(service, engine, session, notice=note_face).outcome != "certified"


def test_references_from_before_prints_were_stored_are_recognised_too(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    with service.unit() as unit:
        unit.db.query(FacePrintRow).delete()
    row = _decide(service, engine, person, _changed(faces.encode(portrait)))
    assert _finding(service, row)["by"] == "face"


def test_prints_are_stored_sealed(service: Service, person: UUID) -> None:
    with service.reading() as unit:
        (row,) = unit.db.query(FacePrintRow).all()
        plain = unit.sealer(person).open(row.sealed, f"face_print:{row.id}")
    assert len(plain) == 1 + 112 * 112
    assert plain[100:200] not in row.sealed


def test_prints_go_with_the_person(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    _decide(service, engine, person, faces.rephotograph(portrait, seed=1))
    with service.unit() as unit:
        assert unit.db.query(FacePrintRow).count() == 2
        erase(unit, person)
        assert unit.db.query(FacePrintRow).count() == 0

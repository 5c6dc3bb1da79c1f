"""Attacks with a picture: no step from a published portrait to a certificate or to the person's own pages succeeds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.auth import COOKIE, DEVICE_HEADER
from certify.capture.evaluate import evaluate_session
from certify.decision.record import NewRecord, record
from certify.doorstep.traces import note_face
from certify.messages.outbox import Body, open_body
from certify.people.access import new_link
from certify.people.contact import CHANGE_WAITS, Contact, contact_of, set_contact
from certify.people.possession import CONFIRMED_FOR
from certify.service import Service
from certify.storage.passes import open_audits
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import BORN, OTHER, PHONE, new_key, post, sign_in_by_link
from tests.certify.messages.people import messages, with_ways
from tests.conftest import Clock
from tests.films import film_session

pytestmark = pytest.mark.integration

OLD_NUMBER, NEW_NUMBER, OLD_MAIL = "+8613800138000", "+8613911139111", "eileen@example.org"


@pytest.fixture
def service(service: Service) -> Service:
    """A service that sends text messages and e-mails, and draws each certificate without possession for the audit."""
    settings = service.settings.model_copy(update={"audit_share_no_possession": 1.0})
    return with_ways(replace(service, settings=settings), "sms", "email")


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


@pytest.fixture
def known(service: Service, person: UUID, clock: Clock) -> UUID:
    """The same person, whose telephone and e-mail an officer entered a minute ago."""
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone=OLD_NUMBER, email=OLD_MAIL))
    clock.advance(timedelta(minutes=1))  # a face that was recognised before such a change signs no one in
    return person


def _knock(pages: TestClient, device: str = PHONE) -> dict[str, Any]:
    body = {"national_id": "TEST0001", "birth_date": BORN, "device_id": device, "consent": True}
    answer = post(pages, "/v1/knock/sessions", body, device=device)
    assert answer.status_code == 201, answer.text
    opened: dict[str, Any] = answer.json()
    return opened


def _send(
    pages: TestClient, service: Service, engine: FaceEngine, opened: dict[str, Any], media: bytes, device: str = PHONE
) -> SessionRow:
    path = f"/v1/sessions/{opened['session']['id']}/media"
    headers = {"Authorization": f"Bearer {opened['token']}", DEVICE_HEADER: device, "Idempotency-Key": new_key()}
    assert pages.post(path, content=media, headers=headers | {"Content-Type": "image/jpeg"}).status_code == 202
    return evaluate_session(service, engine, UUID(opened["session"]["id"]), notice=note_face)


def _access(pages: TestClient, opened: dict[str, Any], device: str = PHONE) -> Response:
    path = f"/v1/knock/sessions/{opened['session']['id']}/access"
    return post(pages, path, {"device_id": device, "remember": True}, device=device, token=opened["token"])


def _enter_by_face(pages: TestClient, service: Service, engine: FaceEngine, film: bytes) -> None:
    """Sign in as one who knows the numbers and passes the check of life, perhaps with a forged film."""
    opened = _knock(pages)
    assert film_session(service, engine, UUID(opened["session"]["id"]), film).outcome == "certified"
    assert _access(pages, opened).status_code == 200


def _sent(service: Service, kind: str) -> list[Body]:
    rows = [row for row in messages(service) if row.kind == kind]
    with service.reading() as unit:
        return [open_body(unit, row.id, row.beneficiary_id, row.sealed or b"") for row in rows]


def _avatar(portrait: Any) -> bytes:
    small = cv2.resize(portrait, (160, 160), interpolation=cv2.INTER_AREA)
    return faces.encode(np.ascontiguousarray(small).astype(np.uint8, copy=False), quality=60)


PICTURES: dict[str, Callable[[Any], bytes]] = {
    "the published portrait": lambda portrait: faces.encode(portrait, quality=85),
    "the very enrolment photo": faces.encode,
    "an avatar of 160 pixels": _avatar,
    "a new photo of the picture": lambda portrait: faces.rephotograph(portrait, seed=1),
}


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_gives_neither_a_certificate_nor_the_account(
    picture: str, pages: TestClient, service: Service, engine: FaceEngine, person: UUID, collins: Any
) -> None:
    opened = _knock(pages)
    row = _send(pages, service, engine, opened, PICTURES[picture](collins))
    assert (row.outcome, row.certificate_number) == ("retry", None)
    refused = _access(pages, opened)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert COOKIE not in refused.headers.get("set-cookie", "")
    assert pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 401
    for path, body in (
        ("contact", {"phone": NEW_NUMBER}),
        ("consent", {"given": False}),
        ("visit", {"wanted_on": "2026-05-01", "part": "morning"}),
        ("appeal", None),
    ):
        assert post(pages, f"/v1/me/{path}", body).status_code == 401, path


def test_a_person_who_sends_a_photo_is_asked_for_a_film(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, collins: Any
) -> None:
    row = _send(pages, service, engine, _knock(pages), faces.rephotograph(collins, seed=1))
    assert (row.outcome, row.guidance, row.attempts_left) == ("retry", ["film_needed"], 2)


def test_the_challenge_of_the_light_profile_cannot_be_skipped_by_a_photo(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, collins: Any
) -> None:
    # A device that asks again gets its own session again; the sessions of five other devices are what looks like fraud.
    for number in range(5):
        strange = _knock(pages, f"stranger-{number:032}")["session"]
        assert (strange["profile"], len(strange["plan"]["flashes"])) == ("light", 6), "no phone is known"
    opened = _knock(pages)
    assert len(opened["session"]["plan"]["flashes"]) == 7
    row = _send(pages, service, engine, opened, faces.rephotograph(collins, seed=1))
    assert (row.outcome, row.certificate_number, row.guidance) == ("retry", None, ["film_needed"])


def test_the_same_photo_again_from_another_phone_is_refused(
    pages: TestClient, service: Service, engine: FaceEngine, known: UUID, collins: Any
) -> None:
    photo = faces.rephotograph(collins, seed=1)
    _send(pages, service, engine, _knock(pages), photo)
    again = _send(pages, service, engine, _knock(pages, OTHER), photo, OTHER)
    assert (again.outcome, again.guidance) == ("retry", ["film_needed"])


def test_a_photo_from_a_signed_in_phone_proves_only_with_a_record_of_the_body(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, collins: Any
) -> None:
    sign_in_by_link(pages, service, person)
    first = _send(
        pages, service, engine, post(pages, "/v1/me/sessions", {}).json(), faces.rephotograph(collins, seed=1)
    )
    assert first.outcome == "retry"
    with service.unit() as unit:
        claim = NewRecord(
            source="insurer",
            record_id="1",
            event_at=unit.now - timedelta(days=20),
            act="medical_insurance_claim",
        )
        record(unit, person, claim)
    page = pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()
    assert page["headline"] == "certified", "the photo that was sent before now counts together with the record"
    second = _send(
        pages, service, engine, post(pages, "/v1/me/sessions", {}).json(), faces.rephotograph(collins, seed=2)
    )
    assert second.outcome == "certified"


def test_a_session_that_staff_opened_gives_no_account(
    world: World, pages: TestClient, person: UUID, film: bytes
) -> None:
    phone, result = world.film(str(person), film)
    assert result["outcome"] == "certified"
    path = f"/v1/knock/sessions/{result['id']}/access"
    assert post(pages, path, {"device_id": PHONE}, token=phone.token or "").status_code == 403


def test_a_face_without_possession_changes_nothing_that_protects_the_person(
    pages: TestClient, service: Service, engine: FaceEngine, known: UUID, film: bytes
) -> None:
    with service.unit() as unit:
        stay = NewRecord(source="hospital", record_id="1", event_at=unit.now - timedelta(days=40), act="hospital_stay")
        sign, _ = record(unit, known, stay)
    _enter_by_face(pages, service, engine, film)
    page = pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()
    assert page["headline"] == "certified"
    # The certificate says that the known telephone was not used, is short, and is among those that are audited.
    certificate = pages.get(f"/v1/certificates/{page['certificate']}", headers={DEVICE_HEADER: PHONE}).json()
    assert certificate["content"]["assurance"]["value"] in ("face+liveness", "records")
    with service.reading() as unit:
        (audit,) = open_audits(unit.db, limit=9)
        assert (audit.beneficiary_id, audit.cause) == (known, "no_possession")
    for path, body in (
        ("contact", {"phone": NEW_NUMBER, "email": OLD_MAIL}),
        ("contact", {"phone": OLD_NUMBER, "email": None}),
        ("contact/keep", None),
        ("consent", {"given": False}),
        ("appeal", None),
        (f"receipts/{sign}/not-me", None),
    ):
        answer = post(pages, f"/v1/me/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "possession_required"), path
    with service.reading() as unit:
        assert contact_of(unit, known) == Contact(phone=OLD_NUMBER, email=OLD_MAIL)
    assert messages(service) == []


def test_a_film_without_the_known_telephone_is_valid_for_three_months(
    pages: TestClient, service: Service, engine: FaceEngine, known: UUID, film: bytes, hopper: Any
) -> None:
    _enter_by_face(pages, service, engine, film)
    page = pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()
    assert page["valid_until"] == date(2026, 6, 2).isoformat()
    # The phone is not known by it: the next film on it that was not the person is told to the person.
    assert _sent(service, "attempt") == []
    _send(pages, service, engine, _knock(pages), faces.rephotograph(hopper, seed=1))
    assert [body.phone or body.email for body in _sent(service, "attempt")] == [OLD_NUMBER]


def test_a_code_goes_to_the_old_contact_which_is_told_and_can_undo_the_change(
    pages: TestClient, service: Service, engine: FaceEngine, known: UUID, film: bytes, clock: Clock
) -> None:
    _enter_by_face(pages, service, engine, film)
    assert post(pages, "/v1/me/codes", None).status_code == 202
    (code,) = _sent(service, "code")
    assert code.phone == OLD_NUMBER
    digits = re.findall(r"\b\d{6}\b", code.text)[0]
    wrong = str((int(digits) + 1) % 10**6).zfill(6)
    assert post(pages, "/v1/me/codes/redeem", {"code": wrong}).status_code == 401
    assert post(pages, "/v1/me/codes/redeem", {"code": digits}).status_code == 200

    changed = post(pages, "/v1/me/contact", {"phone": NEW_NUMBER, "email": None}).json()
    assert (changed["phone"], changed["email"]) == (OLD_NUMBER, OLD_MAIL), "the old ones are used for seven days"
    assert changed["change"]["phone"] == NEW_NUMBER
    told = _sent(service, "contact_change")
    assert {(body.phone, body.email) for body in told} == {(OLD_NUMBER, None), (None, OLD_MAIL)}
    clock.advance(timedelta(minutes=16))
    assert post(pages, "/v1/me/codes", None).status_code == 202
    assert {body.phone for body in _sent(service, "code")} == {OLD_NUMBER}

    # The real person opens the link of the message on another phone, and keeps the old number.
    secret = (told[0].link or "").split("#l=")[1]
    pages.cookies.clear()
    body = {"secret": secret, "birth_date": BORN, "device_id": OTHER}
    assert post(pages, "/v1/knock/links/redeem", body, device=OTHER).status_code == 200
    assert pages.get("/v1/me", headers={DEVICE_HEADER: OTHER}).json()["contact_change"] is not None
    kept = post(pages, "/v1/me/contact/keep", None, device=OTHER).json()
    assert (kept["phone"], kept["change"]) == (OLD_NUMBER, None)
    clock.advance(CHANGE_WAITS)
    with service.reading() as unit:
        assert contact_of(unit, known).phone == OLD_NUMBER


def test_a_change_that_no_one_undoes_is_used_after_seven_days(
    pages: TestClient, service: Service, known: UUID, clock: Clock
) -> None:
    sign_in_by_link(pages, service, known)
    assert post(pages, "/v1/me/contact", {"phone": NEW_NUMBER, "email": OLD_MAIL}).status_code == 200
    clock.advance(CHANGE_WAITS - timedelta(seconds=1))
    with service.reading() as unit:
        assert contact_of(unit, known).phone == OLD_NUMBER
    clock.advance(timedelta(seconds=1))
    with service.reading() as unit:
        assert contact_of(unit, known) == Contact(phone=NEW_NUMBER, email=OLD_MAIL)
    # An officer's entry is used at once, and takes the place of a change that waits.
    with service.unit() as unit:
        set_contact(unit, known, Contact(phone=OLD_NUMBER))
        assert contact_of(unit, known).phone == OLD_NUMBER


def test_a_sign_in_by_link_of_long_ago_protects_like_none(
    pages: TestClient, service: Service, known: UUID, clock: Clock
) -> None:
    """A phone that stayed signed in may lie about: its holder reads, and changes nothing that protects."""
    with service.unit() as unit:
        secret = new_link(unit, known, timedelta(days=60))
    body = {"secret": secret, "birth_date": BORN, "device_id": PHONE, "remember": True}
    assert post(pages, "/v1/knock/links/redeem", body).status_code == 200
    clock.advance(CONFIRMED_FOR)
    assert pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 200
    assert post(pages, "/v1/me/appeal", None).json()["code"] == "possession_required"
    # Quiet hours and language protect no one; they change without a code.
    same = {"phone": OLD_NUMBER, "email": OLD_MAIL, "language": "fr", "quiet_from": 20}
    assert post(pages, "/v1/me/contact", same).status_code == 200


@pytest.mark.parametrize("act", ["consent", "appeal", "not_me"])
def test_what_is_done_with_a_link_is_told_to_every_known_contact(
    act: str, pages: TestClient, service: Service, known: UUID
) -> None:
    with service.unit() as unit:
        set_contact(unit, known, Contact(phone=OLD_NUMBER, email=OLD_MAIL, reminders=False, quiet_from=0, quiet_to=23))
        stay = NewRecord(
            source="hospital", record_id="1", event_at=datetime(2026, 2, 1, tzinfo=UTC), act="hospital_stay"
        )
        sign, _ = record(unit, known, stay)
    sign_in_by_link(pages, service, known)
    path, body, status, kind = {
        "consent": ("consent", {"given": False}, 200, "consent_withdrawn"),
        "appeal": ("appeal", None, 201, "appeal_opened"),
        "not_me": (f"receipts/{sign}/not-me", None, 201, "record_denied"),
    }[act]
    for _ in range(2):
        assert post(pages, f"/v1/me/{path}", body).status_code == status
    assert {(told.phone, told.email) for told in _sent(service, kind)} == {(OLD_NUMBER, None), (None, OLD_MAIL)}
    assert len(messages(service)) == 2, "the same act twice is told once"


def test_without_a_known_contact_no_code_can_be_sent(pages: TestClient, service: Service, person: UUID) -> None:
    sign_in_by_link(pages, service, person)
    answer = post(pages, "/v1/me/codes", None)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_contact")

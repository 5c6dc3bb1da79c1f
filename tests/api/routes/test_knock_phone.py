"""The second year on a known phone: no number is typed, and the key of the phone is what counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from certify.capture.known_phone import open_on_known_phone
from certify.capture.session import open_session
from certify.domain.channels import Channel
from certify.errors import NotFound
from certify.people.consent import set_consent
from certify.people.contact import Contact, set_contact
from certify.service import Service
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import OTHER, PHONE, post, sign_in_by_link
from tests.conftest import Clock
from tests.films import film_session

pytestmark = pytest.mark.integration

KEY = "thumbprint-of-the-phone"


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


def _certify(service: Service, engine: FaceEngine, person: UUID, film: bytes, *, key: str | None = KEY) -> None:
    """Certify once after a code, so that the phone becomes known."""
    with service.unit() as unit:
        session = open_session(unit, person, Channel.REMOTE, device_id=PHONE, device_key=key, confirmed=True)
        session_id = session.id
    assert film_session(service, engine, session_id, film).outcome == "certified"


def _again(service: Service, *, key: str | None = KEY, device: str = PHONE) -> SessionRow:
    with service.unit() as unit:
        return open_on_known_phone(unit, device_id=device, device_key=key, assisted=False)


def test_the_second_year_needs_no_number(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Clock
) -> None:
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
    _certify(service, engine, person, film)
    clock.advance(timedelta(days=330))
    row = _again(service)
    assert (row.beneficiary_id, row.decoy, row.possession) == (person, None, "shown")
    assert row.public_entry, "it shows no life yet, and is no sign-in"
    assert "risk:new_device" not in (row.plan or {})["because"]
    assert _again(service).id == row.id, "asking again gives the same session"


@pytest.mark.parametrize(("key", "device"), [(None, PHONE), ("another key", PHONE), (None, OTHER)])
def test_attack_the_name_of_a_phone_without_its_key(
    key: str | None, device: str, service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    _certify(service, engine, person, film)
    with pytest.raises(NotFound) as refused:
        _again(service, key=key, device=device)
    assert refused.value.code == "phone_unknown"


def test_attack_a_phone_that_only_saw_a_face_is_not_known(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    """A forged film must not make the forger's phone the one that needs no number."""
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
        row = open_session(unit, person, Channel.REMOTE, device_id=OTHER, device_key=KEY)
        session = row.id
    film_session(service, engine, session, film)
    with pytest.raises(NotFound):
        _again(service)


def test_a_phone_is_forgotten_by_its_person(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    _certify(service, engine, person, film)
    sign_in_by_link(pages, service, person)
    assert post(pages, "/v1/me/phones/forget", {}).status_code == 202
    with pytest.raises(NotFound):
        _again(service)


def test_who_withdrew_the_consent_is_not_filmed_without_a_word(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    """As at the door: the session takes a film and does not succeed, and a visit that is wished for is theirs."""
    _certify(service, engine, person, film)
    with service.unit() as unit:
        set_consent(unit, person, given=False)
    row = _again(service)
    assert row.decoy is not None
    assert row.named_id == person


def test_without_a_proof_the_answer_is_the_same_for_every_phone(pages: TestClient) -> None:
    answer = post(pages, "/v1/knock/phone/sessions", {"device_id": PHONE, "consent": True})
    assert (answer.status_code, answer.json()["code"]) == (404, "phone_unknown")

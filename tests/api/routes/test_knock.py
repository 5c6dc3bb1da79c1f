"""Sign-in: answers do not reveal who receives a pension, and only a face, a code or a letter opens own pages."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from api.auth import COOKIE, DEVICE_HEADER
from api.routes.knock import BEAT_S
from certify.approvals.erase import erase
from certify.people.access import CODES_AT_ONCE, device_mark, new_code, new_link
from certify.people.consent import TEXT_VERSION, set_consent
from certify.people.contact import Contact, set_contact
from certify.service import Service
from certify.storage.people import DECOY_PERSON, list_beneficiaries
from certify.storage.tables.messages import MessageRow
from certify.storage.tables.people import ConsentRow
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import BORN, OTHER, PHONE, knock, post, send_photo, shape
from tests.conftest import Clock
from tests.films import film_session

pytestmark = pytest.mark.integration


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


def test_known_and_unknown_numbers_get_the_same_answers(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, hopper: Any
) -> None:
    """Until all attempts are used up, an impostor sees the same with a real number and with an invented one."""
    seen: dict[str, list[Any]] = {}
    for seed, number in ((0, "TEST0001"), (10, "MADE-UP-01")):
        story = seen.setdefault(number, [])
        for attempt in range(4):
            answer = knock(pages, number)
            story.append((answer.status_code, shape(answer.json()) if answer.status_code == 201 else answer.json()))
            if answer.status_code != 201:
                break
            result = send_photo(pages, service, engine, answer.json(), faces.rephotograph(hopper, seed=seed + attempt))
            story.append((shape(result), result["outcome"], result["attempts_left"], result["beneficiary_id"]))
            token = answer.json()["token"]
            story.append(
                post(pages, f"/v1/knock/sessions/{result['id']}/access", {"device_id": PHONE}, token=token).json()
            )
            day = (service.clock() + timedelta(days=5)).date().isoformat()
            wish = {"wanted_on": day, "part": "morning"}
            visit = post(pages, f"/v1/knock/sessions/{result['id']}/visit", wish, token=token)
            story.append((visit.status_code, shape(visit.json())))
    known, made_up = seen.values()
    assert known == made_up
    outcomes = [entry[1] for entry in known if len(entry) == 4 and isinstance(entry, tuple)]
    assert outcomes == ["retry", "retry", "doorstep"]
    assert known[-1][1]["code"] == "attempts_used_up"


def test_answers_name_no_person(pages: TestClient, service: Service, person: UUID) -> None:
    for number in ("TEST0001", "MADE-UP-01"):
        opened = knock(pages, number).json()
        claims = json.loads(base64.urlsafe_b64decode(opened["token"].split(".")[1] + "=="))
        assert claims["sub"] == claims["sid"] == opened["session"]["id"]
        assert opened["session"]["beneficiary_id"] is None
        assert str(person) not in json.dumps(opened) + json.dumps(claims)
        assert str(DECOY_PERSON) not in json.dumps(opened) + json.dumps(claims)
    with service.reading() as unit:
        assert [row.id for row in list_beneficiaries(unit.db, after=None, limit=9)] == [person], (
            "lists leave out the row that decoy sessions belong to"
        )


@pytest.mark.parametrize("number", ["TEST0001", "MADE-UP-01"])
def test_every_answer_waits_for_the_beat(
    number: str, pages: TestClient, person: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """test_pace.py checks with a simulated clock that beats continue however long the work takes."""
    monkeypatch.setattr("api.routes.knock.BEAT_S", BEAT_S)
    who, phone = {"national_id": number, "birth_date": BORN}, {"device_id": PHONE}

    def answered(path: str, body: dict[str, Any], status: int, *, token: str = "") -> Any:
        begin = time.perf_counter()
        answer = post(pages, f"/v1/knock/{path}", body, token=token)
        assert answer.status_code == status
        assert time.perf_counter() - begin >= BEAT_S, path
        return answer.json()

    answered("sessions", {**who, **phone, "consent": True}, 201)
    opened = answered("sessions", {**who, **phone, "consent": True}, 201)
    wish = {"wanted_on": "2026-04-01", "part": "morning"}
    answered(f"sessions/{opened['session']['id']}/visit", wish, 409, token=opened["token"])
    answered("codes", {**who, **phone}, 202)
    answered("codes/redeem", {**who, **phone, "code": "000000"}, 401)
    answered("links/redeem", {**phone, "secret": "unknown-secret", "birth_date": BORN}, 401)


@pytest.mark.parametrize("why", ["wrong birth date", "no reference", "erased", "consent withdrawn"])
def test_people_who_cannot_sign_in_with_the_face_get_a_decoy_session(
    why: str, pages: TestClient, service: Service, world: World, collins: Any
) -> None:
    born = BORN
    if why == "no reference":
        pension = {"scheme": "employee", "starts_on": "2015-01-01"}
        body = {"national_id": "TEST0001", "name": "E", "birth_date": BORN, "entitlements": [pension]}
        world.enroller.post("/v1/beneficiaries", body)
    else:
        person = world.enrol(faces.encode(collins))
        if why == "erased":
            with service.unit() as unit:
                erase(unit, UUID(person))
        elif why == "consent withdrawn":
            with service.unit() as unit:
                set_consent(unit, UUID(person), given=False)
        else:
            born = "1950-11-20"
    answer = knock(pages, born=born)
    assert answer.status_code == 201
    with service.reading() as unit:
        row = unit.db.scalars(select(SessionRow)).one()
        assert row.beneficiary_id == DECOY_PERSON
        assert unit.db.scalars(select(ConsentRow).where(ConsentRow.given)).all() == []


def test_impossible_identifiers_are_refused(pages: TestClient, person: UUID) -> None:
    for body in ({"national_id": " "}, {"national_id": "TEST0001", "card_number": "X"}, {}):
        whole = {**body, "birth_date": BORN, "device_id": PHONE, "consent": True}
        assert post(pages, "/v1/knock/sessions", whole).status_code == 422
    assert knock(pages, consent=False).status_code == 422


def test_a_strangers_statement_is_no_consent_of_the_person(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes, hopper: Any
) -> None:
    """The consent that a caller states is kept with the session, and counts from the moment of recognition."""

    def consents() -> list[tuple[UUID, bool, bool]]:
        with service.reading() as unit:
            return [(row.beneficiary_id, row.given, row.assisted) for row in unit.db.scalars(select(ConsentRow))]

    opened = knock(pages, assisted=True).json()
    with service.reading() as unit:
        row = unit.db.scalars(select(SessionRow)).one()
        assert (row.consent_version, row.assisted) == (TEXT_VERSION, True)
    send_photo(pages, service, engine, opened, faces.rephotograph(hopper, seed=1))
    assert consents() == []
    opened = knock(pages, assisted=True).json()
    assert film_session(service, engine, UUID(opened["session"]["id"]), film).outcome == "certified"
    assert consents() == [(person, True, True)]


def test_a_token_is_good_on_its_device_only(pages: TestClient, person: UUID) -> None:
    opened = knock(pages).json()
    path = f"/v1/sessions/{opened['session']['id']}"
    for device, status in ((PHONE, 200), (OTHER, 401), (None, 401)):
        headers = {"Authorization": f"Bearer {opened['token']}"} | ({DEVICE_HEADER: device} if device else {})
        assert pages.get(path, headers=headers).status_code == status
    with pages.websocket_connect(f"{path}/live") as socket:
        hello = {"type": "hello", "token": opened["token"], "nonce": opened["session"]["nonce"], "device": OTHER}
        socket.send_json(hello)
        assert socket.receive_json()["problem"]["code"] == "token_refused"


def test_a_person_recognised_by_the_face_can_sign_in(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    opened = knock(pages, assisted=True).json()
    session = opened["session"]["id"]
    early = post(pages, f"/v1/knock/sessions/{session}/access", {"device_id": PHONE}, token=opened["token"])
    assert early.status_code == 403
    assert film_session(service, engine, UUID(session), film).outcome == "certified"
    with service.reading() as unit:
        consent = unit.db.scalars(select(ConsentRow)).one()
        assert (consent.beneficiary_id, consent.given, consent.assisted) == (person, True, True)
    answer = post(pages, f"/v1/knock/sessions/{session}/access", {"device_id": PHONE}, token=opened["token"])
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    assert "Domain" not in cookie
    page = pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()
    assert page["headline"] == "certified"
    assert page["name"] == "Eileen Collins"
    assert pages.get(f"/v1/certificates/{page['certificate']}/qr", headers={DEVICE_HEADER: PHONE}).status_code == 200
    assert pages.get("/v1/me", headers={DEVICE_HEADER: OTHER}).status_code == 401
    assert pages.get("/v1/me").status_code == 401, "pages of other sites cannot send the header"
    elsewhere = {DEVICE_HEADER: PHONE, "Origin": "https://elsewhere.example"}
    assert pages.get("/v1/me", headers=elsewhere).status_code == 403
    post(pages, "/v1/knock/sign-out", None)
    assert pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 401


def test_a_link_opens_once_or_again_on_the_same_phone(
    pages: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    with service.unit() as unit:
        secret = new_link(unit, person, timedelta(days=60))

    def redeem(device: str) -> int:
        body = {"secret": secret, "birth_date": BORN, "device_id": device}
        return post(pages, "/v1/knock/links/redeem", body, device=device).status_code

    assert redeem(PHONE) == 200
    assert redeem(PHONE) == 200, "the first answer may have been lost"
    assert redeem(OTHER) == 401
    clock.advance(timedelta(minutes=11))
    assert redeem(PHONE) == 401


def test_a_code_signs_in_once_and_expires(pages: TestClient, service: Service, person: UUID, clock: Clock) -> None:
    who = {"national_id": "TEST0001", "birth_date": BORN}
    for number in ("TEST0001", "MADE-UP-01"):
        answer = post(pages, "/v1/knock/codes", {**who, "national_id": number, "device_id": PHONE})
        assert (answer.status_code, answer.json()) == (202, {"accepted": True})
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
        code = new_code(unit, person, device=device_mark(PHONE))
    assert code is not None
    wrong = f"{(int(code) + 1) % 10**6:06}"

    def redeem(digits: str, **more: Any) -> Response:
        return post(pages, "/v1/knock/codes/redeem", {**who, "code": digits, "device_id": PHONE, **more})

    refused = redeem(wrong)
    unknown = redeem(code, national_id="MADE-UP-01")
    assert refused.status_code == unknown.status_code == 401
    assert refused.json() == unknown.json()
    assert redeem(code, remember=True).status_code == 200
    assert pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 200
    assert (
        post(pages, "/v1/knock/codes/redeem", {**who, "code": code, "device_id": OTHER}, device=OTHER).status_code
        == 401
    )
    with service.unit() as unit:
        codes = [new_code(unit, person, device=device_mark(PHONE)) for _ in range(CODES_AT_ONCE)]
        assert codes[-1] is None, "more open codes would help an attacker who guesses"
        late = codes[0]
    clock.advance(timedelta(minutes=16))
    assert redeem(str(late)).status_code == 401


def test_no_message_is_stored_without_a_way_to_send(pages: TestClient, service: Service, person: UUID) -> None:
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
    who = {"national_id": "TEST0001", "birth_date": BORN, "device_id": PHONE}
    asked = post(pages, "/v1/knock/codes", who)
    assert (asked.status_code, asked.json()) == (202, {"accepted": True})
    with service.reading() as unit:
        assert unit.db.scalars(select(MessageRow)).all() == [], "without a sender, no message is stored"

"""At the door: nobody learns there who receives a pension, and nobody comes in without a face, a code or a letter."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from api.app import create_app
from api.auth import COOKIE, DEVICE_HEADER
from api.limits import DEVICE, PERSON, SignInLimits
from api.routes.knock import BEAT_S
from certify.capture.session import evaluate_session
from certify.doorstep.traces import note_face
from certify.erase import erase
from certify.people.access import CODE_TRIES, new_code, new_link
from certify.people.consent import KEPT_AFTER_WITHDRAWAL, purge_withdrawn, set_consent
from certify.people.contact import Contact, contact_of, set_contact
from certify.service import Service
from certify.storage.people import STRANGER, list_beneficiaries, references_of
from certify.storage.tables.messages import MessageRow
from certify.storage.tables.people import AccessCodeRow, ConsentRow
from certify.storage.tables.service import IdempotencyRow
from certify.storage.tables.sessions import SessionRow
from certify.tokens import Role
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.conftest import Clock

pytestmark = pytest.mark.integration

PHONE = "b1946ac92492d2347c6235b4d2611184"
OTHER = "0cc175b9c0f1b6a831c399e269772661"
BORN = "1950-11-19"


@pytest.fixture
def door(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client that keeps cookies as a browser does, which sends secure ones over HTTPS only."""
    monkeypatch.setattr("api.routes.knock.BEAT_S", 0.0)  # the test of the beat sets it again
    with TestClient(create_app(service=service), base_url="https://testserver") as client:
        yield client


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


_turn = iter(range(10**6))


def _post(
    door: TestClient, path: str, body: dict[str, Any] | None, *, device: str = PHONE, token: str = ""
) -> Response:
    headers = {DEVICE_HEADER: device, "Idempotency-Key": f"door-{next(_turn):08}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return door.post(path, json=body, headers=headers)


def _knock(door: TestClient, number: str = "TEST0001", *, born: str = BORN, **more: Any) -> Response:
    body = {"national_id": number, "birth_date": born, "device_id": PHONE, "consent": True, **more}
    return _post(door, "/v1/knock/sessions", body)


def _shape(value: Any) -> Any:
    """Reduce an answer to what it is made of: names, types, and nothing that chance decides."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value[:1]]
    return type(value).__name__


def _film(
    door: TestClient, service: Service, engine: FaceEngine, opened: dict[str, Any], photo: bytes
) -> dict[str, Any]:
    session, token = opened["session"]["id"], opened["token"]
    headers = {"Authorization": f"Bearer {token}", DEVICE_HEADER: PHONE, "Idempotency-Key": f"film-{next(_turn):08}"}
    sent = door.post(f"/v1/sessions/{session}/media", content=photo, headers=headers | {"Content-Type": "image/jpeg"})
    assert sent.status_code == 202, sent.text
    evaluate_session(service, engine, UUID(session), notice=note_face)
    answer: dict[str, Any] = door.get(f"/v1/sessions/{session}", headers=headers).json()
    return answer


def test_strangers_get_the_same_answers_to_the_end(
    door: TestClient, service: Service, engine: FaceEngine, person: UUID, hopper: Any
) -> None:
    """Until all attempts are used up, an impostor with a real number and somebody with a made-up one see the same."""
    seen: dict[str, list[Any]] = {}
    for number in ("TEST0001", "MADE-UP-01"):
        story = seen.setdefault(number, [])
        for attempt in range(4):
            answer = _knock(door, number)
            story.append((answer.status_code, _shape(answer.json()) if answer.status_code == 201 else answer.json()))
            if answer.status_code != 201:
                break
            result = _film(door, service, engine, answer.json(), faces.rephotograph(hopper, seed=attempt))
            story.append((_shape(result), result["outcome"], result["attempts_left"], result["beneficiary_id"]))
            token = answer.json()["token"]
            story.append(
                _post(door, f"/v1/knock/sessions/{result['id']}/access", {"device_id": PHONE}, token=token).json()
            )
            day = (service.clock() + timedelta(days=5)).date().isoformat()
            wish = {"wanted_on": day, "part": "morning"}
            visit = _post(door, f"/v1/knock/sessions/{result['id']}/visit", wish, token=token)
            story.append((visit.status_code, _shape(visit.json())))
    known, made_up = seen.values()
    assert known == made_up
    outcomes = [entry[1] for entry in known if len(entry) == 4 and isinstance(entry, tuple)]
    assert outcomes == ["retry", "retry", "doorstep"]
    assert known[-1][1]["code"] == "attempts_used_up"


def test_nothing_in_an_answer_names_anybody(door: TestClient, service: Service, person: UUID) -> None:
    for number in ("TEST0001", "MADE-UP-01"):
        opened = _knock(door, number).json()
        claims = json.loads(base64.urlsafe_b64decode(opened["token"].split(".")[1] + "=="))
        assert claims["sub"] == claims["sid"] == opened["session"]["id"]
        assert opened["session"]["beneficiary_id"] is None
        assert str(person) not in json.dumps(opened) + json.dumps(claims)
        assert str(STRANGER) not in json.dumps(opened) + json.dumps(claims)
    with service.reading() as unit:
        assert [row.id for row in list_beneficiaries(unit.db, after=None, limit=9)] == [person], "nobody is on no list"


@pytest.mark.parametrize("number", ["TEST0001", "MADE-UP-01"])
def test_every_answer_waits_for_the_beat(
    number: str, door: TestClient, person: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That beats go on however long the work takes is tried with a clock of its own in test_pace.py."""
    monkeypatch.setattr("api.routes.knock.BEAT_S", BEAT_S)
    who, phone = {"national_id": number, "birth_date": BORN}, {"device_id": PHONE}

    def answered(path: str, body: dict[str, Any], status: int, *, token: str = "") -> Any:
        begin = time.perf_counter()
        answer = _post(door, f"/v1/knock/{path}", body, token=token)
        assert answer.status_code == status
        assert time.perf_counter() - begin >= BEAT_S, path
        return answer.json()

    answered("sessions", {**who, **phone, "consent": True}, 201)
    opened = answered("sessions", {**who, **phone, "consent": True}, 201)
    wish = {"wanted_on": "2026-04-01", "part": "morning"}
    answered(f"sessions/{opened['session']['id']}/visit", wish, 409, token=opened["token"])
    answered("codes", who, 202)
    answered("codes/redeem", {**who, **phone, "code": "000000"}, 401)
    answered("links/redeem", {**phone, "secret": "nobodys-secret"}, 401)


@pytest.mark.parametrize("why", ["wrong birth date", "no reference", "erased", "consent withdrawn"])
def test_people_who_cannot_come_in_this_way_look_like_nobody(
    why: str, door: TestClient, service: Service, world: World, collins: Any
) -> None:
    born = BORN
    if why == "no reference":
        pension = {"scheme": "employee", "starts_on": "2015-01-01"}
        body = {"national_id": "TEST0001", "name": "E", "birth_date": BORN, "entitlements": [pension]}
        world.machine.post("/v1/beneficiaries", body)
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
    answer = _knock(door, born=born)
    assert answer.status_code == 201
    with service.reading() as unit:
        row = unit.db.scalars(select(SessionRow)).one()
        assert row.beneficiary_id == STRANGER
        assert unit.db.scalars(select(ConsentRow).where(ConsentRow.given)).all() == []


def test_a_number_that_cannot_be_is_refused_alike(door: TestClient, person: UUID) -> None:
    for body in ({"national_id": " "}, {"national_id": "TEST0001", "card_number": "X"}, {}):
        whole = {**body, "birth_date": BORN, "device_id": PHONE, "consent": True}
        assert _post(door, "/v1/knock/sessions", whole).status_code == 422
    assert _knock(door, consent=False).status_code == 422


def test_consent_is_noted_with_the_first_film(door: TestClient, service: Service, person: UUID) -> None:
    assert _knock(door, assisted=True).status_code == 201
    with service.reading() as unit:
        row = unit.db.scalars(select(ConsentRow)).one()
        assert (row.beneficiary_id, row.given, row.assisted) == (person, True, True)
        assert unit.db.scalars(select(SessionRow)).one().assisted


def test_a_token_counts_on_its_device_only(door: TestClient, person: UUID) -> None:
    opened = _knock(door).json()
    path = f"/v1/sessions/{opened['session']['id']}"
    for device, status in ((PHONE, 200), (OTHER, 401), (None, 401)):
        headers = {"Authorization": f"Bearer {opened['token']}"} | ({DEVICE_HEADER: device} if device else {})
        assert door.get(path, headers=headers).status_code == status
    with door.websocket_connect(f"{path}/live") as socket:
        hello = {"type": "hello", "token": opened["token"], "nonce": opened["session"]["nonce"], "device": OTHER}
        socket.send_json(hello)
        assert socket.receive_json()["problem"]["code"] == "token_refused"


def test_recognised_by_the_face_one_is_signed_in(
    door: TestClient, service: Service, engine: FaceEngine, person: UUID, collins: Any
) -> None:
    opened = _knock(door).json()
    session = opened["session"]["id"]
    early = _post(door, f"/v1/knock/sessions/{session}/access", {"device_id": PHONE}, token=opened["token"])
    assert early.status_code == 403
    result = _film(door, service, engine, opened, faces.rephotograph(collins, seed=3))
    assert result["outcome"] == "certified"
    answer = _post(door, f"/v1/knock/sessions/{session}/access", {"device_id": PHONE}, token=opened["token"])
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    assert "Domain" not in cookie
    page = door.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()
    assert page["headline"] == "certified"
    assert page["name"] == "Eileen Collins"
    assert door.get(f"/v1/certificates/{page['certificate']}/qr", headers={DEVICE_HEADER: PHONE}).status_code == 200
    assert door.get("/v1/me", headers={DEVICE_HEADER: OTHER}).status_code == 401
    assert door.get("/v1/me").status_code == 401, "without the header no page of another site can read it"
    elsewhere = {DEVICE_HEADER: PHONE, "Origin": "https://elsewhere.example"}
    assert door.get("/v1/me", headers=elsewhere).status_code == 403
    _post(door, "/v1/knock/sign-out", None)
    assert door.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 401


def test_a_link_opens_once_or_again_on_the_same_phone(
    door: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    with service.unit() as unit:
        secret = new_link(unit, person, timedelta(days=60))

    def redeem(device: str) -> int:
        body = {"secret": secret, "device_id": device}
        return _post(door, "/v1/knock/links/redeem", body, device=device).status_code

    assert redeem(PHONE) == 200
    assert redeem(PHONE) == 200, "the first answer may have been lost"
    assert redeem(OTHER) == 401
    clock.advance(timedelta(minutes=11))
    assert redeem(PHONE) == 401


def test_codes(door: TestClient, service: Service, person: UUID, clock: Clock) -> None:
    who = {"national_id": "TEST0001", "birth_date": BORN}
    for number in ("TEST0001", "MADE-UP-01"):
        answer = _post(door, "/v1/knock/codes", {**who, "national_id": number})
        assert (answer.status_code, answer.json()) == (202, {"accepted": True})
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
        code = new_code(unit, person)
    assert code is not None
    wrong = f"{(int(code) + 1) % 10**6:06}"

    def redeem(digits: str, **more: Any) -> Response:
        return _post(door, "/v1/knock/codes/redeem", {**who, "code": digits, "device_id": PHONE, **more})

    refused = redeem(wrong)
    unknown = redeem(code, national_id="MADE-UP-01")
    assert refused.status_code == unknown.status_code == 401
    assert refused.json() == unknown.json()
    assert redeem(code, remember=True).status_code == 200
    assert door.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 200
    assert (
        _post(door, "/v1/knock/codes/redeem", {**who, "code": code, "device_id": OTHER}, device=OTHER).status_code
        == 401
    )
    with service.unit() as unit:
        codes = [new_code(unit, person) for _ in range(CODE_TRIES)]
        assert codes[-1] is None, "more open codes would help whoever guesses"
        late = codes[0]
    clock.advance(timedelta(minutes=16))
    assert redeem(str(late)).status_code == 401


def test_a_code_is_not_in_the_database_for_all_to_read(door: TestClient, service: Service, person: UUID) -> None:
    with service.reading() as unit:
        assert unit.db.scalars(select(MessageRow)).all() == [], "without a way to send, nothing is kept"


def test_doors_close_after_many_knocks() -> None:
    limits = SignInLimits(unlimited=False)
    many = int(PERSON.split("/")[0])
    assert [limits.hit(network=f"10.0.0.{n}", device=None, person=b"x") for n in range(many)] == [0] * many
    assert limits.hit(network="10.0.1.1", device=None, person=b"x") > 0
    assert limits.hit(network="10.0.1.1", device=None, person=b"y") == 0
    for n in range(int(DEVICE.split("/")[0])):
        limits.hit(network=f"10.1.0.{n}", device=PHONE, person=None)
    assert limits.hit(network="10.2.0.1", device=PHONE, person=None) > 0


def test_what_somebody_said_of_themselves_goes_with_them(door: TestClient, service: Service, person: UUID) -> None:
    with service.unit() as unit:
        secret = new_link(unit, person, timedelta(days=1))
    _post(door, "/v1/knock/links/redeem", {"secret": secret, "device_id": PHONE})
    said = _post(door, "/v1/me/contact", {"phone": "+8613800138000", "language": "hi"})
    assert said.json()["phone"] == "+8613800138000"
    with service.unit() as unit:
        assert [row for row in unit.db.scalars(select(IdempotencyRow)) if str(person) in row.principal]
        erase(unit, person)
    with service.reading() as unit:
        assert [row for row in unit.db.scalars(select(IdempotencyRow)) if str(person) in row.principal] == []
        assert unit.db.scalars(select(AccessCodeRow)).all() == []
    assert door.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()["pensions"][0]["standing"] is None


def test_changing_the_telephone_leaves_the_time_zone(door: TestClient, service: Service, person: UUID) -> None:
    with service.unit() as unit:
        set_contact(unit, person, Contact(timezone="Asia/Kolkata"))
        secret = new_link(unit, person, timedelta(days=1))
    _post(door, "/v1/knock/links/redeem", {"secret": secret, "device_id": PHONE})
    assert _post(door, "/v1/me/contact", {"phone": "+8613800138000"}).status_code == 200
    with service.reading() as unit:
        found = contact_of(unit, person)
    assert (found.phone, found.timezone) == ("+8613800138000", "Asia/Kolkata")


def test_withdrawn_consent_deletes_the_face_after_a_while(
    door: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    with service.unit() as unit:
        set_consent(unit, person, given=False)
    with service.unit() as unit:
        assert purge_withdrawn(unit) == 0
    clock.advance(KEPT_AFTER_WITHDRAWAL)
    with service.unit() as unit:
        assert purge_withdrawn(unit) == 1
        assert references_of(unit.db, person) == []
        assert purge_withdrawn(unit) == 0


def test_only_the_service_gives_access_to_own_pages(call: Callable[[Role], Any]) -> None:
    for role in (Role.OFFICER, Role.MACHINE, Role.AGENT, Role.AUDITOR):
        assert call(role).get("/v1/me").status_code == 403

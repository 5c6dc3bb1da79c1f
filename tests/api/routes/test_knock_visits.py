"""A visit that is wished for at the door is stored for a real person, and no one learns who is real."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.auth import DEVICE_HEADER
from certify.approvals.erase import erase
from certify.people.consent import set_consent
from certify.service import Service
from certify.storage.visits import visit_of
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import BORN, OTHER, PHONE, knock, new_key, post, send_photo, shape

pytestmark = pytest.mark.integration


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


def _day(service: Service, days: int = 5) -> str:
    return (service.clock() + timedelta(days=days)).date().isoformat()


def _wish(pages: TestClient, day: str, number: str = "TEST0001", *, device: str = PHONE, born: str = BORN) -> Any:
    body = {"national_id": number, "birth_date": born, "device_id": device, "wanted_on": day, "part": "morning"}
    return post(pages, "/v1/knock/visits", body, device=device)


def _wanted(service: Service, person: UUID) -> str | None:
    with service.reading() as unit:
        row = visit_of(unit.db, person)
    return None if row is None or row.wanted_on is None else row.wanted_on.isoformat()


def test_attack_a_visit_was_promised_to_a_real_person_and_never_stored(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, hopper: Any
) -> None:
    """Of whom no photo may be compared: the session is a decoy, and "We have noted it" was not true."""
    with service.unit() as unit:
        set_consent(unit, person, given=False)
    stories = []
    for seed, number in ((0, "TEST0001"), (10, "MADE-UP-01")):
        for attempt in range(3):
            opened = knock(pages, number).json()
            result = send_photo(pages, service, engine, opened, faces.rephotograph(hopper, seed=seed + attempt))
        assert result["outcome"] == "doorstep"
        wish = {"wanted_on": _day(service), "part": "morning"}
        answer = post(pages, f"/v1/knock/sessions/{result['id']}/visit", wish, token=opened["token"])
        stories.append((answer.status_code, shape(answer.json()), answer.json()["wanted_on"]))
    assert stories[0] == stories[1]
    assert _wanted(service, person) == _day(service)


def test_who_used_up_all_attempts_chooses_a_day_without_signing_in(
    pages: TestClient, service: Service, person: UUID
) -> None:
    """ATTACK: "No more films for now" led in a circle, and any stranger could put a person there."""
    answers = {number: _wish(pages, _day(service), number) for number in ("TEST0001", "MADE-UP-01")}
    assert {answer.status_code for answer in answers.values()} == {201}
    bodies = [answer.json() for answer in answers.values()]
    assert shape(bodies[0]) == shape(bodies[1])
    assert [body["wanted_on"] for body in bodies] == [_day(service)] * 2
    assert _wanted(service, person) == _day(service)


def test_attack_a_stranger_moves_no_visit(pages: TestClient, service: Service, person: UUID) -> None:
    assert _wish(pages, _day(service)).status_code == 201
    answer = _wish(pages, _day(service, 9), device=OTHER)
    assert (answer.status_code, answer.json()["wanted_on"]) == (201, _day(service, 9)), "the answer tells nothing"
    assert _wanted(service, person) == _day(service)


def test_attack_wishes_for_many_days_from_one_device_wait(pages: TestClient, service: Service, person: UUID) -> None:
    codes = [_wish(pages, _day(service, 3 + turn)).status_code for turn in range(5)]
    assert codes == [201, 201, 201, 201, 429]


@pytest.mark.parametrize("why", ["wrong birth date", "erased"])
def test_nothing_is_stored_for_who_is_not_there(why: str, pages: TestClient, service: Service, person: UUID) -> None:
    if why == "erased":
        with service.unit() as unit:
            erase(unit, person)
    answer = _wish(pages, _day(service), born="1950-11-18" if why == "wrong birth date" else BORN)
    assert answer.status_code == 201
    with service.reading() as unit:
        assert visit_of(unit.db, person) is None


def test_a_day_that_cannot_be_is_refused_alike(pages: TestClient, service: Service, person: UUID) -> None:
    for number in ("TEST0001", "MADE-UP-01"):
        answer = _wish(pages, _day(service, 0), number)
        assert (answer.status_code, answer.json()["code"]) == (422, "visit_day")


def test_a_request_that_is_sent_again_asks_once(pages: TestClient, service: Service, person: UUID) -> None:
    body = {"national_id": "TEST0001", "birth_date": BORN, "device_id": PHONE, "part": "morning"}
    body["wanted_on"] = _day(service)
    headers = {DEVICE_HEADER: PHONE, "Idempotency-Key": new_key()}
    first, second = (pages.post("/v1/knock/visits", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json())

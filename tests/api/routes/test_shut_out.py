"""Attacks that once shut a pensioner out: knocks, wrong films, wrong codes, addresses of one network."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.app import create_app
from api.auth import DEVICE_HEADER
from certify.capture.attempts import FIRST_WAIT, LONGEST_WAIT
from certify.capture.session import open_session, submit_media
from certify.decision.unprocessable import UnprocessableReason, close_unprocessable
from certify.domain.channels import Channel
from certify.people.access import CODE_TRIES, CODES_A_DAY, device_mark, new_code
from certify.people.contact import Contact, set_contact
from certify.people.door import LIMITS, Purpose, Visitor, admit, networks_of
from certify.service import Service
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.messages import MessageRow
from certify.storage.tables.sessions import SessionRow
from certify.workers.housekeeping import run_housekeeping
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import BORN, OTHER, PHONE, come_from, knock, post, send_photo, sign_in_by_link
from tests.certify.messages.people import with_ways
from tests.conftest import Clock
from tests.films import film_session

pytestmark = pytest.mark.integration

WHO = {"national_id": "TEST0001", "birth_date": BORN}


@pytest.fixture
def service(service: Service) -> Service:
    """The service with a way to send text messages."""
    return with_ways(service, "sms")


@pytest.fixture
def person(world: World, collins: Any, service: Service) -> UUID:
    person = UUID(world.enrol(faces.encode(collins)))
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
    return person


def _told(service: Service) -> list[str]:
    with service.reading() as unit:
        return [row.dedupe for row in unit.db.scalars(select(MessageRow).where(MessageRow.kind == "attempt"))]


def _stranger(number: int) -> str:
    return f"stranger-{number:032}"


def test_knocks_of_strangers_take_nothing_from_the_person(
    pages: TestClient, service: Service, world: World, person: UUID, clock: Clock
) -> None:
    """20 knocks without a film were ``too_many_sessions`` for the person, an officer and an agent, for a day."""
    for number in range(25):
        come_from(pages, f"198.51.100.{number}")
        assert knock(pages, device=_stranger(number)).status_code == 201
    come_from(pages, "203.0.113.1")
    assert knock(pages, device=PHONE).status_code == 201, "not recognised, but on another device"
    sign_in_by_link(pages, service, person)
    assert post(pages, "/v1/me/sessions", {}).status_code == 201
    assert world.officer.post("/v1/sessions", {"beneficiary_id": str(person)}).status_code == 201
    with service.unit() as unit:
        assert open_session(unit, person, Channel.DOORSTEP).state == "open", "an agent at the door"
    clock.advance(timedelta(hours=1))
    run_housekeeping(service)
    run_housekeeping(service)
    assert len(_told(service)) == 1, "the person is told, once a day"
    clock.advance(timedelta(days=2))
    run_housekeeping(service)
    with service.reading() as unit:
        kept = unit.db.scalars(select(SessionRow.public_entry)).all()
    assert True not in kept, "sessions of which nothing came are deleted"


def test_wrong_films_of_strangers_take_nothing_from_the_person(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, person: UUID, film: bytes, hopper: Any
) -> None:
    """Three wrong photos were ``attempts_used_up`` for thirty days, also for the person's own cookie and an officer."""
    for number in range(4):
        opened = knock(pages, device=_stranger(0))
        if number < 3:
            photo = faces.rephotograph(hopper, seed=number)
            send_photo(pages, service, engine, opened.json(), photo, device=_stranger(0))
    assert (opened.status_code, opened.json()["code"]) == (409, "attempts_used_up")
    assert len(_told(service)) == 1
    with service.reading() as unit:
        kinds = unit.db.scalars(select(ReviewCaseRow.kind)).all()
        assert "visit" not in kinds, "a stranger sends no agent to the person"
    sign_in_by_link(pages, service, person)
    page = pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).json()
    assert page["pensions"][0]["next_step"] not in ("retry", "doorstep")
    mine = post(pages, "/v1/me/sessions", {})
    assert mine.status_code == 201
    plan = mine.json()["session"]["plan"]
    asked = (len(plan["steps"]), len(plan["flashes"]))
    assert asked == (2, 6), "strangers make it neither harder nor easier"
    assert world.officer.post("/v1/sessions", {"beneficiary_id": str(person)}).status_code == 201
    opened = knock(pages, device=PHONE)
    result = film_session(service, engine, UUID(opened.json()["session"]["id"]), film)
    assert result.outcome == "certified", "the person, not recognised before, on another device"


def test_a_film_in_the_queue_holds_up_its_own_device_only(
    pages: TestClient, service: Service, person: UUID, collins: Any
) -> None:
    photo = faces.encode(collins)
    with service.unit() as unit:
        mine = open_session(unit, person, Channel.REMOTE)
    theirs = knock(pages, device=OTHER).json()
    headers = {"Authorization": f"Bearer {theirs['token']}", DEVICE_HEADER: OTHER, "Content-Type": "image/jpeg"}
    path = f"/v1/sessions/{theirs['session']['id']}/media"
    assert pages.post(path, content=photo, headers=headers | {"Idempotency-Key": "film-0001"}).status_code == 202
    with service.unit() as unit:
        submit_media(unit, mine.id, photo)
    unrecognised = knock(pages, device=PHONE).json()
    headers |= {"Authorization": f"Bearer {unrecognised['token']}", DEVICE_HEADER: PHONE}
    path = f"/v1/sessions/{unrecognised['session']['id']}/media"
    assert pages.post(path, content=photo, headers=headers | {"Idempotency-Key": "film-0002"}).status_code == 202


def test_delays_grow_and_end(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, hopper: Any, clock: Clock
) -> None:
    """After the free attempts the same device waits longer each time, and is never locked out."""
    photo = faces.rephotograph(hopper, seed=1)
    for _ in range(3):
        send_photo(pages, service, engine, knock(pages).json(), photo)
    waits = []
    for _ in range(2):
        waited = timedelta()
        while knock(pages).status_code != 201:
            clock.advance(FIRST_WAIT)
            waited += FIRST_WAIT
        waits.append(waited)
        send_photo(pages, service, engine, knock(pages).json(), photo)
    assert waits == [FIRST_WAIT, 2 * FIRST_WAIT]
    clock.advance(LONGEST_WAIT)
    assert knock(pages).status_code == 201


def test_a_right_code_works_whatever_others_guess(pages: TestClient, service: Service, person: UUID) -> None:
    """25 guesses by others were ``429`` for the person with the right code."""
    mine = {**WHO, "device_id": PHONE}
    assert post(pages, "/v1/knock/codes", mine).status_code == 202
    with service.unit() as unit:
        code = new_code(unit, person, device=device_mark(PHONE))
    assert code is not None
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for number in range(30):
        guess = {**WHO, "device_id": _stranger(number % 7), "code": wrong}
        answer = post(pages, "/v1/knock/codes/redeem", guess, device=_stranger(number % 7))
        assert answer.status_code in (401, 429)
    theirs = {**WHO, "device_id": OTHER, "code": code}
    assert post(pages, "/v1/knock/codes/redeem", theirs, device=OTHER).status_code == 401, "a code is for one device"
    assert post(pages, "/v1/knock/codes/redeem", {**mine, "code": code}).status_code == 200
    assert len(_told(service)) == 1


def test_a_code_is_dead_after_some_wrong_entries_on_its_own_device(
    pages: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    """From however many networks a stranger guesses, each code that they asked for has five tries."""
    with service.unit() as unit:
        code = new_code(unit, person, device=device_mark(OTHER))
    assert code is not None
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for number in range(CODE_TRIES):
        come_from(pages, f"2001:db8:{number}::1")
        guess = {**WHO, "device_id": OTHER, "code": wrong}
        assert post(pages, "/v1/knock/codes/redeem", guess, device=OTHER).status_code == 401
    clock.advance(timedelta(minutes=5))
    late = {**WHO, "device_id": OTHER, "code": code}
    assert post(pages, "/v1/knock/codes/redeem", late, device=OTHER).status_code == 401


def test_codes_have_a_budget_that_spares_the_persons_own_phone(
    pages: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    """Five codes in fifteen minutes without end were 480 messages a day for one person."""
    sign_in_by_link(pages, service, person, device=PHONE)
    for number in range(40):
        come_from(pages, f"198.51.100.{number}")
        stranger = _stranger(number)
        body = {**WHO, "device_id": stranger}
        assert post(pages, "/v1/knock/codes", body, device=stranger).json() == {"accepted": True}
        clock.advance(timedelta(minutes=10))
    with service.reading() as unit:
        sent = unit.db.scalars(select(MessageRow.urgent).where(MessageRow.kind == "code")).all()
    assert len(sent) == CODES_A_DAY
    assert len(_told(service)) == 1, "the person is told that somebody asks for codes"
    with service.unit() as unit:
        assert new_code(unit, person, device=device_mark(PHONE)) is not None


def test_300_people_an_hour_behind_one_address_get_in_and_the_301st_too(service: Service, clock: Clock) -> None:
    """A mobile carrier, or a proxy whose header is not believed, puts a nation behind one IPv4 address."""
    slowest = 0.0
    for number in range(301):
        admission = admit(service, Visitor("192.0.2.7", f"phone-{number}"), Purpose.SESSION, lambda _: uuid4().bytes)
        assert admission.wait_s == 0
        slowest = max(slowest, admission.slow_s)
        clock.advance(timedelta(seconds=11))
    assert slowest == 0


def test_a_storm_behind_one_address_slows_answers_and_refuses_no_one(service: Service) -> None:
    with service.unit() as unit:
        unit.service.vault.lookup_key(unit.db)
    limit = LIMITS[Purpose.SESSION, "ipv4"]
    assert limit.delay(limit.free) == 0
    assert 0 < limit.delay(limit.free + 100) < limit.delay(limit.free + 300) <= limit.longest_s
    assert limit.delay(1e9) == limit.longest_s == 8
    assert limit.soft


def test_the_addresses_of_one_ipv6_network_are_one_caller(service: Service) -> None:
    """330 addresses of one /64 were 330 callers."""
    limit = int(LIMITS[Purpose.SESSION, "/64"].free)
    refused = 0
    for number in range(limit + 30):
        visitor = Visitor(f"2001:DB8:0:0:{number:x}::1", f"phone-{number}")
        refused += admit(service, visitor, Purpose.SESSION, lambda _: uuid4().bytes).wait_s > 0
    assert refused == 29, "after the first delay, and all others wait for it"
    other = Visitor("2001:db8:0:1::1", "phone")
    assert admit(service, other, Purpose.SESSION, lambda _: uuid4().bytes).wait_s == 0
    assert "/48" in networks_of("2001:db8::1")


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("192.0.2.7", {"ipv4": "192.0.2.7"}),
        ("::ffff:192.0.2.7", {"ipv4": "192.0.2.7"}),
        ("2001:DB8:0:0:0:0:0:1", {"/64": "2001:db8::/64", "/48": "2001:db8::/48"}),
        ("2001:db8:0:5::1%eth0", {"/64": "2001:db8:0:5::/64", "/48": "2001:db8::/48"}),
        ("testclient", {"ipv4": "testclient"}),
    ],
)
def test_networks_have_one_spelling(address: str, networks: dict[str, str]) -> None:
    assert networks_of(address) == networks


def test_limits_are_shared_by_all_processes_and_no_setting_switches_them_off(
    service: Service, person: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``CERTIFY_RATE_LIMIT=none`` also switched off the limits of the entrance."""
    monkeypatch.setattr("api.routes.knock.BEAT_S", 0.0)
    assert service.settings.rate_limit == "none"
    free = int(LIMITS[Purpose.SESSION, "number+device"].free)
    statuses = []
    for _ in range(2):
        app = create_app(service=replace(service))
        with TestClient(app, base_url="https://testserver") as pages:
            statuses += [knock(pages).status_code for _ in range(free // 2 + 2)]
    assert statuses[: free + 1] == [201] * (free + 1)
    assert statuses[-1] == 429


def test_a_film_that_no_worker_can_process_recognises_no_one(
    pages: TestClient, service: Service, person: UUID, collins: Any
) -> None:
    """Its outcome ``review`` opened the pages of the person without any face."""
    for number in ("TEST0001", "MADE-UP-01"):
        opened = knock(pages, number).json()
        session, token = opened["session"]["id"], opened["token"]
        with service.unit() as unit:
            submit_media(unit, UUID(session), faces.encode(collins))
        with service.unit() as unit:
            close_unprocessable(unit, UUID(session), reason=UnprocessableReason.KEEPS_FAILING)
        answer = post(pages, f"/v1/knock/sessions/{session}/access", {"device_id": PHONE}, token=token)
        assert answer.status_code == 403
    with service.reading() as unit:
        assert "photo_not_processed" not in unit.db.scalars(select(ReviewCaseRow.kind)).all()


def test_waiting_callers_cost_no_work(pages: TestClient, person: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit was counted after the person was looked up and the key of the request was stored."""
    for _ in range(40):
        answer = knock(pages)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a refused caller reached the work")

    monkeypatch.setattr("api.routes.knock.identify", never)
    monkeypatch.setattr("api.idempotency.claim_key", never)
    assert knock(pages).status_code == 429

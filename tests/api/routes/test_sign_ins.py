"""Sign-ins end at once: by signing out, by the person, an officer, a changed contact, an erasure; links need a tap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.auth import COOKIE, DEVICE_HEADER, TABLET_COOKIE
from certify.approvals.erase import erase
from certify.doorstep.agents import NewAgent, add_agent
from certify.doorstep.tablets import invite_tablet, revoke_tablet
from certify.issuers.tokens import Role
from certify.people.access import new_link
from certify.people.contact import Contact, set_contact
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.sign_ins import SHORT
from certify.service import Service
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import Caller, World, signed_in
from tests.api.own_pages import BORN, OTHER, PHONE, come_from, knock, post, sign_in_by_link
from tests.conftest import Clock
from tests.films import film_session

pytestmark = pytest.mark.integration


@pytest.fixture
def person(service: Service) -> UUID:
    """A person without a photo: links and codes open their pages."""
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        new = NewBeneficiary("TEST0001", "Eileen Collins", pension, birth_date=date.fromisoformat(BORN))
        return add_beneficiary(unit, new)


def _status(pages: TestClient, cookie: str, *, device: str = PHONE, path: str = "/v1/me") -> int:
    """Return the answer to a cookie that somebody copied, whatever the browser itself has."""
    pages.cookies.clear()
    return pages.get(path, headers={DEVICE_HEADER: device, "Cookie": f"{COOKIE}={cookie}"}).status_code


def _cookie(pages: TestClient, service: Service, person: UUID, *, device: str = PHONE) -> str:
    sign_in_by_link(pages, service, person, device=device)
    return pages.cookies[COOKIE]


def test_a_copied_cookie_is_worth_nothing_after_sign_out(pages: TestClient, service: Service, person: UUID) -> None:
    """The cookie still opened the pages for thirty days after its owner had signed out."""
    cookie = _cookie(pages, service, person)
    assert post(pages, "/v1/knock/sign-out", None).json() == {"accepted": True}
    assert _status(pages, cookie) == 401
    assert post(pages, "/v1/knock/sign-out", None).status_code == 200, "without a cookie, too"


def test_erasure_officer_and_contact_end_all_sign_ins_at_once(
    pages: TestClient, service: Service, person: UUID, officer: Caller
) -> None:
    first, second = _cookie(pages, service, person), _cookie(pages, service, person, device=OTHER)
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
    assert (_status(pages, first), _status(pages, second, device=OTHER)) == (401, 401)
    third = _cookie(pages, service, person)
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000", quiet_from=22))
        link = new_link(unit, person, timedelta(days=1))
    assert _status(pages, third) == 200, "only a new telephone or e-mail ends sign-ins"
    listed = officer.get(f"/v1/beneficiaries/{person}/sign-ins").json()["items"]
    assert [item["way"] for item in listed] == ["link"]
    ended = officer.post(f"/v1/beneficiaries/{person}/sign-ins/end")
    assert ended.json() == {"ended": 1}
    assert _status(pages, third) == 401
    body = {"secret": link, "birth_date": BORN, "device_id": PHONE}
    assert post(pages, "/v1/knock/links/redeem", body).status_code == 401, "an officer ends links as well"
    fourth = _cookie(pages, service, person)
    with service.unit() as unit:
        erase(unit, person)
    assert [_status(pages, fourth, path=path) for path in ("/v1/me", "/v1/me/history")] == [401, 401]


def test_a_person_sees_and_ends_their_own_sign_ins(
    pages: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    other = _cookie(pages, service, person, device=OTHER)
    clock.advance(timedelta(minutes=1))
    pages.cookies.clear()
    mine = _cookie(pages, service, person)
    items = pages.get("/v1/me/sign-ins", headers={DEVICE_HEADER: PHONE}).json()["items"]
    assert [(item["way"], item["this"]) for item in items] == [("link", True), ("link", False)]
    assert post(pages, f"/v1/me/sign-ins/{items[1]['id']}/end", None).status_code == 200
    third = _cookie(pages, service, person, device=OTHER)
    pages.cookies.clear()
    pages.cookies.set(COOKIE, mine)
    assert post(pages, "/v1/me/sign-ins/end-others", None).json() == {"ended": 1}
    assert [_status(pages, cookie, device=OTHER) for cookie in (other, third)] == [401, 401]
    assert _status(pages, mine) == 200
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        stranger = add_beneficiary(unit, NewBeneficiary("TEST0002", "Another", pension))
        theirs = signed_in(unit, person=stranger)
    pages.cookies.set(COOKIE, mine)
    assert post(pages, f"/v1/me/sign-ins/{theirs}/end", None).json()["code"] == "sign_in_not_found"


def test_a_token_without_a_sign_in_opens_nothing(pages: TestClient, service: Service, person: UUID) -> None:
    """Cookies from before sign-ins were kept cannot be ended, so they do not count."""
    signer = pages.app.state.certify.session_signer  # type: ignore[attr-defined]  # the app of the fixture
    token = signer.issue(subject=str(person), role=Role.SELF, now=service.clock(), lifetime=timedelta(days=30))
    assert pages.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_an_agents_sign_in_ends_by_sign_out_officer_and_revocation(
    pages: TestClient, service: Service, officer: Caller
) -> None:
    with service.unit() as unit:
        agent = add_agent(unit, NewAgent(badge="A-17", name="Agent Li", area=""))
        tablet, _ = invite_tablet(unit, agent, officer="o")

    def cookie() -> tuple[str, UUID]:
        with service.unit() as unit:
            sign_in = signed_in(unit, tablet=tablet.id)
        signer = pages.app.state.certify.session_signer  # type: ignore[attr-defined]  # the app of the fixture
        issued = signer.issue(
            subject=str(tablet.id), role=Role.TABLET, now=service.clock(), lifetime=SHORT, sign_in=sign_in
        )
        return issued, sign_in

    def code(token: str) -> str:
        return str(pages.get("/v1/tablet/told", headers={"Authorization": f"Bearer {token}"}).json()["code"])

    token, _ = cookie()
    assert code(token) == "tablet_refused", "signed in; the tablet of this test has no passkey"
    pages.post("/v1/tablet/sign-out", headers={"Cookie": f"{TABLET_COOKIE}={token}"})
    assert code(token) == "token_refused"
    token, sign_in = cookie()
    listed = officer.get(f"/v1/agents/{agent.id}/sign-ins").json()["items"]
    assert [item["id"] for item in listed] == [str(sign_in)]
    assert officer.post(f"/v1/agents/{agent.id}/sign-ins/end").json() == {"ended": 1}
    assert code(token) == "token_refused"
    token, _ = cookie()
    with service.unit() as unit:
        revoke_tablet(unit, tablet.id, officer="o")
    assert code(token) == "token_refused"


def _recognised(pages: TestClient, service: Service, engine: FaceEngine, film: bytes) -> Callable[[], int]:
    """Let a person be recognised by a film; return a function that signs in with its session, and gives the status."""
    opened = knock(pages).json()
    assert film_session(service, engine, UUID(opened["session"]["id"]), film).outcome == "certified"
    path = f"/v1/knock/sessions/{opened['session']['id']}/access"
    return lambda: post(pages, path, {"device_id": PHONE}, token=opened["token"]).status_code


def test_a_recognised_face_signs_in_once(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, collins: Any, film: bytes
) -> None:
    """The token of a capture session was a key for a day, also after its owner had signed out."""
    world.enrol(faces.encode(collins))
    keep = _recognised(pages, service, engine, film)
    assert keep() == 200
    assert keep() == 200, "the first answer may have been lost"
    post(pages, "/v1/knock/sign-out", None)
    assert keep() == 409


def test_a_recognised_face_signs_in_no_more_after_an_officer_ended_all_sign_ins(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, collins: Any, film: bytes
) -> None:
    person = UUID(world.enrol(faces.encode(collins)))
    keep = _recognised(pages, service, engine, film)
    world.officer.post(f"/v1/beneficiaries/{person}/sign-ins/end")
    assert keep() == 403


def test_a_recognised_face_signs_in_for_a_quarter_of_an_hour(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, collins: Any, film: bytes, clock: Clock
) -> None:
    world.enrol(faces.encode(collins))
    keep = _recognised(pages, service, engine, film)
    clock.advance(timedelta(minutes=16))
    assert keep() == 403


def test_a_program_that_opens_links_learns_and_changes_nothing(
    pages: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    """A mail scanner that ran scripts used up the link, and saw the name and the standing of the person."""
    with service.unit() as unit:
        secret = new_link(unit, person, timedelta(days=60))

    def redeem(**more: Any) -> Any:
        body = {"secret": secret, "birth_date": BORN, "device_id": PHONE, **more}
        return post(pages, "/v1/knock/links/redeem", body, device=str(body["device_id"]))

    bare = post(pages, "/v1/knock/links/redeem", {"secret": secret, "device_id": OTHER}, device=OTHER)
    assert (bare.status_code, bare.json()["code"]) == (422, "request_invalid")
    come_from(pages, "198.51.100.9")
    refused = [redeem(device_id=OTHER, birth_date=f"19{year}-01-01") for year in range(40, 48)]
    assert [answer.status_code for answer in refused] == [401] * 6 + [429] * 2, "guessing is slowed down"
    unknown = redeem(device_id=f"{OTHER}2", secret="no-such-secret")
    assert unknown.json() == refused[0].json()
    come_from(pages, "203.0.113.1")
    answer = redeem()
    assert answer.status_code == 200, "wrong guesses by others never block the right one"
    until = answer.json()["until"]
    assert until == (clock.now + SHORT).isoformat().replace("+00:00", "Z"), "remembering is a choice, off by default"

"""The routes of four eyes: what one officer sends waits for another, and lists, scopes and the person's own wish."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from certify.approvals.actions import carry_out_due
from certify.domain.scope import Scope
from certify.issuers.tokens import Role
from certify.people.contact import Contact, set_contact
from certify.service import Service
from tests.api.conftest import ENROLMENT, WHY, Caller
from tests.certify.messages.people import messages, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration

Call = Callable[..., Caller]


@pytest.fixture
def service(service: Service) -> Service:
    return with_ways(service, "sms", "email")


@pytest.fixture
def person(call: Call) -> str:
    found: str = call(Role.ENROLLER).post("/v1/beneficiaries", ENROLMENT).json()["id"]
    return found


def test_attack_one_token_erases_a_person(call: Call, person: str, service: Service, clock: Clock) -> None:
    one, two = call(Role.OFFICER, "one"), call(Role.OFFICER, "two")
    path = f"/v1/beneficiaries/{person}/erasure"
    assert one.post(path).status_code == 422, "without a reason"
    assert one.post(path, WHY | {"text": " "}).status_code == 422
    proposed = one.post(path, WHY)
    assert (proposed.status_code, proposed.json()["state"]) == (202, "proposed")
    assert one.post(path, WHY).json()["code"] == "proposal_open"
    assert two.post(path, WHY).json()["code"] == "proposal_open", "the old route never carries out"
    proposal = f"/v1/proposals/{proposed.json()['id']}"
    own = one.post(f"{proposal}/carry-out")
    assert (own.status_code, own.json()["code"]) == (409, "second_officer_needed")
    same = call(Role.SUPERVISOR, "one").post(f"{proposal}/carry-out")
    assert same.json()["code"] == "second_officer_needed", "another role is not another person"
    agreed = two.post(f"{proposal}/carry-out")
    assert (agreed.status_code, agreed.json()["state"]) == (202, "waiting")
    assert one.get(f"/v1/beneficiaries/{person}").json()["erased"] is False
    clock.advance(timedelta(hours=72))
    assert carry_out_due(service) == 1
    shown = call(Role.AUDITOR).get(proposal).json()
    assert (shown["state"], shown["text"], shown["reason"]) == ("carried_out", None, WHY["reason"])


@pytest.mark.parametrize("role", [Role.PAYER, Role.REGISTRY, Role.ENROLLER, Role.AUDITOR, Role.OPERATOR])
def test_attack_other_roles_propose_nothing(call: Call, person: str, role: Role) -> None:
    body = {"action": "erase", "target": person} | WHY
    assert call(role).post("/v1/proposals", body).status_code == 403


def test_lists_have_filters_and_pages_and_keep_to_the_scope(call: Call, person: str) -> None:
    one = call(Role.OFFICER, "one")
    case = call(Role.OFFICER, "two").post("/v1/review-cases", {"beneficiary_id": person, "kind": "appeal"}).json()["id"]
    for action, target in (("stop", case), ("confirm_alive", case), ("erase", person)):
        assert one.post("/v1/proposals", {"action": action, "target": target} | WHY).status_code in (200, 202)
    auditor = call(Role.AUDITOR)
    first = auditor.get("/v1/proposals?limit=1").json()
    rest = auditor.get(f"/v1/proposals?limit=9&after={first['next']}").json()
    assert len(first["items"]) == 1
    assert {row["action"] for row in rest["items"]}.isdisjoint({first["items"][0]["action"]})
    assert [row["text"] for row in auditor.get("/v1/proposals?action=stop").json()["items"]] == [WHY["text"]]
    assert auditor.get("/v1/proposals?state=refused").json()["items"] == []
    assert auditor.get("/v1/proposals?proposed_by=idp|other").json()["items"] == []
    elsewhere = call(Role.OFFICER, "far", scope=Scope(frozenset({"resident"}), None))
    assert elsewhere.get("/v1/proposals").json()["items"] == []
    proposal = f"/v1/proposals/{first['items'][0]['id']}"
    assert elsewhere.get(proposal).status_code == 404
    for what in ("carry-out", "refuse", "recall"):
        assert elsewhere.post(f"{proposal}/{what}").status_code == 404
    body = {"action": "erase", "target": person} | WHY
    assert elsewhere.post("/v1/proposals", body).status_code == 404


def test_a_refused_proposal_changes_nothing(call: Call, person: str) -> None:
    one, two = call(Role.OFFICER, "one"), call(Role.OFFICER, "two")
    proposal = one.post("/v1/proposals", {"action": "erase", "target": person} | WHY).json()["id"]
    assert one.post(f"/v1/proposals/{proposal}/refuse").json()["code"] == "second_officer_needed"
    assert two.post(f"/v1/proposals/{proposal}/recall").json()["code"] == "not_your_proposal"
    assert two.post(f"/v1/proposals/{proposal}/refuse").json()["state"] == "refused"
    assert two.post(f"/v1/proposals/{proposal}/carry-out").json()["code"] == "proposal_settled"
    wrong = one.post("/v1/proposals", {"action": "erase", "target": "not-an-id"} | WHY)
    assert wrong.json()["code"] == "target_invalid"


def test_the_persons_own_wish(call: Call, person: str, service: Service) -> None:
    with service.unit() as unit:
        set_contact(unit, UUID(person), Contact(phone="+8613800138000", email="eileen@example.org"))
    by_face, officer = call(Role.SELF, person), call(Role.OFFICER, "one")
    assert by_face.post("/v1/me/erasure", {}).json()["code"] == "possession_required"
    me = call(Role.SELF, person, confirmed_at=service.clock())
    assert me.post("/v1/me/erasure/recall").json()["code"] == "proposal_not_found"
    wish = me.post("/v1/me/erasure", {})
    assert (wish.status_code, wish.json()["state"]) == (202, "proposed")
    assert me.post("/v1/me/erasure", {}).json() == wish.json(), "asking twice is one wish"
    assert _told(service) == ["erasure_asked"] * 2, "on both contacts"
    page = me.get("/v1/me").json()
    assert (page["erasure"], page["erasure_wait_hours"]) == (wish.json(), 72)
    (row,) = officer.get(f"/v1/proposals?beneficiary_id={person}").json()["items"]
    assert officer.post(f"/v1/proposals/{row['id']}/carry-out").json()["state"] == "waiting"
    assert _told(service) == ["erasure_asked"] * 2 + ["erasure_waits"] * 2
    assert me.get("/v1/me").json()["erasure"]["due_at"] is not None
    assert me.post("/v1/me/erasure/recall").json()["state"] == "recalled"
    assert me.get("/v1/me").json()["erasure"] is None


def test_an_erasure_that_officers_decided_is_told_and_can_be_recalled(call: Call, person: str) -> None:
    me = call(Role.SELF, person)
    proposed = call(Role.OFFICER, "one").post(f"/v1/beneficiaries/{person}/erasure", WHY).json()["id"]
    assert me.get("/v1/me").json()["erasure"] is None, "a second officer may still refuse it"
    call(Role.OFFICER, "two").post(f"/v1/proposals/{proposed}/carry-out")
    assert me.get("/v1/me").json()["erasure"]["state"] == "waiting"
    assert me.post("/v1/me/erasure/recall").json()["state"] == "recalled"


def _told(service: Service) -> list[str]:
    return sorted(row.kind for row in messages(service))


def test_attack_an_answer_about_faces_closes_no_other_case(call: Call, person: str) -> None:
    officer = call(Role.OFFICER, "one")
    case = call(Role.OFFICER, "two").post("/v1/review-cases", {"beneficiary_id": person, "kind": "appeal"}).json()["id"]
    for answer in ("two_people", "wrong_reference"):
        refused = officer.post(f"/v1/review-cases/{case}/faces", {"answer": answer} | WHY)
        assert (refused.status_code, refused.json()["code"]) == (409, "case_of_another_kind")
    assert officer.get(f"/v1/review-cases/{case}/faces").json() == {"items": []}
    assert officer.get(f"/v1/review-cases/{case}").json()["state"] == "open"

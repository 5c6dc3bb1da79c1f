"""A token for some schemes and regions reaches no other person, by any route that names one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.auth import Access
from certify.approvals.actions import propose
from certify.capture.session import open_session
from certify.decision.cases import open_case
from certify.decision.proposals import Why
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.scope import Scope
from certify.issuers.tokens import OWN_ROLES, Role
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference
from certify.service import Service
from certify.storage.certificates import certificate_in_force
from certify.storage.facts import determinations_of
from certify.storage.people import DECOY_PERSON
from fixtures import faces
from tests.api.conftest import WHY, Caller
from tests.api.test_auth import _guards, _methods, _routes

pytestmark = pytest.mark.integration

NAMES_NO_PERSON = {
    *("/metrics", "/v1/ledger/consistency", "/v1/ledger/entries/{index}"),  # counts and hashes
    *("/v1/agents", "/v1/agents/{agent_id}", "/v1/agents/{agent_id}/state", "/v1/agents/{agent_id}/tablets"),
    *("/v1/agents/{agent_id}/sign-ins", "/v1/agents/{agent_id}/sign-ins/end"),
    *("/v1/agents/holds", "/v1/agents/holds/{hold_id}", "/v1/agents/integrity", "/v1/tablets/{tablet_id}/revoke"),
    *("/v1/bundles/refused", "/v1/bundles/{bundle_id}/admit"),  # agents and sealed visits: guarded by area
}
LISTS = {"/v1/beneficiaries", "/v1/review-cases", "/v1/proposals"}
"""Routes that list people; a list leaves out those outside the scope, and says nothing about them."""

WHOLE_FUND = {"/v1/access-journal"}
"""Routes whose answers cannot be cut to a scope."""

OUTSIDE = [
    Scope(schemes=frozenset({"resident"})),
    Scope(regions=frozenset({"44"})),
    Scope(schemes=frozenset({"employee"}), regions=frozenset({"44"})),
    Scope(schemes=frozenset()),
]


@pytest.fixture
def known(service: Service) -> dict[str, str]:
    """A person with one thing of each kind, by the name of the path parameter."""
    with service.unit() as unit:
        pensions = tuple(NewEntitlement(scheme, date(2015, 1, 1)) for scheme in ("employee", "personal_pension"))
        new = NewBeneficiary("SCOPE001", "Ana Pereira", pensions, birth_date=date(1944, 4, 4), region="110105")
        person = add_beneficiary(unit, new)
        add_reference(unit, person, faces.encode(faces.portraits()["eileen_collins"]))
        session = open_session(unit, person, Channel.REMOTE)
        case = open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON)
        rule(unit, case.id, officer="o", decision=Decision.CONFIRM_ALIVE)
        stay = NewRecord(source="hospital", record_id="S1", event_at=unit.now - timedelta(days=9), act="hospital_stay")
        sign, _ = record(unit, person, stay)
        certificate = certificate_in_force(unit.db, person)
        assert certificate is not None
        why = Why(ActionReason.OTHER, "A test.")
        proposal = propose(unit, Action.REVOKE, certificate.number, officer="idp|other", why=why)
        return {
            "proposal_id": str(proposal.id),
            "beneficiary_id": str(person),
            "session_id": str(session.id),
            "case_id": str(case.id),
            "evidence_id": sign,
            "number": certificate.number,
            "determination_id": str(determinations_of(unit.db, beneficiary_id=person, limit=1)[0].id),
        }


def _bodies(person: str) -> dict[tuple[str, str], Any]:
    return {
        ("/v1/beneficiaries/lookup", "POST"): {"national_id": "SCOPE001"},
        ("/v1/beneficiaries/resolve", "POST"): {"national_id": "SCOPE001"},
        ("/v1/standings/lookup", "POST"): {"national_id": "SCOPE001"},
        ("/v1/beneficiaries/{beneficiary_id}/records", "POST"): {
            "source": "hospital",
            "record_id": "D-1",
            "event_at": "2026-01-10T00:00:00Z",
            "adverse": "death",
        },
        ("/v1/beneficiaries/{beneficiary_id}/attestations", "POST"): {
            "source": "hospital",
            "record_id": "A-1",
            "capacity": "doctor",
            "seen_at": "2026-01-10T00:00:00Z",
            "seen_by": "K",
            "place": "here",
            "country": "CN",
            "document": "passport",
        },
        ("/v1/sessions", "POST"): {"beneficiary_id": person},
        ("/v1/review-cases", "POST"): {"beneficiary_id": person, "kind": "appeal"},
        ("/v1/review-cases/{case_id}/faces", "POST"): {"answer": "two_people"} | WHY,
        ("/v1/review-cases/{case_id}/ruling", "POST"): {"ruling": "stop"} | WHY,
        ("/v1/certificates/{number}/revoke", "POST"): WHY,
        ("/v1/beneficiaries/{beneficiary_id}/erasure", "POST"): WHY,
        ("/v1/proposals", "POST"): {"action": "erase", "target": person} | WHY,
    }


def _of_staff() -> list[tuple[APIRoute, str, Role]]:
    """Return every operation that a role of an issuer may call and that names a person, with each such role."""
    found = []
    for route in _routes():
        guard = _guards(route)[0]
        if isinstance(guard, Access) and route.path not in NAMES_NO_PERSON:
            for role in sorted(guard.roles - OWN_ROLES):
                found += [(route, method, role) for method in _methods(route)]
    return found


def _send(caller: Caller, path: str, method: str, known: dict[str, str]) -> Any:
    filled = re.sub(r"{(\w+)}", lambda match: known[match[1]], path)
    if method == "GET":
        return caller.get(filled)
    if path.endswith("/references"):
        photo = faces.encode(faces.portraits()["eileen_collins"])
        return caller.post(f"{filled}?provenance=document&of=passport", content=photo)
    body = _bodies(known["beneficiary_id"]).get((path, method))
    return caller.post(filled, body)


def test_no_route_reaches_a_person_outside_the_scope(call: Callable[..., Caller], known: dict[str, str]) -> None:
    operations = _of_staff()
    assert len({route.path for route, _, _ in operations}) > 20
    for scope in OUTSIDE:
        callers = {role: call(role, scope=scope) for role in {role for _, _, role in operations}}
        for route, method, role in operations:
            if route.path in LISTS and method == "GET":
                assert callers[role].get(route.path).json()["items"] == [], f"{role} {route.path}"
                continue
            if (route.path, method) == ("/v1/beneficiaries", "POST"):
                continue  # below: it names no stored person
            answer = _send(callers[role], route.path, method, known)
            told = (answer.status_code, answer.json().get("code"))
            if route.path in WHOLE_FUND:
                assert told == (403, "outside_scope"), f"{role} {method} {route.path}: {told}"
                continue
            assert told == (404, "beneficiary_not_found"), f"{role} {method} {route.path}: {told}"


def test_the_row_of_decoy_sessions_is_no_person_for_any_route(
    call: Callable[..., Caller], known: dict[str, str]
) -> None:
    """An officer who erased it told every later stranger that they were one."""
    decoy = known | {"beneficiary_id": str(DECOY_PERSON)}
    for route, method, role in _of_staff():
        if "{beneficiary_id}" in route.path or (
            route.path in ("/v1/sessions", "/v1/review-cases") and method == "POST"
        ):
            answer = _send(call(role), route.path, method, decoy)
            assert (answer.status_code, answer.json()["code"]) == (404, "beneficiary_not_found"), route.path


def test_part_of_a_person_s_pensions_is_read_and_not_changed(
    call: Callable[..., Caller], known: dict[str, str]
) -> None:
    part = Scope(schemes=frozenset({"employee"}), regions=frozenset({"11"}))
    officer, payer, person = call(Role.OFFICER, scope=part), call(Role.PAYER, scope=part), known["beneficiary_id"]
    shown = officer.get(f"/v1/beneficiaries/{person}").json()
    assert [pension["scheme"] for pension in shown["entitlements"]] == ["employee"]
    (listed,) = officer.get("/v1/beneficiaries").json()["items"]
    assert [pension["scheme"] for pension in listed["entitlements"]] == ["employee"]
    told = payer.get(f"/v1/standings/{person}").json()["pensions"]
    assert [pension["scheme"] for pension in told] == ["employee"]
    for path, body in (
        (f"/v1/beneficiaries/{person}/erasure", WHY),
        ("/v1/proposals", {"action": "erase", "target": person} | WHY),
        ("/v1/review-cases", {"beneficiary_id": person, "kind": "appeal"}),
        ("/v1/sessions", {"beneficiary_id": person}),
        (f"/v1/certificates/{known['number']}/revoke", WHY),
    ):
        answer = officer.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "outside_scope"), path
    whole = call(Role.OFFICER, scope=Scope(regions=frozenset({"1101"})))
    assert whole.post("/v1/review-cases", {"beneficiary_id": person, "kind": "appeal"}).status_code == 201


def test_agents_outside_the_regions_do_not_exist(call: Callable[..., Caller]) -> None:
    everyone, elsewhere = call(Role.SUPERVISOR), call(Role.SUPERVISOR, scope=Scope(regions=frozenset({"44"})))
    new = {"badge": "A-17", "name": "Agent Li", "area": "1101"}
    assert elsewhere.post("/v1/agents", new).json()["code"] == "outside_scope"
    agent = everyone.post("/v1/agents", new).json()["id"]
    tablet = everyone.post(f"/v1/agents/{agent}/tablets").json()["tablet_id"]
    for path, body in (
        (f"/v1/agents/{agent}/state", {"state": "away"}),
        (f"/v1/agents/{agent}/tablets", None),
        (f"/v1/agents/{agent}/sign-ins/end", None),
        (f"/v1/tablets/{tablet}/revoke", None),
    ):
        answer = elsewhere.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "agent_not_found"), path
    assert elsewhere.get("/v1/agents").json()["items"] == []
    (shown,) = everyone.get("/v1/agents").json()["items"]
    assert (shown["state"], shown["tablets"][0]["state"]) == ("active", "invited"), "what was refused changed nothing"
    assert elsewhere.get("/v1/agents/integrity").json()["code"] == "outside_scope"


@pytest.mark.parametrize("role", [Role.OFFICER, Role.ENROLLER])
def test_no_one_is_enrolled_outside_the_scope(call: Callable[..., Caller], role: Role) -> None:
    caller = call(role, scope=Scope(frozenset({"employee"}), frozenset({"11"})))
    pension = {"scheme": "employee", "starts_on": "2015-01-01"}
    body = {"national_id": "SCOPE002", "name": "A Person", "region": "110105", "entitlements": [pension]}
    for change in ({"region": "440000"}, {"region": None}, {"entitlements": [pension | {"scheme": "resident"}]}):
        answer = caller.post("/v1/beneficiaries", body | change)
        assert (answer.status_code, answer.json()["code"]) == (403, "outside_scope"), change
    assert caller.post("/v1/beneficiaries", body).status_code == 201


@pytest.mark.usefixtures("known")
def test_a_list_of_cases_leaves_out_people_outside_the_scope(call: Callable[..., Caller]) -> None:
    outside = call(Role.AUDITOR, scope=OUTSIDE[0])
    assert outside.get("/v1/review-cases?state=closed").json()["items"] == []
    assert len(call(Role.AUDITOR).get("/v1/review-cases?state=closed").json()["items"]) == 1

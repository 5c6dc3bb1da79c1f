"""The entitlement over HTTP: what was paid too much, which part is payable, and what two officers find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from api import own_views
from certify.approvals.erase import erase
from certify.audit.replay import replay
from certify.decision.determine import determine_due
from certify.issuers.tokens import Role
from certify.own.page import own_page
from certify.service import Service
from certify.storage.facts import determinations_of
from certify.storage.people import entitlements_of
from tests.api.conftest import WHY, Caller
from tests.conftest import Clock

pytestmark = pytest.mark.integration

Call = Callable[..., Caller]


def enrol(officer: Caller, scheme: str = "employee", **pension: Any) -> str:
    body = {
        "national_id": "LAW0001",
        "name": "Ada Law",
        "birth_date": pension.pop("birth_date", "1950-05-05"),
        "entitlements": [{"scheme": scheme, "starts_on": "2015-01-01", "last_proof_on": "2026-02-01", **pension}],
    }
    answer = officer.post("/v1/beneficiaries", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def record(call: Call, person: str, number: str, kind: str, source: str = "civil-registry", **more: Any) -> None:
    body = {"source": source, "record_id": number, "event_at": "2026-01-10T00:00:00Z", "adverse": kind, **more}
    answer = call(Role.REGISTRY, source).post(f"/v1/beneficiaries/{person}/records", body)
    assert answer.status_code == 201, answer.text


def pension(call: Call, person: str, query: str = "") -> dict[str, Any]:
    answer = call(Role.PAYER).get(f"/v1/standings/{person}{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["pensions"][0]
    return found


def cases(call: Call) -> list[str]:
    """Return the kinds of the open cases; the token is new, because tests move the clock by months."""
    return [case["kind"] for case in call(Role.OFFICER).get("/v1/review-cases").json()["items"]]


def propose(call: Call, person: str, action: str, finding: dict[str, str], officer: str = "first") -> Any:
    body = {"action": action, "target": person, "finding": finding, **WHY}
    return call(Role.OFFICER, officer).post("/v1/proposals", body)


def test_an_overpayment_is_shown_line_by_line_and_is_gone_when_the_death_is_taken_back(
    call: Call, officer: Caller, clock: Clock, service: Service
) -> None:
    amounts = "2015-01-01=1200.00;2026-03-01=1250.00"
    person = enrol(officer, monthly_amount=amounts, currency="EUR")
    assert pension(call, person)["payable_amount"] == "1250.00"
    record(call, person, "D-1", "death")
    assert pension(call, person)["overpaid"] is None, "one report stops nothing"
    clock.now = datetime(2026, 4, 20, tzinfo=UTC)
    record(call, person, "D-2", "death", "hospital")
    shown = pension(call, person)
    assert (shown["payment"], shown["owed_until"], shown["payable"]) == ("stop", "2026-01-31", "0")
    over = shown["overpaid"]
    assert [(line["month"], line["paid_on"], line["overpaid"], line["notes"]) for line in over["lines"]] == [
        ("2026-02", "2026-02-15", "1200.00", []),
        ("2026-03", "2026-03-15", "1250.00", ["amount_changed"]),
        ("2026-04", "2026-04-15", "1250.00", []),
    ]
    assert (over["total"], over["currency"], over["months"], over["paid_until"]) == (
        "3700.00",
        "EUR",
        "3",
        "2026-04-15",
    )
    stated = pension(call, person, "?last_paid_on=2026-03-15")["overpaid"]
    assert stated["total"] == "2450.00"
    assert call(Role.PAYER).get(f"/v1/standings/{person}?last_paid_on=soon").status_code == 422
    for number, source in (("D-1", "civil-registry"), ("D-2", "hospital")):
        void = {"source": source, "record_id": f"V-{number}", "event_at": "2026-04-01T00:00:00Z", "voids": number}
        assert call(Role.REGISTRY, source).post(f"/v1/beneficiaries/{person}/records", void).status_code == 201
    back = pension(call, person)
    assert (back["overpaid"], back["owed_until"], back["payment"]) == (None, None, "continue")
    assert back["back_pay_from"] == "2026-04-20"
    with service.unit() as unit:
        for row in determinations_of(unit.db, beneficiary_id=UUID(person)):
            assert replay(unit, row.id).identical


@pytest.mark.parametrize(
    ("field", "rubbish", "code"),
    [
        ("monthly_amount", "1,250.00", "monthly_amount_invalid"),
        ("monthly_amount", "NaN", "monthly_amount_invalid"),
        ("monthly_amount", "-1", "monthly_amount_invalid"),
        ("monthly_amount", "2026-02-01=5;2026-01-01=6", "monthly_amount_invalid"),
        ("monthly_amount", "2026-02-30=5", "monthly_amount_invalid"),
        ("currency", "euro", "currency_invalid"),
        ("ends_on", "2014-12-31", "ends_on_invalid"),
        ("second_residence", "Spain", "second_residence_invalid"),
    ],
)
def test_attack_rubbish_in_the_terms_is_refused_with_its_code(
    officer: Caller, field: str, rubbish: str, code: str
) -> None:
    terms = {"monthly_amount": "5.00", "currency": "EUR", field: rubbish}
    body = {
        "national_id": "LAW0002",
        "name": "Ada Law",
        "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01", **terms}],
    }
    answer = officer.post("/v1/beneficiaries", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_half_pay_in_prison_needs_a_record_two_officers_and_its_days(call: Call, officer: Caller, clock: Clock) -> None:
    person = enrol(officer, "disability", monthly_amount="901.00", currency="EUR", review_on="never")
    prison = {"about": "prison", "scheme": "disability", "since": "2026-01-10", "until": "2026-06-30"}
    record(call, person, "P-1", "prison")
    assert pension(call, person)["payable"] == "1", "a record alone takes nothing"
    asked = propose(call, person, "part_payable", prison)
    assert asked.status_code == 202, asked.text
    assert pension(call, person)["payable"] == "1", "one officer alone takes nothing"
    number = asked.json()["id"]
    again = call(Role.OFFICER, "first").post(f"/v1/proposals/{number}/carry-out")
    assert (again.status_code, again.json()["code"]) == (409, "second_officer_needed")
    assert call(Role.OFFICER, "second").post(f"/v1/proposals/{number}/carry-out").status_code == 200
    shown = pension(call, person)
    assert (shown["payable"], shown["payable_amount"], shown["payment"]) == ("1/2", "450.50", "continue")
    (part,) = shown["parts"]
    assert (part["rule"], part["fraction"], part["since"], part["until"]) == (
        "prison", "1/2", "2026-01-10", "2026-06-30",
    )  # fmt: skip
    assert len(part["facts"]) == 2
    assert cases(call) == [], "the record asks no officer again"
    clock.now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert pension(call, person)["payable"] == "1", "the part has ended"
    void = {"source": "civil-registry", "record_id": "V", "event_at": "2026-02-01T00:00:00Z", "voids": "P-1"}
    call(Role.REGISTRY, "civil-registry").post(f"/v1/beneficiaries/{person}/records", void)
    assert pension(call, person)["parts"] == []
    assert cases(call) == ["question"]


@pytest.mark.parametrize(
    ("action", "finding"),
    [
        ("part_payable", {"about": "prison", "scheme": "employee", "since": "2026-01-10"}),
        ("part_payable", {"about": "prison", "scheme": "orphan", "since": "2026-01-10"}),
        ("part_payable", {"about": "prison", "scheme": "disability"}),
        ("condition_met", {"about": "medical_review", "scheme": "disability"}),
        ("condition_met", {"about": "study", "scheme": "disability", "until": "2027-01-01"}),
        (
            "part_payable",
            {"about": "prison", "scheme": "disability", "since": "2026-02-01", "until": "2026-01-01"},
        ),
        ("record_changes_nothing", {"about": "death", "scheme": "disability"}),
    ],
)
def test_a_finding_that_the_policy_does_not_know_is_refused(
    call: Call, officer: Caller, action: str, finding: dict[str, str]
) -> None:
    person = enrol(officer, "disability", review_on="never")
    answer = propose(call, person, action, finding)
    assert (answer.status_code, answer.json()["code"]) == (422, "finding_invalid")


def test_attack_a_false_marriage_asks_and_two_officers_answer_it(call: Call, officer: Caller) -> None:
    person = enrol(officer, "survivor", relation="spouse")
    for number, source in (("M-1", "civil-registry"), ("M-2", "hospital")):
        record(call, person, number, "remarriage", source)
    assert pension(call, person)["payment"] == "continue"
    assert cases(call) == ["question"]
    wrong = {"about": "remarriage", "scheme": "survivor"}
    asked = propose(call, person, "record_changes_nothing", wrong)
    assert asked.status_code == 202
    assert call(Role.OFFICER, "second").post(f"/v1/proposals/{asked.json()['id']}/carry-out").status_code == 200
    assert cases(call) == []
    nothing = propose(call, person, "record_changes_nothing", wrong)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_find")


def test_an_orphan_is_told_the_end_and_studies_on(call: Call, officer: Caller, clock: Clock, service: Service) -> None:
    person = enrol(officer, "orphan", birth_date="2008-06-20", ends_on="2026-06-30", payee="guardian", relation="child")
    shown = pension(call, person)
    assert (shown["entitled_until"], shown["payee"], shown["payment"]) == ("2026-06-30", "guardian", "continue")
    clock.now = datetime(2026, 4, 1, 12, tzinfo=UTC)
    determine_due(service)
    assert cases(call) == ["entitlement_ends"]
    study = {"about": "study", "scheme": "orphan", "until": "2027-08-31"}
    done = propose(call, person, "condition_met", study)
    assert done.status_code == 200, "one officer is enough for what keeps a pension going"
    assert cases(call) == []
    assert pension(call, person)["entitled_until"] == "2027-08-31"
    clock.now = datetime(2026, 7, 2, 12, tzinfo=UTC)
    determine_due(service)
    assert pension(call, person)["payment"] == "continue"
    clock.now = datetime(2027, 9, 2, 12, tzinfo=UTC)
    determine_due(service)
    ended = pension(call, person)
    assert (ended["payment"], ended["owed_until"]) == ("stop", "2027-08-31")


def test_erasure_takes_the_terms_out_of_every_row(officer: Caller, service: Service) -> None:
    person = UUID(enrol(officer, monthly_amount="901.00", currency="EUR", second_residence="ES"))
    with service.unit() as unit:
        assert any("terms" in row.inputs["entitlement"] for row in determinations_of(unit.db, beneficiary_id=person))
        erase(unit, person)
    with service.unit() as unit:
        assert [row.terms for row in entitlements_of(unit.db, person)] == [None]
        assert not any("terms" in r.inputs["entitlement"] for r in determinations_of(unit.db, beneficiary_id=person))


def test_the_own_page_tells_the_end_the_review_and_the_part(call: Call, officer: Caller, service: Service) -> None:
    person = UUID(enrol(officer, "disability", ends_on="2030-06-30", review_on="2027-06-01"))
    record(call, str(person), "P-1", "prison")
    prison = {"about": "prison", "scheme": "disability", "since": "2026-01-10"}
    asked = propose(call, str(person), "part_payable", prison).json()["id"]
    assert call(Role.OFFICER, "second").post(f"/v1/proposals/{asked}/carry-out").status_code == 200
    with service.reading() as unit:
        (shown,) = own_views.own_page(unit, own_page(unit, person), "me").pensions
    assert (str(shown.entitled_until), str(shown.review_on), shown.part) == ("2030-06-30", "2027-06-01", "1/2")

"""Attacks by SQL as a payer, a verifier and an auditor meet them: no answer, and an alarm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import psycopg
import pytest

from certify.decision.cases import open_case
from certify.decision.issue import revoke
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.issuers.tokens import Role
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.service import Service
from certify.storage.certificates import certificates_of
from tests.api.conftest import Caller

pytestmark = pytest.mark.integration


def test_no_answer_comes_from_a_row_that_was_changed_by_sql(
    call: Callable[[Role], Caller], service: Service, owner: psycopg.Connection
) -> None:
    with service.unit("officer") as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary("ALTERED001", "A Person", pension, birth_date=date(1950, 1, 1)))
        case = open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON)
        rule(unit, case.id, officer="officer-1", decision=Decision.CONFIRM_ALIVE)
    payer, auditor = call(Role.PAYER), call(Role.AUDITOR)
    number = certificate(service, person)
    text = auditor.get(f"/v1/certificates/{number}").json()["text"]
    with service.unit("officer") as unit:
        revoke(unit, number, reason="stolen")
    owner.execute("set session_replication_role = replica")
    owner.execute("update certificates set state = 'valid', reason = null")
    owner.execute("update entitlements set valid_until = '2099-01-01'")
    owner.execute("update review_cases set closed_by = 'somebody'")
    other = "convert_to(replace(convert_from(entry, 'utf8'), 'officer', 'another'), 'utf8')"
    owner.execute(f"update ledger_leaves set entry = {other}")
    for answer in (
        payer.get(f"/v1/standings/{person}"),
        payer.post("/v1/standings/lookup", {"national_id": "ALTERED001"}),
        auditor.get(f"/v1/certificates/{number}"),
        auditor.get(f"/v1/certificates/{number}/pdf"),
        auditor.post("/v1/verify", {"text": text}),
        auditor.get(f"/v1/review-cases/{case.id}"),
        auditor.get("/v1/ledger/entries/0?size=3"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "row_altered"), answer.text
        assert "audit standing" in answer.json()["hint"]
    metrics = call(Role.OPERATOR).get("/metrics").text
    assert 'certify_rows_altered_total{table="certificates"}' in metrics
    assert 'certify_rows_altered_total{table="entitlements"}' in metrics


def certificate(service: Service, person: object) -> str:
    with service.reading() as unit:
        return certificates_of(unit.db, person)[0].number  # type: ignore[arg-type]

"""A repeated request with the same Idempotency-Key gets the first answer and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from certify.issuers.tokens import Role
from certify.service import Service
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.service import IdempotencyRow
from tests.api.conftest import ENROLMENT, Caller

pytestmark = pytest.mark.integration


def test_a_repeat_with_the_same_key_gets_the_same_answer_and_changes_nothing(officer: Caller, service: Service) -> None:
    first = officer.post("/v1/beneficiaries", ENROLMENT, key="the-same-key")
    second = officer.post("/v1/beneficiaries", ENROLMENT, key="the-same-key")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    with service.unit() as unit:
        assert unit.db.query(BeneficiaryRow).count() == 1
        stored = unit.db.query(IdempotencyRow).one()
        assert b"A Person" not in (stored.body or b""), "stored answers are sealed"


def test_a_key_with_another_request_is_refused(officer: Caller) -> None:
    officer.post("/v1/beneficiaries", ENROLMENT, key="the-same-key")
    answer = officer.post("/v1/beneficiaries", ENROLMENT | {"national_id": "OTHER0001"}, key="the-same-key")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_keys_of_different_callers_are_independent(officer: Caller, call: Callable[[Role], Caller]) -> None:
    assert officer.post("/v1/beneficiaries", ENROLMENT, key="the-same-key").status_code == 201
    other = call(Role.SUPERVISOR).post(
        "/v1/beneficiaries", ENROLMENT | {"national_id": "OTHER0001"}, key="the-same-key"
    )
    assert other.status_code == 201


def test_a_failed_request_does_not_use_up_its_key(officer: Caller) -> None:
    bad = officer.post("/v1/beneficiaries", ENROLMENT | {"national_id": "1"}, key="the-same-key")
    assert bad.status_code == 422
    assert officer.post("/v1/beneficiaries", ENROLMENT, key="the-same-key").status_code == 201


def test_without_a_key_nothing_is_changed(officer: Caller) -> None:
    answer = officer.client.post(
        "/v1/beneficiaries", json=ENROLMENT, headers={"Authorization": f"Bearer {officer.token}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")

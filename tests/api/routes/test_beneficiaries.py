"""Enrolment over HTTP: pensions that are taken over are not overdue at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from certify.issuers.tokens import Role
from tests.api.conftest import ENROLMENT, Caller

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("paid_already", "standing"), [(True, "due"), (False, "overdue")])
def test_a_pension_that_is_paid_already_is_asked_for_on_a_birthday(
    call: Callable[[Role], Caller], paid_already: bool, standing: str
) -> None:
    pension = {"scheme": "employee", "starts_on": "2010-05-01", "paid_already": paid_already}
    body = ENROLMENT | {"birth_date": "1950-09-30", "entitlements": [pension]}
    answer = call(Role.ENROLLER).post("/v1/beneficiaries", body)
    assert answer.status_code == 201
    shown = call(Role.PAYER).get(f"/v1/standings/{answer.json()['id']}").json()["pensions"][0]
    assert shown["standing"] == standing
    case = call(Role.OFFICER).get("/v1/review-cases").json()["items"]
    assert bool(case) is not paid_already

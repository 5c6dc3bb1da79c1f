"""Receipts over HTTP: their content and readers, denying a record, and the certificate on request."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from certify.decision.determine import determine
from certify.decision.record import NewRecord, record
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service
from tests.api.conftest import World

pytestmark = pytest.mark.integration


@pytest.fixture
def silent(service: Service) -> UUID:
    """A person proven alive by a hospital stay ten days ago."""
    pension = NewEntitlement("employee", date(2015, 1, 1))
    with service.unit() as unit:
        person = add_beneficiary(
            unit, NewBeneficiary("SILENT01", "Ana Pereira", (pension,), birth_date=date(1944, 4, 4))
        )
        stay = unit.now - timedelta(days=10)
        record(unit, person, NewRecord(source="hospital", record_id="1", event_at=stay, act="hospital_stay"))
        determine(unit, person)
    return person


def _receipts(world: World, person: UUID) -> Any:
    answer = world.officer.get(f"/v1/beneficiaries/{person}/receipts")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_receipt_shows_source_act_and_weight(world: World, silent: UUID) -> None:
    (receipt,) = _receipts(world, silent)
    (item,) = receipt["items"]
    assert (item["source"], item["act"], item["weight"], item["denied"]) == ("hospital", "hospital_stay", 1.0, False)


def test_not_me_withdraws_the_record_once(world: World, silent: UUID) -> None:
    record_id = _receipts(world, silent)[0]["items"][0]["evidence_id"]
    path = f"/v1/beneficiaries/{silent}/receipts/{record_id}/not-me"
    first = world.officer.post(path)
    assert (first.status_code, first.json()["kind"]) == (201, "not_me")
    assert world.officer.post(path).json()["id"] == first.json()["id"]
    assert _receipts(world, silent)[0]["items"][0]["denied"]
    pension = world.officer.get(f"/v1/beneficiaries/{silent}").json()["entitlements"][0]
    assert pension["standing"] != "certified"
    assert pension["payment"] == "continue"
    assert world.officer.post(f"/v1/beneficiaries/{silent}/certificate").json()["code"] == "not_certified"


def test_registries_payers_and_enrollers_may_not_read_receipts(world: World, silent: UUID) -> None:
    for caller in (world.registry, world.payer, world.enroller):
        assert caller.get(f"/v1/beneficiaries/{silent}/receipts").status_code == 403


def test_the_certificate_after_silent_certification_is_issued_on_request(world: World, silent: UUID) -> None:
    answer = world.officer.post(f"/v1/beneficiaries/{silent}/certificate")
    assert answer.status_code == 201, answer.text
    number = answer.json()["number"]
    assert world.officer.post(f"/v1/beneficiaries/{silent}/certificate").json()["number"] == number

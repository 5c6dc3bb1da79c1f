"""Standings change by themselves on the right day, for every person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.approvals.erase import erase
from certify.decision.determine import determine, determine_due
from certify.decision.record import NewRecord, record
from certify.domain.passage import next_change
from certify.domain.schedule import add_days
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service, Unit
from certify.storage.people import entitlements_of
from certify.storage.reviews import open_cases_of
from tests.certify.domain import strategies as some


@given(some.cases(), st.integers(1, 500))
def test_between_two_changes_nothing_changes(case: some.Case, days: int) -> None:
    """Deciding on any day before the next change gives the same standing, payment and next step."""
    now = case.decide()
    change = next_change(case.entitlement, case.policy, now)
    day = add_days(case.as_of, days)
    if change is not None and day >= change:
        return
    later = replace(case, as_of=day).decide()
    assert (later.standing, later.payment, later.next_step) == (now.standing, now.payment, now.next_step)


@pytest.mark.integration
def test_a_pension_changes_by_itself_through_its_year(service: Service, clock: Any) -> None:
    clock.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2020, 1, 1), date(2025, 6, 1)),)
        person = add_beneficiary(unit, NewBeneficiary("TIME0001", "Grace", pension, birth_date=date(1946, 12, 9)))
        determine(unit, person)
    assert _standing(service, person) == ("certified", "nothing")
    changes = []
    for _ in range(400):
        clock.advance(timedelta(days=1))
        if determine_due(service):
            changes.append((clock.now.date().isoformat(), *_standing(service, person)))
    assert changes == [
        ("2026-03-03", "certified", "renew"),
        ("2026-06-02", "grace", "certify"),
        ("2026-08-01", "overdue", "certify"),
    ]
    with service.unit() as unit:
        assert [case.kind for case in open_cases_of(unit.db, person)] == ["overdue"]
        assert entitlements_of(unit.db, person)[0].payment == "continue"
    assert determine_due(service) == 0


@pytest.mark.integration
def test_the_eightieth_birthday_opens_the_subsidy(service: Service, clock: Any) -> None:
    clock.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with service.unit() as unit:
        pension = (NewEntitlement("elderly_subsidy", date(2026, 1, 1), date(2026, 2, 1)),)
        person = add_beneficiary(unit, NewBeneficiary("TIME0002", "Ada", pension, birth_date=date(1946, 3, 10)))
        determine(unit, person)
    assert _standing(service, person)[0] == "due"
    clock.now = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    assert determine_due(service) == 1
    assert _standing(service, person)[0] == "certified"


@pytest.mark.integration
def test_a_death_dated_later_today_counts_now_and_erased_people_are_not_determined(
    service: Service, clock: Any
) -> None:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2020, 1, 1), date(2025, 12, 1)),)
        person = add_beneficiary(unit, NewBeneficiary("TIME0003", "Mae", pension))
        determine(unit, person)
        late = clock.now + timedelta(hours=20)
        record(unit, person, NewRecord(source="registry", record_id="1", event_at=late, adverse="death"))
    assert _standing(service, person)[0] == "paused"
    with service.unit() as unit:
        erase(unit, person)
    clock.advance(timedelta(days=900))
    assert determine_due(service) == 0


@pytest.mark.integration
def test_one_failure_does_not_hold_up_the_others(service: Service, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = []
    with service.unit() as unit:
        for number in range(3):
            pension = (NewEntitlement("employee", date(2020, 1, 1), date(2025, 12, 1)),)
            people.append(add_beneficiary(unit, NewBeneficiary(f"TIME01{number}", "Mae", pension)))
            determine(unit, people[-1])
    clock.advance(timedelta(days=290))

    def broken_for_one(unit: Unit, beneficiary_id: UUID) -> None:
        if beneficiary_id == people[1]:
            raise RuntimeError("broken")
        determine(unit, beneficiary_id)

    monkeypatch.setattr("certify.decision.determine.determine", broken_for_one)
    determine_due(service)
    assert [_standing(service, person)[0] for person in people] == ["grace", "certified", "grace"]


def _standing(service: Service, person: UUID) -> tuple[str | None, str | None]:
    with service.unit() as unit:
        row = entitlements_of(unit.db, person)[0]
        return row.standing, row.next_step

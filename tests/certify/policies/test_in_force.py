"""A scheme's later rules wait for their day, in the scheme's time zone, and a replay uses the rules of its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certify.audit.replay import replay
from certify.decision.determine import determine
from certify.domain.policy import PolicyInvalid
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.policies import load_policies
from certify.service import Service
from certify.storage.facts import determinations_of
from tests.certify.policies.folders import folder

FIRST_DAY = date(2027, 1, 1)
MIDNIGHT = datetime(2026, 12, 31, 16, tzinfo=UTC)  # in Shanghai


def rules(title: str, *, months: int = 12, since: str = "") -> str:
    first = f"in_force_from = {since}\n" if since else ""
    return f'scheme = "employee"\ntitle = "{title}"\nvalidity_months = {months}\n{first}'


def test_later_rules_wait_for_midnight_in_the_zone_of_the_scheme(tmp_path: Path) -> None:
    # A day may be written as TOML writes days, or as text.
    path = folder(tmp_path, a=rules("now"), b=rules("later", since="2027-01-01"), c=rules("last", since='"2027-07-01"'))
    policies = load_policies(path)
    titles = [
        policies.at(lambda now=now: now)["employee"].policy.title  # type: ignore[misc]
        for now in (MIDNIGHT - timedelta(seconds=1), MIDNIGHT, datetime(2030, 1, 1, tzinfo=UTC))
    ]
    assert titles == ["now", "later", "last"]
    assert [one.policy.title for one in policies.versions("employee")] == ["now", "later", "last"]
    assert len({one.sha256 for one in policies.versions("employee")}) == 3


def test_a_scheme_whose_rules_all_wait_is_not_known_yet(tmp_path: Path) -> None:
    policies = load_policies(folder(tmp_path, a=rules("later", since="2027-01-01")))
    before, after = policies.at(lambda: MIDNIGHT - timedelta(seconds=1)), policies.at(lambda: MIDNIGHT)
    assert (list(before), len(before), "employee" in before) == ([], 0, False)
    assert (list(after), len(after), "employee" in after) == (["employee"], 1, True)


@pytest.mark.parametrize("since", ["", "2027-01-01"])
def test_two_rules_of_one_day_are_refused(tmp_path: Path, since: str) -> None:
    with pytest.raises(PolicyInvalid, match=r"b\.toml.*twice"):
        load_policies(folder(tmp_path, a=rules("one", since=since), b=rules("other", since=since)))


@pytest.mark.integration
def test_a_determination_replays_under_the_rules_of_its_day(service: Service, tmp_path: Path, clock: Any) -> None:
    path = folder(tmp_path, a=rules("now"), b=rules("later", months=6, since="2027-01-01"))
    service = replace(service, policies=load_policies(path))
    clock.now = MIDNIGHT - timedelta(hours=1)
    with service.unit() as unit:
        pension = NewEntitlement("employee", date(2015, 1, 1), date(2026, 3, 31))
        person = add_beneficiary(unit, NewBeneficiary("RULES001", "Someone", (pension,)))
        (before,) = determine(unit, person).determinations
    clock.now = MIDNIGHT
    with service.unit() as unit:
        (after,) = determine(unit, person).determinations
        assert (before.valid_until, after.valid_until) == (date(2027, 3, 31), date(2026, 9, 30))
        for row in determinations_of(unit.db, beneficiary_id=person):
            assert replay(unit, row.id).identical

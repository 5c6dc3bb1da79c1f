"""Until when a stopped pension is owed: the payer learns the day, and nothing of it before the payment stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from certify.domain.decide import Determination, Standing, decide
from certify.domain.evidence import Evidence, Ruling
from certify.domain.policy import OwedUntil, Policy, PolicyInvalid, parse_policy
from certify.domain.reasons import Code
from certify.policies import load_policies
from tests.certify.domain.examples import adverse, at, pension, ruling, void
from tests.certify.domain.strategies import SHIPPED

EMPLOYEE = SHIPPED["employee"]
TODAY = date(2026, 6, 1)


def until(end: OwedUntil | None) -> Policy:
    return replace(EMPLOYEE, adverse={**EMPLOYEE.adverse, "death": replace(EMPLOYEE.adverse["death"], owed_until=end)})


def owed(evidence: list[Evidence], policy: Policy = EMPLOYEE) -> tuple[Standing, str | None, tuple[str, ...]]:
    found: Determination = decide(pension(), policy, evidence, TODAY)
    reasons = [why for why in found.reasons if why.code is Code.OWED_UNTIL]
    assert len(reasons) <= 1
    return found.standing, dict(reasons[0].params)["date"] if reasons else None, reasons[0].facts if reasons else ()


def test_a_death_ends_what_is_owed_only_when_the_payment_stops() -> None:
    one = adverse("death", at(2026, 2, 10), "civil registry")
    assert owed([one]) == (Standing.PAUSED, None, ())
    other = adverse("death", at(2026, 2, 12), "hospital")
    assert owed([one, other]) == (Standing.STOPPED, "2026-02-28", (one.id, other.id))
    assert owed([one, other, void(other, at(2026, 3, 1), "hospital")]) == (Standing.PAUSED, None, ())


def test_of_two_days_the_later_counts() -> None:
    reports: list[Evidence] = [
        adverse("death", at(2026, 1, 31), "civil registry"),
        adverse("death", at(2026, 2, 1), "hospital"),
    ]
    assert owed(reports)[1] == "2026-02-28"
    assert owed(reports, until(OwedUntil.DAY))[1] == "2026-02-01"
    assert owed(reports, until(None))[1] is None, "policies of earlier releases say nothing"


def test_an_officers_stop_says_it_if_a_death_is_reported() -> None:
    death = adverse("death", at(2026, 2, 10), "civil registry")
    stop = ruling(Ruling.STOP, at(2026, 3, 1))
    assert owed([death, stop])[:2] == (Standing.STOPPED, "2026-02-28")
    assert owed([stop])[:2] == (Standing.STOPPED, None)


def test_a_record_that_stops_nothing_cannot_end_what_is_owed() -> None:
    document = dict(load_policies()["employee"].document)
    rules = {**document["adverse"], "missing": {"effect": "pause", "owed_until": "month"}}
    with pytest.raises(PolicyInvalid, match="owed_until"):
        parse_policy(document | {"adverse": rules})

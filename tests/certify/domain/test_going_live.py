"""First proofs of pensions that a fund takes over: spread over a year, and no pension is overdue at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from certify.domain.decide import Entitlement, Standing, decide
from certify.domain.going_live import first_due_on
from certify.domain.policy import PolicyInvalid, parse_policy
from certify.domain.reasons import Code
from certify.policies import load_policies

EMPLOYEE = load_policies()["employee"].policy
TODAY = date(2026, 11, 30)
WINDOW = timedelta(days=EMPLOYEE.window_days)


def first(
    birth: date | None = date(1950, 5, 6),
    *,
    starts: date = date(2015, 1, 1),
    proof: date | None = None,
    asks_from: date | None = None,
    key: str = "a person",
) -> date | None:
    policy = replace(EMPLOYEE, asks_from=asks_from)
    return first_due_on(policy, starts_on=starts, last_proof_on=proof, birth_date=birth, asked_from=TODAY, key=key)


@pytest.mark.parametrize(
    ("birth", "due"),
    [
        (date(1950, 5, 6), date(2027, 5, 6)),
        (date(1950, 2, 28), date(2027, 2, 28)),  # the first day after a window of 90 days
        (date(1950, 2, 27), date(2028, 2, 27)),
        (date(1952, 2, 29), date(2027, 2, 28)),
        (date(1950, 12, 1), date(2027, 12, 1)),
    ],
)
def test_the_first_proof_is_due_on_a_birthday_after_a_whole_window(birth: date, due: date) -> None:
    assert first(birth) == due


def test_the_first_proofs_of_a_fund_spread_over_twelve_months() -> None:
    births: list[date | None] = [date(1940, 1, 1) + timedelta(days=11 * number) for number in range(1_000)]
    # As in many registers: a tenth has no birth date, and a fifth stands on 1 January.
    births += [None] * 150 + [date(1940 + number % 30, 1, 1) for number in range(300)]
    found = [first(birth, key=f"person {number}") for number, birth in enumerate(births)]
    days = [day for day in found if day is not None]
    assert len(days) == len(births)
    assert min(days) >= TODAY + WINDOW
    assert max(days) <= TODAY + WINDOW + timedelta(days=366)
    months = Counter((day.year, day.month) for day in days)
    assert max(months.values()) < 2 * len(days) / 12


def test_no_one_is_overdue_when_the_fund_begins() -> None:
    for birth in (None, *(date(1950, month, 15) for month in range(1, 13))):
        pension = Entitlement("p", "employee", date(2015, 1, 1), birth, None, first(birth))
        found = decide(pension, EMPLOYEE, (), TODAY)
        assert (found.standing, found.review) == (Standing.DUE, False)
        assert found.reasons[0].code is Code.NEVER_PROVEN
        assert decide(replace(pension, first_due_on=None), EMPLOYEE, (), TODAY).standing is Standing.OVERDUE
        late = found.timetable.grace_until + timedelta(days=1)
        assert decide(pension, EMPLOYEE, (), late).standing is Standing.OVERDUE, "the year after, rules are as ever"


def test_a_pension_that_is_due_in_its_own_time_stays_so() -> None:
    assert first(starts=date(2026, 6, 1)) is None
    assert first(proof=date(2026, 3, 1)) is None
    assert first(proof=date(2020, 3, 1)) is None, "the fund knows a proof, and it has lapsed"


def test_before_its_start_a_scheme_asks_no_one() -> None:
    start = date(2027, 7, 1)
    assert first(asks_from=start) == date(2028, 5, 6)
    assert first(asks_from=start, proof=date(2026, 3, 1)) == date(2028, 5, 6)
    assert first(asks_from=start, proof=date(2026, 9, 1)) is None, "valid beyond the start"
    assert first(asks_from=date(2020, 1, 1)) == first(), "a start that is past changes nothing"


@pytest.mark.parametrize("value", ["1 July", 20270101, "2027-02-30"])
def test_the_start_of_a_scheme_is_a_day(value: object) -> None:
    shipped = dict(load_policies()["employee"].document)
    assert parse_policy(shipped | {"asks_from": "2027-01-01"}).asks_from == date(2027, 1, 1)
    with pytest.raises(PolicyInvalid, match="asks_from"):
        parse_policy(shipped | {"asks_from": value})

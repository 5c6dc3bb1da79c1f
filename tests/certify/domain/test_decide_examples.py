"""Decisions on proofs and dates, that a reader can check by hand, each on a shipped policy."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from certify.domain.channels import Channel
from certify.domain.decide import NextStep, Payment, Standing
from certify.domain.reasons import Code
from tests.certify.domain.examples import at, capture, codes, decided, pension, sign
from tests.certify.domain.strategies import WITHOUT_AGE


def test_a_proof_on_the_leap_day_is_good_until_the_28th() -> None:
    for day, standing in ((date(2025, 2, 28), Standing.CERTIFIED), (date(2025, 3, 1), Standing.GRACE)):
        determination = decided(pension(), [capture(at(2024, 2, 29))], day)
        assert (determination.valid_until, determination.standing) == (date(2025, 2, 28), standing)


def test_dates_are_those_of_the_scheme_in_shanghai() -> None:
    evidence = [capture(at(2026, 6, 1, 23, 30))]
    assert decided(pension(), evidence, date(2026, 6, 2)).proven_on == date(2026, 6, 2)
    early = decided(pension(), evidence, date(2026, 6, 1))
    assert (early.proven_on, codes(early) & {Code.FUTURE_DATED}) == (None, {Code.FUTURE_DATED})


@pytest.mark.parametrize(
    ("day", "standing", "step", "review"),
    [
        (date(2026, 6, 1), Standing.CERTIFIED, NextStep.NOTHING, False),
        (date(2027, 3, 2), Standing.CERTIFIED, NextStep.NOTHING, False),
        (date(2027, 3, 3), Standing.CERTIFIED, NextStep.RENEW, False),
        (date(2027, 6, 1), Standing.CERTIFIED, NextStep.RENEW, False),
        (date(2027, 6, 2), Standing.GRACE, NextStep.CERTIFY, False),
        (date(2027, 7, 31), Standing.GRACE, NextStep.CERTIFY, False),
        (date(2027, 8, 1), Standing.OVERDUE, NextStep.CERTIFY, True),
        (date(2099, 1, 1), Standing.OVERDUE, NextStep.CERTIFY, True),
    ],
)
def test_a_year_of_one_proof(day: date, standing: Standing, step: NextStep, review: bool) -> None:
    determination = decided(pension(), [capture(at(2026, 6, 1))], day)
    assert (determination.standing, determination.next_step, determination.review) == (standing, step, review)
    assert determination.payment is Payment.CONTINUE


def test_validity_rolls_from_each_proof() -> None:
    evidence = [capture(at(2026, 6, 1)), capture(at(2027, 4, 10), fact_id="second")]
    determination = decided(pension(), evidence, date(2027, 4, 10))
    assert (determination.proven_on, determination.valid_until) == (date(2027, 4, 10), date(2028, 4, 10))


def test_the_first_proof_is_due_a_year_after_the_pension_starts() -> None:
    entitlement = pension(starts_on=date(2026, 1, 15))
    for day, standing in (
        (date(2026, 1, 15), Standing.DUE),
        (date(2027, 1, 15), Standing.DUE),
        (date(2027, 1, 16), Standing.GRACE),
    ):
        determination = decided(entitlement, [], day)
        assert (determination.standing, determination.next_step) == (standing, NextStep.CERTIFY)
        assert codes(determination) >= {Code.NEVER_PROVEN}


def test_a_proof_from_before_the_pension_never_makes_the_first_one_due_earlier() -> None:
    entitlement = pension(starts_on=date(2026, 1, 15), last_proof_on=date(2022, 3, 1))
    determination = decided(entitlement, [], date(2026, 6, 1))
    assert (determination.standing, determination.timetable.due_on) == (Standing.DUE, date(2027, 1, 15))
    assert codes(determination) == {Code.PROOF_EXPIRED}


def test_a_certificate_about_to_run_out_can_be_renewed_before_the_first_proof_is_due() -> None:
    entitlement = pension(starts_on=date(2026, 1, 15))
    determination = decided(entitlement, [capture(at(2025, 7, 1))], date(2026, 6, 1))
    assert (determination.standing, determination.next_step) == (Standing.CERTIFIED, NextStep.RENEW)


def test_a_proof_from_before_the_service_counts_until_it_runs_out() -> None:
    entitlement = pension(last_proof_on=date(2026, 1, 10))
    determination = decided(entitlement, [], date(2026, 6, 1))
    assert (determination.standing, determination.method, determination.assurance) == (
        Standing.CERTIFIED,
        Channel.PRIOR,
        "prior",
    )


def test_an_earlier_proof_with_a_future_date_is_left_out() -> None:
    determination = decided(pension(last_proof_on=date(2027, 1, 10)), [], date(2026, 6, 1))
    assert determination.proven_on is None
    assert Code.FUTURE_DATED in codes(determination)


def test_from_95_on_the_subsidy_needs_a_proof_that_shows_the_person() -> None:
    evidence = [sign("hospital_stay", at(2026, 5, 1))]
    on_time = {date(1931, 5, 2): Standing.CERTIFIED, date(1931, 5, 1): Standing.OVERDUE, None: Standing.DUE}
    for born, standing in on_time.items():
        starts_on = date(2026, 5, 1) if born is None else date(2010, 1, 1)
        entitlement = pension("elderly_subsidy", born=born, starts_on=starts_on)
        assert decided(entitlement, evidence, date(2026, 6, 1)).standing is standing
    seen = [*evidence, capture(at(2026, 5, 1))]
    entitlement = pension("elderly_subsidy", born=date(1931, 5, 1))
    assert decided(entitlement, seen, date(2026, 6, 1)).standing is Standing.CERTIFIED


def test_the_same_records_prove_life_for_an_ordinary_pension_at_any_age() -> None:
    entitlement = pension(born=date(1931, 5, 1))
    determination = decided(entitlement, [sign("hospital_stay", at(2026, 5, 1))], date(2026, 6, 1))
    assert (determination.standing, determination.method) == (Standing.CERTIFIED, Channel.DATA)


def test_the_elderly_subsidy_begins_on_the_80th_birthday() -> None:
    entitlement = pension("elderly_subsidy", born=date(1946, 6, 2))
    evidence = [capture(at(2026, 5, 1))]
    young = decided(entitlement, evidence, date(2026, 6, 1))
    assert (young.standing, codes(young) >= {Code.BELOW_MINIMUM_AGE}) == (Standing.DUE, True)
    assert decided(entitlement, evidence, date(2026, 6, 2)).standing is Standing.CERTIFIED
    unknown = decided(pension("elderly_subsidy", born=None), evidence, date(2026, 6, 1))
    assert (unknown.standing, unknown.review) == (Standing.DUE, True)
    assert Code.AGE_NOT_ASSESSED in codes(unknown)


def test_after_three_failed_attempts_an_agent_comes() -> None:
    failures = [capture(at(2026, 5, day), llr=-3.0, fact_id=f"try {day}") for day in (1, 2, 3)]
    entitlement = pension(starts_on=date(2026, 1, 1))
    two = decided(entitlement, failures[:2], date(2026, 5, 3))
    assert (two.next_step, Code.FACE_DOES_NOT_MATCH in codes(two)) == (NextStep.RETRY, True)
    three = decided(entitlement, failures, date(2026, 5, 31))
    assert (three.next_step, Code.TOO_MANY_ATTEMPTS in codes(three)) == (NextStep.DOORSTEP, True)
    later = decided(entitlement, failures, date(2026, 6, 1))  # the first of them is 31 days ago
    assert later.next_step is NextStep.RETRY
    proven = decided(entitlement, [*failures, capture(at(2026, 5, 4))], date(2026, 5, 31))
    assert (proven.standing, proven.next_step) == (Standing.CERTIFIED, NextStep.NOTHING)


def test_one_proof_serves_every_pension_of_a_person() -> None:
    evidence = [capture(at(2026, 5, 1))]
    for scheme in set(WITHOUT_AGE) - {"elderly_subsidy"}:
        determination = decided(pension(scheme), evidence, date(2026, 6, 1))
        assert (determination.standing, determination.valid_until) == (Standing.CERTIFIED, date(2027, 5, 1))
        assert determination.assurance == "face+liveness"


def test_at_the_end_of_the_calendar_nothing_breaks() -> None:
    determination = decided(pension(last_proof_on=date.max), [capture(datetime.max.replace(tzinfo=UTC))], date.max)
    assert (determination.standing, determination.valid_until) == (Standing.CERTIFIED, date.max)
    decided(pension(starts_on=date.min, born=date.min), [], date.min)

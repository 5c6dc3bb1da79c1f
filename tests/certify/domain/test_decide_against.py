"""Decisions on reports against a person, that a reader can check by hand, each on a shipped policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from certify.domain.channels import Channel
from certify.domain.decide import Entitlement, NextStep, Payment, Standing, decide
from certify.domain.evidence import (
    AdverseRecord,
    Check,
    Evidence,
    Ruling,
)
from certify.domain.reasons import Code
from tests.certify.domain.examples import BORN, adverse, at, capture, codes, decided, pension, ruling, void
from tests.certify.domain.strategies import SHIPPED


def test_one_report_of_death_pauses_and_never_stops() -> None:
    evidence = [capture(at(2026, 1, 1)), adverse("death", at(2026, 2, 1))]
    determination = decided(pension(), evidence, date(2026, 6, 1))
    assert (determination.standing, determination.payment) == (Standing.PAUSED, Payment.CONTINUE)
    assert (determination.next_step, determination.review) == (NextStep.REVIEW, True)
    assert determination.valid_until == date(2027, 1, 1)


def test_the_same_source_twice_is_still_one_source() -> None:
    evidence = [adverse("death", at(2026, 2, 1)), adverse("death_abroad", at(2026, 2, 2))]
    assert decided(pension(), evidence, date(2026, 6, 1)).payment is Payment.CONTINUE


def test_a_death_and_the_same_death_abroad_are_two_reports_of_it() -> None:
    evidence = [adverse("death", at(2026, 2, 1)), adverse("death_abroad", at(2026, 2, 20), "consulate")]
    assert decided(pension(), evidence, date(2026, 6, 1)).payment is Payment.STOP
    seen = [*evidence, capture(at(2026, 3, 1))]
    assert decided(pension(), seen, date(2026, 6, 1)).payment is Payment.CONTINUE


def test_deaths_decades_apart_contradict_each_other_and_stop_nothing() -> None:
    evidence = [adverse("death", at(1994, 2, 1)), adverse("death", at(2026, 2, 2), "hospital")]
    determination = decided(pension(), evidence, date(2026, 6, 1))
    assert (determination.standing, determination.payment) == (Standing.PAUSED, Payment.CONTINUE)
    assert determination.review
    third = adverse("death_abroad", at(2026, 2, 9), "consulate")
    assert decided(pension(), [*evidence, third], date(2026, 6, 1)).payment is Payment.STOP


def test_a_second_source_stops_and_its_withdrawal_pays_again() -> None:
    first, second = adverse("death", at(2026, 2, 1)), adverse("death", at(2026, 2, 2), "hospital")
    stopped = decided(pension(), [first, second], date(2026, 6, 1))
    assert (stopped.standing, stopped.payment, stopped.next_step) == (
        Standing.STOPPED,
        Payment.STOP,
        NextStep.APPEAL,
    )
    withdrawn = [first, second, void(second, at(2026, 3, 1), "hospital")]
    assert decided(pension(), withdrawn, date(2026, 6, 1)).standing is Standing.PAUSED
    meddled = [first, second, void(second, at(2026, 3, 1), "a neighbour")]
    assert decided(pension(), meddled, date(2026, 6, 1)).standing is Standing.STOPPED


def test_a_proof_after_the_reported_death_gives_a_reason_and_goes_to_an_officer() -> None:
    evidence = [adverse("death", at(2026, 2, 1)), capture(at(2026, 3, 1))]
    determination = decided(pension(), evidence, date(2026, 6, 1))
    assert determination.standing is Standing.PAUSED
    assert Code.PROOF_CONTRADICTS_DEATH in codes(determination)


def test_an_officer_stops_and_an_officer_corrects() -> None:
    stop = ruling(Ruling.STOP, at(2026, 2, 1), fact_id="stop")
    assert decided(pension(), [stop], date(2026, 6, 1)).payment is Payment.STOP
    seen = ruling(Ruling.CONFIRM_ALIVE, at(2026, 3, 1), "stop")
    determination = decided(pension(), [stop, seen], date(2026, 6, 1))
    assert (determination.standing, determination.method) == (Standing.CERTIFIED, Channel.OFFICER)


def test_a_confirmation_does_not_dismiss_another() -> None:
    one = ruling(Ruling.CONFIRM_ALIVE, at(2026, 5, 1), fact_id="one")
    two = ruling(Ruling.CONFIRM_ALIVE, at(2026, 3, 1), "one", "two", fact_id="two")
    assert decided(pension(), [one, two], date(2026, 6, 1)).proven_on == date(2026, 5, 1)


def test_residence_abroad_matters_to_the_resident_pension_alone() -> None:
    moved = adverse("residence_abroad", at(2026, 2, 1))
    evidence = [moved, capture(at(2026, 3, 1))]
    as_of = date(2026, 6, 1)
    resident = decided(pension("resident"), evidence, as_of)
    assert (resident.proven_on, resident.next_step) == (None, NextStep.OTHER_PATH)
    assert resident.channels == (Channel.CONSULATE, Channel.OFFICER)
    employee = decided(pension(), evidence, as_of)
    without = decided(pension(), evidence[1:], as_of)
    keys = ("standing", "payment", "next_step", "valid_until", "channels", "method")
    assert [getattr(employee, key) for key in keys] == [getattr(without, key) for key in keys]
    assert codes(employee) == codes(without), "the scheme knows the kind, and it has no effect"
    unheard_of = decided(pension(), [*evidence[1:], adverse("unheard_of", at(2026, 2, 1))], as_of)
    assert unheard_of.review, "a kind without a rule always goes to an officer"
    assert codes(unheard_of) - codes(without) == {Code.ADVERSE_UNKNOWN_KIND}


def test_another_path_is_asked_for_from_the_move_on_and_not_before() -> None:
    evidence = [capture(at(2026, 1, 1)), adverse("residence_abroad", at(2026, 2, 1))]
    entitlement = pension("resident")
    kept = decided(entitlement, evidence, date(2026, 6, 1))
    assert (kept.standing, kept.valid_until) == (Standing.CERTIFIED, date(2027, 1, 1))
    assert Channel.REMOTE not in kept.channels
    expired = decided(entitlement, evidence, date(2027, 1, 2))
    assert (expired.standing, expired.next_step) == (Standing.GRACE, NextStep.OTHER_PATH)
    same_day = [capture(at(2026, 2, 1)), adverse("residence_abroad", at(2026, 2, 1))]
    assert decided(entitlement, same_day, date(2026, 6, 1)).proven_on is None


@pytest.mark.parametrize(
    ("seen", "live", "more", "resumes", "standing"),
    [
        ((2026, 5, 20), True, (), True, Standing.PAUSED),
        ((2026, 5, 20), False, (), True, Standing.STOPPED),  # one still photo shows no life
        ((2026, 5, 3), True, (), True, Standing.STOPPED),  # before the last report
        ((2026, 5, 20), True, ("police",), True, Standing.STOPPED),  # reported again, later
        ((2026, 5, 20), True, ("officer",), True, Standing.STOPPED),
        ((2026, 5, 20), True, (), False, Standing.STOPPED),
    ],
)
def test_wrongly_declared_dead_by_two_and_seen_alive(
    seen: tuple[int, int, int], live: bool, more: tuple[str, ...], resumes: bool, standing: Standing
) -> None:
    alive = replace(capture(at(*seen)), liveness=Check.PASS if live else Check.NOT_ASSESSED)
    evidence: list[Evidence] = [
        adverse("death", at(2026, 5, 1)),
        adverse("death", at(2026, 5, 4), source="hospital"),
        alive,
    ]
    evidence += [adverse("death", at(2026, 5, 25), source="police")] if "police" in more else []
    evidence += [ruling(Ruling.STOP, at(2026, 5, 26))] if "officer" in more else []
    policy = replace(SHIPPED["employee"], life_resumes_payment=resumes)
    determination = decide(pension(), policy, evidence, date(2026, 6, 1))
    assert determination.standing is standing
    assert (determination.payment is Payment.CONTINUE) == (standing is Standing.PAUSED)
    assert (Code.LIFE_RESUMES_PAYMENT in codes(determination)) == (standing is Standing.PAUSED or "officer" in more)


def report(source: str, institution: str | None, principal: str | None) -> AdverseRecord:
    when = at(2026, 2, 1)
    return AdverseRecord(
        id=f"{source} {institution} {principal}",
        source=source,
        event_at=when,
        recorded_at=when,
        institution=institution,
        principal=principal,
        kind="death",
    )


@pytest.mark.parametrize(
    ("reports", "payment"),
    [
        ([report("reg-a", "ministry", "one"), report("reg-b", "hospital", "two")], Payment.STOP),
        # One token with two sources, two sources of one institution, and one source through two callers.
        ([report("reg-a", "ministry", "one"), report("reg-b", "hospital", "one")], Payment.CONTINUE),
        ([report("reg-a", "ministry", "one"), report("reg-b", "ministry", "two")], Payment.CONTINUE),
        ([report("reg-a", "ministry", "one"), report("reg-a", "hospital", "two")], Payment.CONTINUE),
        # Three reports of which no two are independent.
        (
            [report("a", "ministry", "one"), report("b", "ministry", "two"), report("b", "hospital", "one")],
            Payment.CONTINUE,
        ),
        # From before institutions were recorded: a fact counts as its source, and never beside that source again.
        ([report("reg-a", None, None), report("reg-b", None, None)], Payment.STOP),
        ([report("reg-a", None, None), report("reg-a", "ministry", "one")], Payment.CONTINUE),
        # Two officers are two principals of one institution.
        ([report("officer:anna", "fund", "anna"), report("officer:bo", "fund", "bo")], Payment.CONTINUE),
    ],
)
def test_a_stop_needs_two_institutions_and_two_principals(reports: list[AdverseRecord], payment: Payment) -> None:
    pension = Entitlement("p", "employee", date(2015, 1, 1), BORN, None)
    assert decide(pension, SHIPPED["employee"], reports, date(2026, 3, 1)).payment is payment

"""Decisions that a reader can check by hand, each on a shipped policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import cast

import pytest

from certify.domain.channels import Channel
from certify.domain.decide import Determination, Entitlement, NextStep, Payment, Standing, decide
from certify.domain.evidence import (
    AdverseRecord,
    Attestation,
    Capture,
    Check,
    Evidence,
    Fact,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.reasons import Code
from tests.certify.domain.strategies import SHIPPED

BORN = date(1950, 5, 5)


def at(year: int, month: int, day: int, hour: int = 4, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)  # 04:00 UTC is noon in Shanghai


def capture(when: datetime, *, llr: float | None = 6.0, fact_id: str = "capture") -> Capture:
    return Capture(
        id=fact_id,
        source="certify",
        event_at=when,
        recorded_at=when,
        session_id=f"session of {fact_id}",
        channel=Channel.REMOTE,
        acquired=Check.PASS,
        llr=llr,
        embedders=2,
        liveness=Check.PASS,
        filmed=True,
    )


def adverse(kind: str, when: datetime, source: str = "civil registry") -> AdverseRecord:
    return AdverseRecord(id=f"{kind} by {source}", source=source, event_at=when, recorded_at=when, kind=kind)


def sign(act: str, when: datetime) -> SignOfLife:
    return SignOfLife(id=f"{act} {when:%F}", source="insurer", event_at=when, recorded_at=when, act=act)


def void(target: Evidence, when: datetime, source: str) -> Void:
    return Void(id=f"void of {target.id}", source=source, event_at=when, recorded_at=when, target=target.id)


def ruling(ruled: Ruling, when: datetime, *dismisses: str, fact_id: str = "ruling") -> OfficerRuling:
    return OfficerRuling(
        id=fact_id, source="officer 7", event_at=when, recorded_at=when, ruling=ruled, dismisses=dismisses
    )


def pension(
    scheme: str = "employee",
    *,
    starts_on: date = date(2010, 1, 1),
    born: date | None = BORN,
    last_proof_on: date | None = None,
) -> Entitlement:
    return Entitlement(f"the {scheme} pension", scheme, starts_on, born, last_proof_on)


def decided(entitlement: Entitlement, evidence: Sequence[Fact], as_of: date) -> Determination:
    return decide(entitlement, SHIPPED[entitlement.scheme], [cast("Evidence", fact) for fact in evidence], as_of)


def codes(determination: Determination) -> set[Code]:
    return {reason.code for reason in determination.reasons}


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


def test_one_report_of_death_pauses_and_never_stops() -> None:
    evidence = [capture(at(2026, 1, 1)), adverse("death", at(2026, 2, 1))]
    determination = decided(pension(), evidence, date(2026, 6, 1))
    assert (determination.standing, determination.payment) == (Standing.PAUSED, Payment.CONTINUE)
    assert (determination.next_step, determination.review) == (NextStep.REVIEW, True)
    assert determination.valid_until == date(2027, 1, 1)


def test_the_same_source_twice_is_still_one_source() -> None:
    evidence = [adverse("death", at(2026, 2, 1)), adverse("death_abroad", at(2026, 2, 2), "consulate")]
    assert decided(pension(), evidence, date(2026, 6, 1)).payment is Payment.CONTINUE


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
    for scheme in set(SHIPPED) - {"elderly_subsidy"}:
        determination = decided(pension(scheme), evidence, date(2026, 6, 1))
        assert (determination.standing, determination.valid_until) == (Standing.CERTIFIED, date(2027, 5, 1))
        assert determination.assurance == "face+liveness"


def test_at_the_end_of_the_calendar_nothing_breaks() -> None:
    determination = decided(pension(last_proof_on=date.max), [capture(datetime.max.replace(tzinfo=UTC))], date.max)
    assert (determination.standing, determination.valid_until) == (Standing.CERTIFIED, date.max)
    decided(pension(starts_on=date.min, born=date.min), [], date.min)


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


def attestation(channel: Channel, when: datetime, country: str = "CN") -> Attestation:
    return Attestation(
        id=f"attested by {channel}",
        source="s",
        event_at=when,
        recorded_at=when,
        institution="an-institution",
        principal="p",
        channel=channel,
        seen_by="K-204",
        place="somewhere",
        country=country,
        document="passport",
    )


@pytest.mark.parametrize(
    ("channel", "country", "until"),
    [
        (Channel.CONSULATE, "BR", date(2027, 2, 1)),
        (Channel.NOTARY, "BR", date(2027, 2, 1)),
        (Channel.BANK, "CN", date(2027, 2, 1)),
        (Channel.BANK, "BR", None),
        (Channel.DOCTOR, "CN", date(2026, 8, 1)),
    ],
)
def test_an_attestation_proves_life_as_its_policy_says(channel: Channel, country: str, until: date | None) -> None:
    pension = Entitlement("p", "employee", date(2015, 1, 1), BORN, None)
    found = decide(pension, SHIPPED["employee"], [attestation(channel, at(2026, 2, 1), country)], date(2026, 3, 1))
    assert found.valid_until == until
    codes = {reason.code for reason in found.reasons}
    if until is None:
        assert Code.ATTESTATION_NOT_ACCEPTED in codes
    else:
        assert (found.standing, found.method, found.assurance) == (Standing.CERTIFIED, channel, "attested")
        assert codes & {Code.PROVEN_CONSULATE, Code.PROVEN_ATTESTED}


def test_a_doctor_s_later_word_does_not_shorten_what_a_consul_attested() -> None:
    pension = Entitlement("p", "employee", date(2015, 1, 1), BORN, None)
    consul, doctor = attestation(Channel.CONSULATE, at(2026, 1, 1), "BR"), attestation(Channel.DOCTOR, at(2026, 2, 1))
    found = decide(pension, SHIPPED["employee"], [consul, doctor], date(2026, 3, 1))
    assert (found.method, found.valid_until) == (Channel.CONSULATE, date(2027, 1, 1))


def test_for_those_who_moved_abroad_a_bank_at_home_is_no_way_and_a_consulate_is() -> None:
    pension = Entitlement("p", "resident", date(2015, 1, 1), BORN, None)
    moved = adverse("residence_abroad", at(2026, 1, 1))
    for channel, standing in ((Channel.BANK, Standing.OVERDUE), (Channel.CONSULATE, Standing.CERTIFIED)):
        found = decide(pension, SHIPPED["resident"], [moved, attestation(channel, at(2026, 2, 1))], date(2026, 3, 1))
        assert found.standing is standing

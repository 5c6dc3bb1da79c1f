"""Ends, reviews and parts of a pension: dates ask, officers decide, and no record ends anything by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.decision.determine import entitlement_from_json, entitlement_to_json
from certify.domain.codec import determination_digest, determination_to_json, evidence_from_json, evidence_to_json
from certify.domain.decide import Determination, Payment, Standing, decide
from certify.domain.determination import Entitlement
from certify.domain.entitled import parts_payable
from certify.domain.entitlement_rules import EndRule
from certify.domain.evidence import AdverseRecord, Evidence, Finding, Ruling
from certify.domain.facts import CurrentFacts
from certify.domain.passage import next_change
from certify.domain.policy import PolicyInvalid, parse_policy
from certify.domain.reasons import Code
from certify.domain.terms import NO_TERMS, Terms, read_terms, write_terms
from certify.domain.told import told
from certify.policies import load_policies
from tests.certify.domain.examples import adverse, at, capture, codes, ruling, void
from tests.certify.domain.strategies import SHIPPED

BORN = date(2008, 6, 20)
END = date(2026, 6, 30)
"""18 is completed on 19 June 2026."""


def orphan(terms: Terms = NO_TERMS, born: date | None = BORN) -> Entitlement:
    return Entitlement("p", "orphan", date(2015, 1, 1), born, None, None, terms)


def finding(about: str, scheme: str, *, fact_id: str = "f", **more: object) -> Finding:
    when = at(2026, 3, 1)
    return Finding(
        id=fact_id,
        source="officer:7",
        event_at=when,
        recorded_at=when,
        scheme=scheme,
        about=about,
        **more,  # type: ignore[arg-type]
    )


def stood(entitlement: Entitlement, evidence: list[Evidence], day: date) -> Determination:
    return decide(entitlement, SHIPPED[entitlement.scheme], evidence, day)


SEEN: list[Evidence] = [capture(at(2026, 3, 1))]


def test_the_end_is_told_from_the_beginning_announced_in_time_and_asks_an_officer() -> None:
    early = stood(orphan(), SEEN, date(2026, 3, 1))
    assert told(determination_to_json(early)).entitled_until == END
    assert Code.ENDS_SOON not in codes(early)
    assert not early.review
    soon = stood(orphan(), SEEN, date(2026, 4, 1))
    assert Code.ENDS_SOON in codes(soon)
    assert (soon.standing, soon.review) == (Standing.CERTIFIED, True)
    last = stood(orphan(), SEEN, END)
    assert last.standing is Standing.CERTIFIED
    ended = stood(orphan(), SEEN, date(2026, 7, 1))
    assert (ended.standing, ended.payment, ended.review) == (Standing.PAUSED, Payment.CONTINUE, True)


def test_only_an_award_that_agrees_with_the_birth_date_ends_by_itself() -> None:
    agreed = stood(orphan(Terms(ends_on=END)), SEEN, date(2026, 7, 1))
    assert (agreed.standing, agreed.payment, agreed.review) == (Standing.STOPPED, Payment.STOP, False)
    assert told(determination_to_json(agreed)).owed_until == END
    assert stood(orphan(Terms(ends_on=END)), SEEN, END).payment is Payment.CONTINUE


@pytest.mark.parametrize("slip", [date(2006, 6, 20), date(2010, 6, 20), date(2008, 9, 20), date(1998, 6, 20)])
def test_attack_a_slip_of_the_birth_date_stops_no_orphan(slip: date) -> None:
    asked = stood(orphan(Terms(ends_on=END), slip), SEEN, date(2026, 7, 1))
    if slip == date(2006, 6, 20):  # 18 in 2024: an award until 2026 is possible while studying, so it agrees
        assert asked.payment is Payment.STOP
        return
    assert asked.payment is Payment.CONTINUE
    assert asked.review
    assert Code.END_DATES_DIFFER in codes(asked)


def test_without_a_birth_date_an_officer_is_asked_and_nothing_stops() -> None:
    unknown = stood(orphan(born=None), SEEN, date(2036, 7, 1))
    assert Code.END_NOT_ASSESSED in codes(unknown)
    assert (unknown.payment, unknown.review) == (Payment.CONTINUE, True)


def test_study_carries_on_until_its_day_and_never_past_its_age() -> None:
    study = finding("study", "orphan", until=date(2027, 8, 31))
    on = stood(orphan(Terms(ends_on=END)), [*SEEN, study], date(2026, 8, 1))
    assert on.payment is Payment.CONTINUE
    assert told(determination_to_json(on)).entitled_until == date(2027, 8, 31)
    too_long = finding("study", "orphan", until=date(2040, 1, 1))
    assert told(determination_to_json(stood(orphan(), [*SEEN, too_long], date(2026, 8, 1)))).entitled_until == date(
        2033, 6, 30
    )
    other = finding("study", "survivor", until=date(2027, 8, 31))
    assert told(determination_to_json(stood(orphan(), [*SEEN, other], date(2026, 8, 1)))).entitled_until == END
    ended = stood(orphan(), [*SEEN, study], date(2027, 9, 1))
    assert ended.payment is Payment.STOP, "officers found the day, so it ends by itself as the policy says"


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ("day", date(2026, 6, 19)),
        ("month", END),
        ("previous_month", date(2026, 5, 31)),
        ("03-31", date(2027, 3, 31)),
        ("06-19", date(2026, 6, 19)),
    ],
)
def test_the_last_day_as_laws_count_it(last: str, end: date) -> None:
    assert EndRule(18, last, automatic=False, announce_days=90).end(BORN, 18) == end


def test_born_on_the_first_of_a_month_the_age_is_completed_in_the_month_before() -> None:
    assert EndRule(18, "month", automatic=False, announce_days=90).end(date(2008, 7, 1), 18) == END


def survivor() -> Entitlement:
    return Entitlement("p", "survivor", date(2015, 1, 1), date(1950, 5, 5), None, None)


def test_attack_false_marriages_from_three_registers_stop_nothing() -> None:
    records: list[Evidence] = [
        replace(adverse("remarriage", at(2026, 2, day), source), institution=source, principal=source)
        for day, source in ((1, "registry"), (2, "church"), (3, "consulate"))
    ]
    asked = stood(survivor(), [*SEEN, *records], date(2026, 4, 1))
    assert (asked.standing, asked.payment, asked.review) == (Standing.CERTIFIED, Payment.CONTINUE, True)
    wrong = finding("remarriage", "survivor", holds=False, rests_on=(records[0].id,))
    answered = stood(survivor(), [*SEEN, *records, wrong], date(2026, 4, 1))
    assert not answered.review, "two other reports of the same days are copies of it"
    assert Code.RECORD_CHANGES_NOTHING in codes(answered)
    new = adverse("remarriage", at(2026, 3, 30), "late registry")
    assert stood(survivor(), [*SEEN, *records, wrong, new], date(2026, 4, 1)).review, "another event asks again"


def test_an_officer_ends_it_and_the_payer_learns_until_when_it_is_owed() -> None:
    record = adverse("remarriage", at(2026, 2, 10))
    stopped = stood(survivor(), [*SEEN, record, ruling(Ruling.STOP, at(2026, 3, 5))], date(2026, 4, 1))
    assert stopped.payment is Payment.STOP
    assert told(determination_to_json(stopped)).owed_until == date(2026, 2, 28)


def test_attack_a_finding_does_not_refute_a_death() -> None:
    dead = [
        replace(adverse("death", at(2026, 3, 2), source), institution=source, principal=source)
        for source in ("registry", "hospital")
    ]
    wrong = finding("death", "survivor", holds=False, rests_on=tuple(record.id for record in dead))
    assert stood(survivor(), [*SEEN, *dead, wrong], date(2026, 4, 1)).payment is Payment.STOP


def disabled(terms: Terms = NO_TERMS, first_due: date | None = None) -> Entitlement:
    return Entitlement("p", "disability", date(2023, 5, 1), date(1980, 5, 5), None, first_due, terms)


def test_a_review_is_asked_in_time_and_is_apart_from_the_proof_of_life() -> None:
    due = Terms(review_on=date(2026, 6, 1))
    assert Code.REVIEW_ON in codes(stood(disabled(due), SEEN, date(2026, 1, 15)))
    asked = stood(disabled(due), SEEN, date(2026, 4, 1))
    assert Code.REVIEW_DUE in codes(asked)
    assert (asked.standing, asked.review) == (Standing.CERTIFIED, True)
    late = stood(disabled(due), SEEN, date(2026, 6, 2))
    assert Code.REVIEW_LATE in codes(late)
    assert (late.standing, late.payment) == (Standing.CERTIFIED, Payment.CONTINUE)
    done = finding("medical_review", "disability", until=date(2029, 6, 1))
    assert not stood(disabled(due), [*SEEN, done], date(2026, 6, 2)).review
    assert not stood(disabled(Terms(permanent=True)), SEEN, date(2026, 6, 2)).review
    assert Code.REVIEW_LATE in codes(stood(disabled(), SEEN, date(2026, 5, 2))), "36 months after its start"
    taken_over = stood(disabled(first_due=date(2027, 1, 1)), SEEN, date(2026, 5, 2))
    assert not taken_over.review, "a fund that goes live must not get a case for each pension on one day"
    assert Code.REVIEW_NOT_KNOWN in codes(taken_over)


PRISON = adverse("prison", at(2026, 3, 10), "prisons")


def test_a_record_of_prison_alone_takes_nothing_and_a_finding_says_which_part() -> None:
    alone = stood(disabled(Terms(permanent=True)), [*SEEN, PRISON], date(2026, 4, 1))
    assert alone.review
    assert told(determination_to_json(alone)).parts == ()
    half = finding("prison", "disability", since=date(2026, 3, 10), until=date(2026, 9, 9), rests_on=(PRISON.id,))
    found = stood(disabled(Terms(permanent=True)), [*SEEN, PRISON, half], date(2026, 4, 1))
    assert (found.standing, found.review) == (Standing.CERTIFIED, False)
    (part,) = told(determination_to_json(found)).parts
    assert (part.rule, part.fraction, part.since, part.until) == ("prison", "1/2", date(2026, 3, 10), date(2026, 9, 9))
    assert part.facts == (half.id, PRISON.id)


def test_a_part_whose_record_is_taken_back_is_whole_again() -> None:
    half = finding("prison", "disability", since=date(2026, 3, 10), rests_on=(PRISON.id,))
    back = void(PRISON, at(2026, 3, 20), "prisons")
    asked = stood(disabled(Terms(permanent=True)), [*SEEN, PRISON, half, back], date(2026, 4, 1))
    assert told(determination_to_json(asked)).parts == ()
    assert asked.review
    assert Code.PART_IN_QUESTION in codes(asked)


def test_a_second_residence_explains_a_report_of_a_move_there() -> None:
    move = AdverseRecord(
        id="m", source="registry", event_at=at(2026, 2, 1), recorded_at=at(2026, 2, 1), kind="emigration", country="ES"
    )
    home = Entitlement("p", "employee", date(2015, 1, 1), date(1950, 5, 5))
    there = replace(home, terms=Terms(second_residence="ES"))
    assert stood(home, [*SEEN, move], date(2026, 4, 1)).standing is not Standing.CERTIFIED
    explained = stood(there, [*SEEN, move], date(2026, 4, 1))
    assert (explained.standing, explained.review) == (Standing.CERTIFIED, False)
    assert Code.RESIDENCE_EXPLAINED in codes(explained)
    elsewhere = stood(there, [*SEEN, replace(move, country="BR")], date(2026, 4, 1))
    assert elsewhere.standing is not Standing.CERTIFIED
    unnamed = stood(there, [*SEEN, replace(move, country=None)], date(2026, 4, 1))
    assert (unnamed.standing, unnamed.review) == (Standing.CERTIFIED, True)


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.dates(date(2005, 1, 1), date(2012, 1, 1)), st.booleans())
def test_no_change_of_the_entitlement_is_missed(day: date, born: date, awarded: bool) -> None:
    """Between two days on which the service decides again, nothing about the end changes."""
    rule = SHIPPED["orphan"].entitlement.ends_at
    assert rule is not None
    entitlement = orphan(Terms(ends_on=rule.end(born, 18)) if awarded else Terms(), born)
    now = stood(entitlement, SEEN, day)
    following = next_change(entitlement, SHIPPED["orphan"], now)
    middle = date.fromordinal((day.toordinal() + (following or date(2031, 1, 1)).toordinal()) // 2)
    if following is None or middle < following:
        later = stood(entitlement, SEEN, middle)
        assert (later.standing, later.review, later.payment) == (now.standing, now.review, now.payment)


def test_determinations_of_earlier_releases_replay_to_the_same_digest() -> None:
    """Neither the inputs nor the verdict of a pension without terms know a new word."""
    entitlement = Entitlement("p", "employee", date(2015, 1, 1), date(1950, 5, 5))
    stored = entitlement_to_json(entitlement)
    assert set(stored) == {"id", "scheme", "starts_on", "birth_date", "last_proof_on"}
    assert entitlement_from_json(stored) == entitlement
    document = dict(load_policies()["employee"].document)
    new_keys = {"payment", "abroad"}
    assert new_keys <= document.keys()
    old = {name: value for name, value in document.items() if name not in new_keys}
    old["version"] = "2026.17"
    old["adverse"] = {k: v for k, v in document["adverse"].items() if k not in ("marriage", "remarriage")}
    same = document | {"version": "2026.17"}
    before, after = (decide(entitlement, parse_policy(d), SEEN, date(2026, 4, 1)) for d in (old, same))
    assert determination_digest(before) == determination_digest(after)
    # As release 2026.17 wrote it: the digest of this verdict may never change.
    assert determination_digest(before).hex() == DIGEST


DIGEST = "355b6c9e1fcf4f369d960cde688685aab632bed6020f8514eaa05337fe643236"


def test_facts_and_terms_come_back_as_they_were_written() -> None:
    half = finding("prison", "disability", since=date(2026, 3, 10), until=None, rests_on=("a", "b"))
    assert evidence_from_json(evidence_to_json(half)) == half
    assert "country" not in evidence_to_json(PRISON), "records of earlier releases keep their hash"
    terms = Terms(currency="EUR", ends_on=END, permanent=True, residence="FR", second_residence="ES")
    assert read_terms(write_terms(terms)) == terms
    assert write_terms(Terms()) is None
    for rubbish in ("", "[]", "5", '{"ends_on": 5}', '{"amounts": [["2026-01-01", "x"]]}', '{"payee": "me"}'):
        with pytest.raises(ValueError, match=r".*"):
            read_terms(rubbish)


def test_parts_are_listed_by_their_first_day() -> None:
    policy = SHIPPED["disability"]
    found: list[Evidence] = [
        finding("prison", "disability", fact_id="b", since=date(2026, 5, 1)),
        finding("hospital_care", "disability", fact_id="a", since=date(2026, 2, 1)),
    ]
    parts = parts_payable(policy, CurrentFacts(found, policy, date(2026, 6, 1)))
    assert [part.fraction for part in parts] == [Fraction(2, 3), Fraction(1, 2)]


ENDS = {"age": 18, "last": "month", "announce_days": 90}
ABROAD = {"validity_months": 6, "apostille": False, "languages": ["fr"], "justification": "x"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends_at": {**ENDS, "last": "never"}}, "'last'"),
        ({"ends_at": {**ENDS, "announce_days": 3}}, "announce_days"),
        ({"ends_at": {**ENDS, "continues_while": {"study": {"until_age": 17}}}}, "until_age"),
        ({"part_while": {"prison": {"fraction": "0.5", "justification": "x"}}}, "fraction"),
        ({"part_while": {"prison": {"fraction": "3/2", "justification": "x"}}}, "fraction"),
        ({"part_while": {"holiday": {"fraction": "1/2", "justification": "x"}}}, "part_while.holiday"),
        ({"payment": {"day": 32, "paid_in": "same_month", "part_month": "days"}}, "'day'"),
        ({"adverse": {"remarriage": {"effect": "pause", "can_stop": True, "ends_by_event": True}}}, "ends_by_event"),
        ({"abroad": {"FR": {**ABROAD, "accepts": ["remote"]}}}, "accepts"),
        ({"abroad": {"France": {}}}, "two capital letters"),
        ({"review_every": {"about": "Review!", "months": 36, "ask_days": 90}}, "condition"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    document = dict(load_policies()["employee"].document)
    if "adverse" in change:
        change = {"adverse": {**document["adverse"], **change["adverse"]}}  # type: ignore[dict-item]
    with pytest.raises(PolicyInvalid) as refused:
        parse_policy(document | change)
    assert said in str(refused.value)

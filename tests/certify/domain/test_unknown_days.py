"""A death whose day is not known: told as "in March 2026", counted as late as it can be; old facts stay as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from certify.domain.codec import determination_digest, evidence_from_json, evidence_to_json
from certify.domain.decide import Determination, decide
from certify.domain.evidence import AdverseRecord, Evidence
from certify.domain.policy import OwedUntil
from certify.domain.reasons import Code, said_span
from tests.certify.domain.examples import adverse, at, pension, sign
from tests.certify.domain.strategies import SHIPPED

EMPLOYEE = SHIPPED["employee"]
BY_DAY = replace(
    EMPLOYEE, adverse={**EMPLOYEE.adverse, "death": replace(EMPLOYEE.adverse["death"], owed_until=OwedUntil.DAY)}
)
MARCH = replace(adverse("death", at(2026, 3, 31), "civil registry"), event_from=date(2026, 3, 1))


def _decided(*facts: Evidence) -> Determination:
    return decide(pension(), BY_DAY, list(facts), date(2026, 6, 1))


def _text(found: Determination, code: Code) -> str:
    return next(why.text for why in found.reasons if why.code is code)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), "in March 2026"),
        (date(2026, 3, 1), date(2026, 3, 12), "in March 2026"),
        (date(2026, 1, 1), date(2026, 12, 31), "in 2026"),
        (date(2026, 2, 18), date(2026, 3, 19), "between 18 February 2026 and 19 March 2026"),
        (date(2026, 1, 1), date(2026, 4, 9), "between 1 January 2026 and 9 April 2026"),
        (date(1900, 1, 1), date(2026, 4, 9), "on an unknown day until 9 April 2026"),
    ],
)
def test_an_unknown_day_is_said_in_words(first: date, last: date, said: str) -> None:
    assert said_span(first, last) == said


def test_the_reason_says_the_month_and_not_its_first_or_last_day() -> None:
    text = _text(_decided(MARCH), Code.ADVERSE_PAUSES)
    assert text.endswith("The day is not known exactly: it was in March 2026.")
    assert "31" not in text


def test_a_proof_within_the_month_does_not_contradict_a_death_in_it() -> None:
    found = _decided(MARCH, sign("hospital_stay", at(2026, 3, 20)))
    assert Code.PROOF_CONTRADICTS_DEATH not in {why.code for why in found.reasons}


def test_what_is_owed_counts_to_the_last_possible_day_and_says_how_early_it_may_end() -> None:
    text = _text(_decided(MARCH, replace(MARCH, id="other", source="hospital")), Code.OWED_UNTIL)
    assert "2026-03-31" in text
    assert text.endswith("The day of the death may be as early as 2026-03-01.")
    exact = adverse("death", at(2026, 3, 9), "hospital")
    assert "owed until 2026-03-09. What was paid for later days was overpaid." in _text(
        _decided(MARCH, exact), Code.OWED_UNTIL
    )


def test_facts_of_earlier_releases_are_read_and_hashed_as_before() -> None:
    old = adverse("death", at(2026, 3, 9), "civil registry")
    stored = evidence_to_json(old)
    assert "event_from" not in stored
    assert evidence_from_json(stored) == old
    again = evidence_from_json(evidence_to_json(MARCH))
    assert isinstance(again, AdverseRecord)
    assert again == MARCH
    reasons = {name: value for why in _decided(old).reasons for name, value in why.params}
    assert not {"first", "last"} & set(reasons)
    assert determination_digest(_decided(old)) != determination_digest(_decided(MARCH))

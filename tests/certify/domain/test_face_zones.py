"""Three zones of the face: a match proves, near asks for one more capture, and doubt asks an officer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from certify.domain.codec import evidence_from_json, evidence_to_json
from certify.domain.decide import Entitlement, NextStep, decide
from certify.domain.evidence import Capture, Check
from certify.domain.policy import Policy, ZoneRule
from certify.domain.proofs import EARLIER_MIN_LLR, judge_capture
from certify.domain.reasons import Code
from certify.domain.states import FaceZone
from tests.certify.domain import strategies as some
from tests.certify.domain.examples import capture

EMPLOYEE = some.SHIPPED["employee"]
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
CAPTURE = replace(capture(NOON, llr=1.5, fact_id="c1"), session_id="s1", zone=FaceZone.MATCH)
NEAR, APART = replace(CAPTURE, zone=FaceZone.NEAR), replace(CAPTURE, zone=FaceZone.APART)


DOUBT = [Code.FACE_DOES_NOT_MATCH, Code.FACE_FOR_OFFICER]


def with_rules(**changed: object) -> Policy:
    rules = {name: replace(rule, **changed) for name, rule in EMPLOYEE.capture.items()}  # type: ignore[arg-type]
    return replace(EMPLOYEE, capture=rules)


@pytest.mark.parametrize(
    ("capture", "policy", "state", "codes"),
    [
        (CAPTURE, EMPLOYEE, Check.PASS, []),
        (replace(CAPTURE, embedders=1), EMPLOYEE, Check.NOT_ASSESSED, [Code.FACE_NOT_COMPARED]),
        (replace(CAPTURE, llr=float("nan")), EMPLOYEE, Check.FAIL, [Code.FACE_DOES_NOT_MATCH]),
        (replace(CAPTURE, llr=None), EMPLOYEE, Check.NOT_ASSESSED, [Code.FACE_NOT_COMPARED]),
        (NEAR, EMPLOYEE, Check.NOT_ASSESSED, [Code.FACE_NEARLY_MATCHES]),
        (replace(NEAR, pooled_with="c0"), EMPLOYEE, Check.FAIL, DOUBT),
        (NEAR, with_rules(near=ZoneRule.OFFICER), Check.FAIL, DOUBT),
        (NEAR, with_rules(near=ZoneRule.RETRY), Check.FAIL, [Code.FACE_DOES_NOT_MATCH]),
        (APART, EMPLOYEE, Check.FAIL, DOUBT),
        (APART, with_rules(apart=ZoneRule.RETRY), Check.FAIL, [Code.FACE_DOES_NOT_MATCH]),
        # A fund may ask for more than the operating point of the weights, and never for less.
        (CAPTURE, with_rules(min_llr=1.6), Check.FAIL, [Code.FACE_DOES_NOT_MATCH]),
        (replace(NEAR, llr=9.0), with_rules(min_llr=1.0), Check.NOT_ASSESSED, [Code.FACE_NEARLY_MATCHES]),
        # Captures of releases without zones: the threshold of that time.
        (replace(CAPTURE, zone=None, llr=EARLIER_MIN_LLR), EMPLOYEE, Check.PASS, []),
        (replace(CAPTURE, zone=None), EMPLOYEE, Check.FAIL, [Code.FACE_DOES_NOT_MATCH]),
        (replace(CAPTURE, zone=None), with_rules(min_llr=1.4), Check.PASS, []),
    ],
)
def test_each_zone_has_its_consequence(capture: Capture, policy: Policy, state: Check, codes: list[Code]) -> None:
    judgement = judge_capture(capture, policy)
    assert (judgement.state, [why.code for why in judgement.reasons]) == (state, codes)


@pytest.mark.parametrize("capture", [NEAR, APART, replace(NEAR, pooled_with="c0")])
def test_a_stranger_learns_no_zone_and_asks_no_officer(capture: Capture) -> None:
    judgement = judge_capture(replace(capture, public_entry=True), EMPLOYEE)
    assert [why.code for why in judgement.reasons] == [Code.FACE_DOES_NOT_MATCH]


def test_a_near_face_that_showed_no_life_is_told_so_first() -> None:
    failed = judge_capture(replace(NEAR, liveness=Check.FAIL), EMPLOYEE)
    assert [why.code for why in failed.reasons] == [Code.LIVENESS_FAILED]


def test_the_person_is_asked_again_and_the_reason_names_both_captures() -> None:
    entitlement = Entitlement("e", "employee", date(2026, 1, 1), date(1950, 1, 1))
    asked = decide(entitlement, EMPLOYEE, [NEAR], date(2026, 6, 1))
    assert asked.next_step is NextStep.RETRY
    assert Code.FACE_NEARLY_MATCHES in {why.code for why in asked.reasons}
    second = replace(NEAR, id="c2", session_id="s2", pooled_with="c1")
    doubt = decide(entitlement, EMPLOYEE, [NEAR, second], date(2026, 6, 1))
    (why,) = [why for why in doubt.reasons if why.code is Code.FACE_FOR_OFFICER]
    assert why.facts == ("c1", "c2")


def test_a_fact_of_an_earlier_release_has_no_zone() -> None:
    stored = evidence_to_json(CAPTURE)
    assert evidence_from_json(stored) == CAPTURE
    for later in ("zone", "pooled_with"):
        stored.pop(later)
    earlier = evidence_from_json(stored)
    assert isinstance(earlier, Capture)
    assert (earlier.zone, earlier.pooled_with) == (None, "")

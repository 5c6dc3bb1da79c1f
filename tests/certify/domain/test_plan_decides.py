"""The plan decides, the film never does: what a film proves that answered nothing, one movement, or all of its plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.asked import asked_plan, challenge_of, known_before, prompts_asked, takes_of
from certify.domain.capture_rule import ChallengeRule
from certify.domain.channels import Channel
from certify.domain.decide import NextStep, Standing
from certify.domain.evidence import Check
from certify.domain.proofs import judge_capture
from certify.domain.reasons import Code
from certify.domain.states import Challenge, Possession
from tests.certify.domain import strategies as some
from tests.certify.domain.test_life_required import DAY, FILM, NOON, act, codes, decided

UNPROMPTED = replace(FILM, challenge=Challenge.NONE, possession=Possession.SHOWN)
ONE_MOVEMENT = replace(FILM, challenge=Challenge.ONE_MOVEMENT, possession=Possession.SHOWN)


@pytest.mark.parametrize("scheme", sorted(some.SHIPPED))
def test_attack_a_film_that_answers_no_plan_proves_nothing(scheme: str) -> None:
    """However alive the person in it is, and whatever else is known: it may have been filmed last year."""
    determination = decided(UNPROMPTED, act("hospital_stay", 200, trust=0.1), scheme=scheme)
    assert determination.standing is not Standing.CERTIFIED
    assert Code.FILM_UNPROMPTED in codes(determination)
    assert determination.next_step is NextStep.RETRY


@pytest.mark.parametrize("scheme", sorted(some.SHIPPED))
@pytest.mark.parametrize("possession", Possession)
def test_attack_one_movement_alone_certifies_no_one_and_leads_to_a_visit(scheme: str, possession: Possession) -> None:
    determination = decided(replace(ONE_MOVEMENT, possession=possession), scheme=scheme)
    assert determination.standing is not Standing.CERTIFIED
    assert Code.ONE_MOVEMENT_ALONE in codes(determination)
    assert determination.next_step is NextStep.DOORSTEP, "another film would ask for the same movement"


def test_one_movement_with_possession_and_a_recent_act_of_the_body_proves_life_on_the_earlier_day() -> None:
    determination = decided(ONE_MOVEMENT, act("medical_insurance_claim", 20))
    assert determination.standing is Standing.CERTIFIED
    assert (determination.proven_on, determination.assurance) == (
        DAY - timedelta(days=20),
        "face+liveness+possession+data",
    )
    (why,) = [reason for reason in determination.reasons if reason.code is Code.PROVEN_MOVEMENT_DATA]
    assert why.facts == ("film", "medical_insurance_claim 20")
    assert "weight 0.5 of 0.5" in why.text
    assert Code.ONE_MOVEMENT_ALONE not in codes(determination)


@pytest.mark.parametrize(
    ("possession", "acts"),
    [
        (Possession.MISSING, [act("hospital_stay", 400), act("medical_insurance_claim", 20)]),
        (Possession.NOT_ASKED, [act("medical_insurance_claim", 20)]),
        (Possession.SHOWN, [act("medical_insurance_claim", 91)]),
        (Possession.SHOWN, [act("transport_card", 1), act("online_login", 1)]),
    ],
)
def test_attack_one_movement_with_less_than_that_proves_nothing(possession: Possession, acts: list[Any]) -> None:
    determination = decided(replace(ONE_MOVEMENT, possession=possession), *acts, on=DAY)
    assert determination.standing is not Standing.CERTIFIED


@pytest.mark.parametrize("challenge", [Challenge.FULL, Challenge.UNRECORDED])
def test_a_film_that_answers_its_plan_proves_life(challenge: Challenge) -> None:
    determination = decided(replace(UNPROMPTED, challenge=challenge))
    assert (determination.standing, determination.assurance) == (Standing.CERTIFIED, "face+liveness+possession")


def test_the_film_of_an_agent_shows_no_life_and_the_agent_is_the_witness() -> None:
    determination = decided(replace(UNPROMPTED, channel=Channel.DOORSTEP, possession=Possession.NOT_ASKED))
    assert (determination.standing, determination.assurance) == (Standing.CERTIFIED, "face+attested")
    assert Code.LIVENESS_NOT_ASSESSED in codes(determination)


def test_documents_of_earlier_releases_ask_for_no_answer() -> None:
    shipped = some.SHIPPED["employee"]
    before = replace(shipped.capture[Channel.REMOTE], challenge=ChallengeRule.NONE)
    policy = replace(shipped, capture={**shipped.capture, Channel.REMOTE: before})
    assert judge_capture(UNPROMPTED, policy).state is Check.PASS


@given(st.data(), some.cases())
def test_answering_less_never_helps(data: st.DataObject, case: some.Case) -> None:
    capture = data.draw(some.passing_captures(case))
    order = [Challenge.NONE, Challenge.ONE_MOVEMENT, Challenge.FULL]
    reached = [case.decide(replace(capture, filmed=True, challenge=challenge)) for challenge in order]
    for less, more in pairwise(reached):
        assert less.standing <= more.standing
        assert (less.valid_until or date.min) <= (more.valid_until or date.min)


# What was asked, and what was answered.

TURN, TURN_BACK = (
    {"prompt": name, "from_ms": 2000, "back_ms": 4800, "to_ms": 7000} for name in ("turn_left", "turn_right")
)
CLOSER = {"prompt": "come_closer", "from_ms": 8000, "back_ms": 10_800, "to_ms": 13_000}


@pytest.mark.parametrize(
    ("steps", "followed", "lit", "challenge"),
    [
        ([TURN, CLOSER], True, False, Challenge.FULL),
        ([TURN, CLOSER], False, True, Challenge.NONE),
        ([CLOSER], True, True, Challenge.FULL),
        ([CLOSER], True, False, Challenge.ONE_MOVEMENT),
        ([CLOSER, CLOSER], True, False, Challenge.ONE_MOVEMENT),
        ([TURN, TURN_BACK], True, False, Challenge.ONE_MOVEMENT),
        ([], True, True, Challenge.NONE),
        ([{"prompt": "turn_left", "from_ms": 2000, "to_ms": 5500}, CLOSER], True, False, Challenge.NONE),
    ],
)
def test_how_much_of_a_plan_was_answered(
    steps: list[dict[str, Any]], followed: bool, lit: bool, challenge: Challenge
) -> None:
    assert challenge_of({"steps": steps}, followed=followed, lit=lit) is challenge


def test_how_long_a_plan_was_known_is_kept_with_the_report() -> None:
    plan = {"steps": [TURN], "drawn_at": NOON.isoformat()}
    assert known_before(plan, None, NOON + timedelta(minutes=2)) == {"way": "upload", "known_s": 120}
    live = {"way": "live", "take": 1, "begun": 2}
    assert known_before(plan, live, NOON) == {"way": "live", "known_s": 0, "take": 1, "begun_before": 2}
    assert known_before({"steps": []}, {"way": "upload"}, NOON)["known_s"] is None


def test_nothing_was_asked() -> None:
    assert challenge_of(None, followed=True, lit=True) is Challenge.NONE


def test_a_live_capture_has_to_answer_the_plan_of_its_take_and_a_recording_the_plan_of_the_session() -> None:
    plan = {"steps": [TURN], "live": [{"steps": [CLOSER]}, {"steps": [TURN, CLOSER]}]}
    assert asked_plan(plan, {"way": "upload", "take": 1}) == plan
    assert asked_plan(plan, None) == plan
    assert prompts_asked(plan, {"way": "live", "take": 0}) == {"come_closer"}
    assert prompts_asked(plan, {"way": "live", "take": 1}) == {"turn_left", "come_closer"}
    assert prompts_asked(plan, {"way": "live", "take": 9}) == {"turn_left", "come_closer"}
    assert prompts_asked(None, {"way": "live"}) == set()
    assert takes_of({"steps": []}) == ({"steps": []},)

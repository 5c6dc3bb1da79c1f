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
from certify.domain.evidence import Capture, Check
from certify.domain.proofs import judge_capture
from certify.domain.reasons import Code
from certify.domain.states import Challenge, Possession
from tests.certify.domain import strategies as some
from tests.certify.domain.test_life_required import DAY, FILM, NOON, act, codes, decided

UNPROMPTED = replace(FILM, challenge=Challenge.NONE, possession=Possession.SHOWN)
ONE_MOVEMENT = replace(FILM, challenge=Challenge.ONE_MOVEMENT, possession=Possession.SHOWN)


@pytest.mark.parametrize("scheme", some.WITHOUT_AGE)
def test_attack_a_film_that_answers_no_plan_proves_nothing(scheme: str) -> None:
    """However alive the person in it is, and whatever else is known: it may have been filmed last year."""
    determination = decided(UNPROMPTED, act("hospital_stay", 200, trust=0.1), scheme=scheme)
    assert determination.standing is not Standing.CERTIFIED
    assert Code.FILM_UNPROMPTED in codes(determination)
    assert determination.next_step is NextStep.RETRY


MOVEMENTS = replace(ONE_MOVEMENT, challenge=Challenge.MOVEMENTS)
"""Several movements from a phone that is not known, by a person whom flashes would harm."""
UNLIT = replace(ONE_MOVEMENT, challenge=Challenge.UNLIT, liveness=Check.NOT_ASSESSED)
"""All movements, in a room too bright to see the light of the screen."""


@pytest.mark.parametrize("scheme", some.WITHOUT_AGE)
@pytest.mark.parametrize("possession", Possession)
@pytest.mark.parametrize(
    ("film", "why"), [(ONE_MOVEMENT, Code.ONE_MOVEMENT_ALONE), (MOVEMENTS, Code.MOVEMENTS_ALONE)], ids=["one", "some"]
)
def test_attack_movements_without_light_certify_no_one_and_lead_to_a_visit(
    film: Capture, why: Code, scheme: str, possession: Possession
) -> None:
    """A program that is driven live makes each movement, and says that flashes harm."""
    determination = decided(replace(film, possession=possession), scheme=scheme)
    assert determination.standing is not Standing.CERTIFIED
    assert why in codes(determination)
    assert determination.next_step is NextStep.DOORSTEP, "another film would ask for the same movements"


@pytest.mark.parametrize("possession", Possession)
def test_attack_a_light_that_was_not_seen_certifies_no_one_and_is_asked_for_again(possession: Possession) -> None:
    """Who puts a lamp before the camera is not let off the light."""
    determination = decided(replace(UNLIT, possession=possession), scheme="employee")
    assert determination.standing is not Standing.CERTIFIED
    assert determination.next_step is NextStep.RETRY, "in the shade it may be seen"


@pytest.mark.parametrize("film", [ONE_MOVEMENT, MOVEMENTS, UNLIT], ids=["one", "some", "unlit"])
def test_movements_with_possession_and_a_recent_act_of_the_body_prove_life_on_the_earlier_day(film: Capture) -> None:
    determination = decided(film, act("medical_insurance_claim", 20))
    assert determination.standing is Standing.CERTIFIED
    assert (determination.proven_on, determination.assurance) == (
        DAY - timedelta(days=20),
        "face+liveness+possession+data",
    )
    (why,) = [reason for reason in determination.reasons if reason.code is Code.PROVEN_MOVEMENT_DATA]
    assert why.facts == ("film", "medical_insurance_claim 20")
    assert "weight 0.5 of 0.5" in why.text
    assert not {Code.ONE_MOVEMENT_ALONE, Code.MOVEMENTS_ALONE, Code.LIVENESS_REQUIRED} & set(codes(determination))


@pytest.mark.parametrize(
    ("possession", "acts"),
    [
        (Possession.MISSING, [act("hospital_stay", 400), act("medical_insurance_claim", 20)]),
        (Possession.NOT_ASKED, [act("medical_insurance_claim", 20)]),
        (Possession.SHOWN, [act("medical_insurance_claim", 91)]),
        (Possession.SHOWN, [act("transport_card", 1), act("online_login", 1)]),
    ],
)
@pytest.mark.parametrize("film", [ONE_MOVEMENT, MOVEMENTS, UNLIT], ids=["one", "some", "unlit"])
def test_attack_movements_with_less_than_that_prove_nothing(
    film: Capture, possession: Possession, acts: list[Any]
) -> None:
    determination = decided(replace(film, possession=possession), *acts, on=DAY)
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
    order = [Challenge.NONE, Challenge.ONE_MOVEMENT, Challenge.MOVEMENTS, Challenge.FULL]
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


@pytest.mark.parametrize(
    ("because", "lit", "unclear", "challenge"),
    [
        (["risk:new_device"], False, False, Challenge.MOVEMENTS),
        (["need", "risk:adverse_record", "risk:new_device"], False, False, Challenge.MOVEMENTS),
        (["risk:new_device"], True, False, Challenge.FULL),
        (["risk:new_device"], False, True, Challenge.UNLIT),
        (["risk:adverse_record"], False, False, Challenge.FULL),
        ([], False, False, Challenge.FULL),
    ],
)
def test_on_an_unknown_phone_movements_without_light_are_not_the_whole_answer(
    because: list[str], lit: bool, unclear: bool, challenge: Challenge
) -> None:
    plan = {"steps": [TURN, CLOSER]}
    assert challenge_of(plan, followed=True, lit=lit, unclear=unclear, because=because) is challenge
    assert challenge_of(plan, followed=False, lit=lit, unclear=unclear, because=because) is Challenge.NONE


def test_light_that_was_not_seen_leaves_one_movement_unlit() -> None:
    assert challenge_of({"steps": [CLOSER]}, followed=True, lit=False, unclear=True) is Challenge.UNLIT


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

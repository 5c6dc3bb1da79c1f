"""How much a session asks: never a prompt that a person cannot do, and never less when the risk is higher."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.profile import (
    BLINK,
    COME_CLOSER,
    DOORSTEP,
    GENTLE,
    GENTLE_FROM_AGE,
    GENTLE_PROMPTS,
    LIGHT,
    MANY_SESSIONS,
    NEEDS,
    PROMPTS,
    SHARED_BY,
    STANDARD,
    TURNS,
    UNKNOWN_NEED,
    Risk,
    choose,
    visit_demand,
)
from models.liveness.plan import Profile, Prompt

_needs = st.lists(st.sampled_from([*NEEDS, "something_else"]), max_size=4)
_ages = st.none() | st.integers(0, 120)
_failed = st.lists(st.sampled_from([STANDARD, GENTLE, LIGHT]), max_size=3)
_risks = st.builds(
    Risk,
    open_adverse=st.integers(0, 3),
    new_device=st.booleans(),
    sessions_last_hour=st.integers(0, 20),
    others_on_device=st.integers(0, 9),
)


@given(_needs, _ages, _failed, _risks, st.sets(st.sampled_from(sorted(PROMPTS))))
def test_a_second_ask_is_another_challenge_that_the_person_can_do(
    needs: list[str], age: int | None, failed: list[str], risk: Risk, asked: set[str]
) -> None:
    first, again = choose(needs, age, failed, risk), choose(needs, age, failed, risk, asked=asked)
    assert again.allowed <= first.allowed, "a need is never overridden"
    assert (again.profile, again.prompts, again.flashes) == (first.profile, first.prompts, first.flashes)
    if again.gentle and first.allowed - asked:
        assert not again.allowed & asked
    else:
        assert again.allowed == first.allowed


def test_a_calm_person_who_came_closer_is_asked_for_a_turn_next() -> None:
    assert choose([], 86, [GENTLE], Risk(), asked={"come_closer"}).allowed == TURNS
    assert choose(["bedridden"], 70, [GENTLE], Risk(), asked={"come_closer"}).allowed == {"come_closer"}


def test_the_advice_to_turn_a_little_leads_to_a_turn() -> None:
    """It was given because the head hardly moved; coming closer would not help."""
    assert choose([], 70, [STANDARD], Risk(), turn=True).allowed == TURNS
    assert choose([], 86, [LIGHT], Risk(), asked={"turn_left"}, turn=True).allowed == {"turn_right"}
    assert choose([], 86, [LIGHT], Risk(), asked=TURNS, turn=True).allowed == {"come_closer"}
    assert choose(["bedridden"], 70, [LIGHT], Risk(), turn=True).allowed == {"come_closer"}, "no need is overridden"


def test_profiles_and_prompts_have_the_names_that_models_uses() -> None:
    assert {STANDARD, GENTLE, LIGHT, DOORSTEP} == {profile.value for profile in Profile}
    assert {prompt.value for prompt in Prompt} == PROMPTS


@given(_needs, _ages, _failed, _risks)
def test_a_prompt_that_a_need_forbids_is_never_allowed(
    needs: list[str], age: int | None, failed: list[str], risk: Risk
) -> None:
    demand = choose(needs, age, failed, risk)
    for name in needs:
        need = NEEDS.get(name, UNKNOWN_NEED)
        assert not demand.allowed & need.forbids
        assert demand.gentle or not need.gentle
        assert need.flashes or not demand.flashes
    if demand.gentle:
        assert demand.allowed, "there is always a prompt to draw"
        assert demand.prompts == (1 if demand.flashes else 2), "one kind, completed by light or else repeated"
        assert demand.allowed <= GENTLE_PROMPTS
    else:
        assert demand.prompts <= len(demand.allowed), "there are always enough prompts to draw from"
    assert (demand.profile == LIGHT) == (demand.flashes > 0)
    assert demand.flashes == 0 or 6 <= demand.flashes <= 8


@given(_needs, _ages, _failed, _risks, _risks)
def test_more_risk_never_asks_for_less(
    needs: list[str], age: int | None, failed: list[str], risk: Risk, more: Risk
) -> None:
    higher = Risk(
        open_adverse=risk.open_adverse + more.open_adverse,
        new_device=risk.new_device or more.new_device,
        sessions_last_hour=risk.sessions_last_hour + more.sessions_last_hour,
        others_on_device=risk.others_on_device + more.others_on_device,
    )
    low, high = choose(needs, age, failed, risk), choose(needs, age, failed, higher)
    assert high.prompts >= low.prompts
    assert high.flashes >= low.flashes
    assert (high.allowed, high.gentle) == (low.allowed, low.gentle)
    assert set(low.reasons) - {"risk_not_answered"} <= set(high.reasons)


@given(_needs, _ages, _failed, _risks)
def test_the_order_of_needs_does_not_matter(needs: list[str], age: int | None, failed: list[str], risk: Risk) -> None:
    assert choose(needs, age, failed, risk) == choose(reversed(needs), age, failed, risk)


@pytest.mark.parametrize("need", [name for name, need in NEEDS.items() if need.gentle])
def test_needs_lead_to_one_movement_which_colours_complete(need: str) -> None:
    calm, at_risk = choose([need], 70, [], Risk()), choose([need], 70, [], Risk(open_adverse=1, new_device=True))
    assert (calm.profile, calm.gentle, calm.prompts, calm.flashes) == (LIGHT, True, 1, 6)
    assert (at_risk.profile, at_risk.gentle, at_risk.prompts, at_risk.flashes) == (LIGHT, True, 1, 7)
    dark = choose([need, "photosensitive"], 70, [], Risk())
    assert (dark.profile, dark.gentle, dark.prompts, dark.flashes) == (GENTLE, True, 2, 0)


@pytest.mark.parametrize("need", ["photosensitive", "epilepsy", "not_known_here"])
def test_some_never_see_colours(need: str) -> None:
    worst = Risk(open_adverse=1, new_device=True, sessions_last_hour=99, others_on_device=99)
    assert choose([need], 70, [], worst).flashes == 0
    assert choose([need], GENTLE_FROM_AGE, [], worst).profile == GENTLE
    assert "risk_not_answered" in choose([need], GENTLE_FROM_AGE, [], worst).reasons


def test_age_and_failure_lead_to_one_movement() -> None:
    calm = Risk()
    assert not choose([], 84, [], calm).gentle
    assert choose([], 85, [], calm).gentle
    assert not choose([], None, [], calm).gentle
    for failed in ([STANDARD], [STANDARD, GENTLE], [LIGHT]):
        demand = choose([], 70, failed, calm)
        assert (demand.gentle, demand.profile) == (True, LIGHT), "one movement is not enough without the colours"


def test_closed_eyes_are_asked_of_nobody() -> None:
    """Who closes the eyes does not see when to open them; and people who talk blink anyway."""
    assert BLINK not in choose([], 70, [], Risk()).allowed


def test_each_sign_of_risk_asks_for_more() -> None:
    calm = choose([], 70, [], Risk())
    assert (calm.profile, calm.prompts, calm.flashes) == (STANDARD, 2, 0)
    for risk in (
        Risk(open_adverse=1),
        Risk(new_device=True),
        Risk(sessions_last_hour=MANY_SESSIONS),
        Risk(others_on_device=SHARED_BY),
    ):
        demand = choose([], 70, [], risk)
        assert (demand.profile, demand.prompts, demand.flashes) == (LIGHT, 2, 6)
        dark = choose(["photosensitive"], 70, [], risk)
        assert (dark.profile, dark.prompts, dark.flashes) == (STANDARD, 3, 0)
    two = replace(Risk(open_adverse=1), new_device=True)
    assert choose([], 70, [], two).flashes == 7
    assert choose(["epilepsy"], 70, [], two).prompts == 3, "more take longer than 20 seconds"


def test_reasons_name_no_illness() -> None:
    assert choose(["dementia", "made_up"], 90, [], Risk()).reasons == ("age", "need", "need_unknown")


def test_a_visit_asks_nothing() -> None:
    assert (visit_demand().profile, visit_demand().prompts, visit_demand().flashes) == (DOORSTEP, 0, 0)


@given(_needs, _ages, _failed, _risks)
def test_on_an_unknown_phone_every_plan_comes_closer_if_the_person_can(
    needs: list[str], age: int | None, failed: list[str], risk: Risk
) -> None:
    demand = choose(needs, age, failed, risk)
    assert demand.must == ({COME_CLOSER} if risk.new_device else set()), "no need forbids it"


def test_coming_closer_that_was_not_seen_is_not_asked_for_again() -> None:
    again = choose([], 70, [LIGHT], Risk(new_device=True), asked={COME_CLOSER})
    assert (again.allowed, len(again.must), again.flashes) == (TURNS, 0, 6)
    bedridden = choose(["bedridden"], 70, [LIGHT], Risk(new_device=True), asked={COME_CLOSER})
    assert bedridden.must == {COME_CLOSER}, "a head on a pillow does not turn"

"""The verdict is pure, never counts *not assessed* as passed, and depends on the worst species."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ManifestInvalid
from models.liveness.advice import advice
from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.fusion import NEEDED, REQUIRED, load_fusion, parse_fusion
from models.liveness.fusion import judge as judge_with
from models.liveness.measures import MEASURES
from models.states import State

SHIPPED = load_fusion()
BONA_FIDE: dict[str, float | None] = {
    "planarity": math.log10(0.06),
    "appearance": math.log10(0.1),
    "passive": 3.0,
    "grid": math.log10(25),
    "repeated": -2.0,
    "turned": 20.0,
}
GOOD = tuple(passed(name) for name in REQUIRED)

measures = st.fixed_dictionaries({name: st.none() | st.floats(-6, 6) for name in MEASURES})
checks = st.lists(
    st.builds(
        CheckResult,
        st.sampled_from([*REQUIRED, "continuity", "prompts", "light"]),
        st.sampled_from(list(State)),
        st.just({}),
        st.sampled_from(["", "too_short", "partly_followed", "person_changed"]),
    ),
    max_size=6,
    unique_by=lambda check: check.name,
)


def judge(found: dict[str, float | None], made: tuple[CheckResult, ...] = GOOD) -> State:
    return judge_with(SHIPPED, found, made).state


def test_a_bona_fide_presentation_passes() -> None:
    report = judge_with(SHIPPED, BONA_FIDE, GOOD)
    assert (report.state, report.reasons) == (State.PASS, ())


@pytest.mark.parametrize(
    ("change", "species"),
    [
        ({"planarity": math.log10(0.008), "appearance": math.log10(0.02), "passive": -3.0}, "print"),
        ({"passive": -2.0, "grid": math.log10(3000)}, "replay"),
        ({"appearance": math.log10(0.022)}, "mesh"),
        ({"repeated": math.log10(0.3)}, "injected"),
    ],
)
def test_each_species_fails_for_its_own_reason(change: dict[str, float], species: str) -> None:
    report = judge_with(SHIPPED, BONA_FIDE | change, GOOD)
    assert report.state is State.FAIL
    assert report.reasons == (f"like_{species}",)


@given(measures, checks)
def test_nothing_that_was_not_assessed_counts_as_passed(
    found: dict[str, float | None], made: list[CheckResult]
) -> None:
    report = judge_with(SHIPPED, found, made)
    if report.state is State.PASS:
        assert all(found[name] is not None for name in NEEDED)
        states = {check.name: check.state for check in made}
        assert all(states.get(name) is State.PASS for name in REQUIRED)
        assert State.FAIL not in states.values()
        assert all(value is not None and value >= SHIPPED.live_from for value in report.ratios.values())
        assert not report.reasons
    else:
        assert report.reasons, "who is not accepted is told why"


@given(measures, checks, st.sampled_from(["continuity", "prompts", "presence"]))
def test_a_failed_check_never_helps(found: dict[str, float | None], made: list[CheckResult], name: str) -> None:
    others = [check for check in made if check.name != name]
    before = judge_with(SHIPPED, found, [*others, passed(name)]).state
    after = judge_with(SHIPPED, found, [*others, failed(name, "reason")]).state
    assert after is State.FAIL or before is not State.PASS


@given(measures)
def test_the_same_numbers_give_the_same_verdict(found: dict[str, float | None]) -> None:
    again = parse_fusion(SHIPPED.text)
    assert judge_with(again, found, GOOD) == judge_with(SHIPPED, dict(reversed(found.items())), GOOD)


def test_one_perfect_measure_does_not_compensate_another_species() -> None:
    assert judge(BONA_FIDE | {"passive": 6.0, "planarity": 1.0, "appearance": math.log10(0.022)}) is State.FAIL


def test_doubtful_prompts_prevent_a_pass() -> None:
    assert judge(BONA_FIDE, (*GOOD, not_assessed("prompts", "partly_followed"))) is State.NOT_ASSESSED
    assert judge(BONA_FIDE, (*GOOD, not_assessed("prompts", "none_asked"))) is State.PASS


def test_missing_light_prevents_a_pass_and_a_weak_pulse_does_not() -> None:
    assert judge(BONA_FIDE, (*GOOD, passed("light"), not_assessed("pulse", "too_short"))) is State.PASS
    assert judge(BONA_FIDE, (*GOOD, not_assessed("light", "none_shown"))) is State.PASS
    for reason in ("no_reflection", "unclear_light", "even_light", "too_short"):
        assert judge(BONA_FIDE, (*GOOD, not_assessed("light", reason))) is State.NOT_ASSESSED
    assert judge(BONA_FIDE, (*GOOD, failed("light", "other_light"))) is State.FAIL


CALM = {"planarity": math.log10(0.02), "appearance": math.log10(0.022), "turned": 4.0}
"""Numbers of a person who speaks calmly into a lens, and of a picture that is held before it."""


def test_a_calm_person_is_asked_for_a_small_turn_and_never_fails() -> None:
    report = judge_with(SHIPPED, BONA_FIDE | CALM, GOOD)
    assert (report.state, report.reasons[0]) == (State.NOT_ASSESSED, "moved_too_little")
    assert advice(report) == ("turn_a_little",)


def test_the_same_numbers_of_a_head_that_turned_are_an_attack() -> None:
    report = judge_with(SHIPPED, BONA_FIDE | CALM | {"turned": 10.0}, GOOD)
    assert (report.state, report.reasons) == (State.FAIL, ("like_mesh",))


@pytest.mark.parametrize("turned", [4.0, 20.0])
def test_as_little_that_is_new_as_in_an_animated_still_does_not_pass(turned: float) -> None:
    """0.03 contrasts: living people who hardly move have it as well, so it asks and does not fail."""
    assert judge(BONA_FIDE | {"appearance": math.log10(0.03), "turned": turned}) is State.NOT_ASSESSED


def test_a_picture_that_is_held_still_before_the_lens_does_not_pass() -> None:
    """The floor for calm people must open no door: not even with the best score of every other measure."""
    best = BONA_FIDE | CALM | {"passive": 6.0, "grid": 0.0, "repeated": -2.0, "light": 1.0}
    assert judge(best) is State.NOT_ASSESSED
    assert judge(best | {"turned": None}) is State.NOT_ASSESSED


def test_a_print_that_is_held_still_fails_by_the_passive_model() -> None:
    assert judge(BONA_FIDE | CALM | {"passive": -3.0}) is State.FAIL


@given(measures, checks)
def test_the_rule_for_calm_people_makes_no_pass(found: dict[str, float | None], made: list[CheckResult]) -> None:
    strict = replace(SHIPPED, calm=None)
    if judge_with(strict, found, made).state is not State.PASS:
        assert judge_with(SHIPPED, found, made).state is not State.PASS


def test_a_grid_that_was_not_measured_does_not_cost_the_pass() -> None:
    far = BONA_FIDE | {"grid": None}
    assert judge(far | {"passive": 2.0}) is State.PASS
    doubtful = judge_with(SHIPPED, far | {"passive": 0.0}, GOOD)
    assert (doubtful.state, advice(doubtful)) == (State.NOT_ASSESSED, ("come_closer",))
    assert judge(far | {"passive": -3.0}) is State.FAIL


def test_a_person_who_may_have_changed_is_asked_again() -> None:
    doubt = not_assessed("continuity", "perhaps_another_person")
    assert judge(BONA_FIDE, (*GOOD, doubt)) is State.NOT_ASSESSED


def test_a_stall_is_asked_again_with_advice() -> None:
    report = judge_with(SHIPPED, BONA_FIDE, (passed("presence"), not_assessed("injection", "stalled")))
    assert report.state is State.NOT_ASSESSED
    assert advice(report) == ("film_stalled",)


FORMAT_1 = """
format = 1
live_from = 0.3
attack_below = -0.5
[species.mesh.appearance]
weight = 5.4765
intercept = 7.5944
low = -2.0
high = 2.0
[species.replay.passive]
weight = 0.4454
intercept = -0.4068
low = -2.0
high = 0.8
[species.replay.grid]
weight = -2.0839
intercept = 4.4416
low = -2.0
high = 0.8
"""


def test_a_verdict_of_an_earlier_release_is_replayed_with_its_own_rules() -> None:
    old = parse_fusion(FORMAT_1)
    calm = {"planarity": -1.7, "appearance": -1.6, "passive": 4.0, "grid": None, "repeated": -2.0}
    stored = (*GOOD, not_assessed("continuity", "unsure", lowest=0.4))
    report = judge_with(old, calm, stored)
    assert (report.state, report.reasons) == (State.FAIL, ("like_mesh",))
    assert report.ratios["replay"] == 0.8, "without a grid, the passive model alone"
    assert judge_with(old, calm | {"appearance": -1.0}, stored).state is State.PASS, "'unsure' was no doubt then"


@pytest.mark.parametrize("floor", [-0.51, 0.3, 2.0])
def test_a_floor_that_fails_or_passes_by_itself_is_refused(floor: float) -> None:
    text = SHIPPED.text.replace("floor = -0.3", f"floor = {floor}")
    with pytest.raises(ManifestInvalid):
        parse_fusion(text)


@pytest.mark.parametrize(
    "text", ["", "format = 3", 'format = 1\nlive_from = "x"', "format = 1\nlive_from = 0\n", "x ="]
)
def test_a_broken_file_is_refused(text: str) -> None:
    with pytest.raises(ManifestInvalid):
        parse_fusion(text)

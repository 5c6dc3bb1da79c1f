"""The verdict is pure, never counts *not assessed* as passed, and depends on the worst species."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ManifestInvalid
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
        ({"appearance": math.log10(0.03)}, "mesh"),
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
    assert judge(BONA_FIDE | {"passive": 6.0, "planarity": 1.0, "appearance": math.log10(0.03)}) is State.FAIL


def test_doubtful_prompts_prevent_a_pass() -> None:
    assert judge(BONA_FIDE, (*GOOD, not_assessed("prompts", "partly_followed"))) is State.NOT_ASSESSED
    assert judge(BONA_FIDE, (*GOOD, not_assessed("prompts", "none_asked"))) is State.PASS


def test_missing_light_prevents_a_pass_and_a_weak_pulse_does_not() -> None:
    assert judge(BONA_FIDE, (*GOOD, passed("light"), not_assessed("pulse", "too_short"))) is State.PASS
    assert judge(BONA_FIDE, (*GOOD, not_assessed("light", "none_shown"))) is State.PASS
    for reason in ("no_reflection", "unclear_light", "even_light", "too_short"):
        assert judge(BONA_FIDE, (*GOOD, not_assessed("light", reason))) is State.NOT_ASSESSED
    assert judge(BONA_FIDE, (*GOOD, failed("light", "other_light"))) is State.FAIL


@pytest.mark.parametrize(
    "text", ["", "format = 2", 'format = 1\nlive_from = "x"', "format = 1\nlive_from = 0\n", "x ="]
)
def test_a_broken_file_is_refused(text: str) -> None:
    with pytest.raises(ManifestInvalid):
        parse_fusion(text)

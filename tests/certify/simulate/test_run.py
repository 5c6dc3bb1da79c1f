"""The simulation: plausible results, the same for a seed in any chunks, and correct intervals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from certify.policies import load_policies
from certify.simulate.chance import Chance
from certify.simulate.results import Measure, figure
from certify.simulate.run import REGIMES
from certify.simulate.tally import COUNTS, Tally
from tests.certify.simulate.world import END, HONEST, START, people, play, value

_PERFECT: dict[str, Any] = HONEST | {
    "deaths": {"unreported": 0.0, "median_days": 0.0, "family_reports": 1.0, "family_median_days": 0.0}
}


def _merged(*changes: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for change in changes:
        for name, table in change.items():
            merged[name] = merged.get(name, {}) | table
    return merged


@pytest.mark.parametrize("regime", REGIMES)
def test_without_deaths_no_month_is_paid_to_the_dead(regime: str) -> None:
    found = play(people(100)).regimes[regime]
    assert (found.counts["deaths"], found.counts["dead_days_paid"], found.figures["months_to_dead"].value) == (0, 0, 0)
    assert found.figures["found_90"].value is None
    assert found.counts["living_days"] == 100 * 730


@pytest.mark.parametrize("regime", REGIMES)
def test_perfect_reports_leave_no_month(regime: str) -> None:
    found = play(people(200, deaths=0.5), _PERFECT)
    assert value(found, "months_per_death", regime) < 0.001
    assert value(found, "found_30", regime) == 1


@pytest.mark.parametrize("regime", ["ours", "data_only"])
def test_later_reports_leave_more_months(regime: str) -> None:
    some = people(200, deaths=0.5)
    no_family = {"deaths": {"family_reports": 0.0}}
    months = [
        value(play(some, _merged(no_family, {"deaths": {"median_days": days}})), "months_per_death", regime)
        for days in (5.0, 60.0, 200.0)
    ]
    assert months == sorted(months)
    assert months[2] > months[0] + 1


def test_fraud_costs_more_months_under_every_regime() -> None:
    some = people(200, deaths=0.5)
    honest, hidden = play(some, HONEST), play(some, {"fraud": {"share_of_deaths": 1.0}})
    for regime in REGIMES:
        assert value(hidden, "months_per_death", regime) > value(honest, "months_per_death", regime)


def test_the_same_seed_gives_the_same_result_and_another_seed_another() -> None:
    some = people(60, deaths=0.3)
    first, second, other = (json.dumps(play(some, seed=seed).to_json(), sort_keys=True) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_chunks_and_processes_do_not_change_the_counts() -> None:
    whole = people(90, deaths=0.3)
    parts = [type(whole)(at, whole.born[at : at + 30], whole.dies[at : at + 30]) for at in (0, 30, 60)]
    one, cut, two = play(whole), play(parts), play(parts, processes=2)
    assert [regime.counts for regime in one.regimes.values()] == [regime.counts for regime in cut.regimes.values()]
    assert cut.to_json() == two.to_json()


def test_people_too_young_for_the_benefit_are_left_out() -> None:
    some = people(200)
    found = play(some, policy=load_policies()["elderly_subsidy"])
    assert 0 < found.people < 200
    assert found.regimes["ours"].counts["living_days"] == found.people * (END - START).days + found.people


def test_all_regimes_meet_the_same_lives() -> None:
    found = play(people(150, deaths=0.4)).regimes.values()
    assert len({(regime.counts["deaths"], regime.counts["living_days"]) for regime in found}) == 1


def test_json_holds_the_setting_and_the_assumptions() -> None:
    report = play(people(20)).to_json()
    assert (report["people"], report["start"], report["end"]) == (20, "2026-01-01", "2027-12-31")
    assert report["policy"]["scheme"] == "employee"
    assert set(report["regimes"]) == set(REGIMES)
    assert set(report["labels"]) == set(report["regimes"]["ours"]["figures"])
    assert report["assumptions"]["deaths"]["unreported"]["source"]


def test_intervals_hold_the_value_and_zero_has_an_upper_bound() -> None:
    found = play(people(150, deaths=0.3)).regimes["in_person"].figures
    for name in ("months_to_dead", "wrongly_stopped", "cost"):
        entry = found[name]
        assert entry.value is not None
        assert entry.low is not None
        assert entry.high is not None
        assert entry.low < entry.value < entry.high
    paused = found["wrongly_paused"]
    assert (paused.value, paused.low) == (0, 0)
    thousand_years = play(people(150, deaths=0.3)).regimes["in_person"].counts["living_days"] / 365_250
    assert paused.high == pytest.approx(3.689 / thousand_years)


def test_a_share_of_all_has_the_exact_interval() -> None:
    sums = np.zeros(len(COUNTS))
    sums[[COUNTS.index("found_30"), COUNTS.index("deaths_known_30")]] = 30
    share = Measure("", "", {"found_30": 1.0}, {"deaths_known_30": 1.0}, "share")
    found = figure(share, sums, np.tile(sums, (10, 1)))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.8843, abs=1e-4)  # 1 - 0.025^(1/30), rounded


def test_random_numbers_are_named_and_uniform() -> None:
    chance = Chance(1, 7)
    assert chance.uniform("a", 1) == Chance(1, 7).uniform("a", 1)
    draws = [Chance(1, person).uniform(matter) for person in range(2000) for matter in ("a", "b")]
    assert min(draws) > 0
    assert max(draws) < 1
    assert np.histogram(draws, 10, (0, 1))[0].min() > 330
    assert chance.days(0, 0.9, "x") == 0
    assert chance.days(0.01, 0.1, "x") == 1
    assert np.median([Chance(1, p).days(14, 0.9, "x") for p in range(2000)]) == pytest.approx(14, abs=1.5)


def test_a_death_too_close_to_the_end_is_not_in_the_share() -> None:
    tally = Tally()
    tally.died(100, 140, 150)
    assert (tally.deaths_known_30, tally.found_30, tally.deaths_known_90) == (1, 0, 0)
    assert tally.dead_days_paid == 40
    never = Tally()
    never.died(100, 10**6, 150)
    assert never.dead_days_paid == 51

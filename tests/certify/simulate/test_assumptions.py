"""Assumptions: each has a unit and a source, a file can replace them, and impossible values are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certify.errors import Invalid
from certify.policies import load_policies
from certify.simulate.assumptions import at_age, load_assumptions


def _leaves(document: Any) -> Iterator[dict[str, Any]]:
    for entry in document.values():
        if "unit" in entry:
            yield entry
        else:
            yield from _leaves(entry)


def test_every_number_has_a_unit_and_a_source() -> None:
    leaves = list(_leaves(load_assumptions().document))
    assert len(leaves) > 60
    assert all(set(entry) == {"value", "unit", "source"} and len(entry["source"]) >= 6 for entry in leaves)


def test_acts_are_those_of_the_shipped_policies() -> None:
    for document in load_policies().values():
        assert set(load_assumptions().acts) == set(document.policy.signs)


def test_a_file_replaces_numbers_with_or_without_a_source(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('[deaths]\nunreported = 0.2\nmedian_days = { value = 40, source = "our audit" }\n')
    loaded = load_assumptions(file)
    assert (loaded.deaths.unreported, loaded.deaths.median_days) == (0.2, 40)
    assert loaded.deaths.family_reports == load_assumptions().deaths.family_reports
    assert loaded.document["deaths"]["median_days"] == {"value": 40, "unit": "days", "source": "our audit"}
    assert loaded.document["deaths"]["unreported"]["source"] == "given without a source"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[deaths]\nunreprted = 0.1", "There is no assumption 'deaths.unreprted'"),
        ("[nothing]\na = 1", "There is no assumption 'nothing'"),
        ("deaths = 1", "must be a table"),
        ("[deaths]\nunreported = 1.5", "not a value in the unit 'share'"),
        ("[deaths]\nunreported = nan", "not a value in the unit 'share'"),
        ("[deaths]\nunreported = true", "not a value in the unit 'share'"),
        ('[deaths]\nunreported = { source = "x" }', "write value"),
        ('[deaths]\nunreported = { value = 4, unit = "percent" }', "the unit is 'share'"),
        ("[officer]\nlooks = 0", "not a value in the unit 'count'"),
        ("[people]\nphone = [[60, 0.5]]", "not a value in the unit 'share by age'"),
        ("[reminders]\ndays_from_due = [10, -10]", "not a value in the unit 'days from the due date'"),
        ("[acts.tax_return]\ncounts_in_data_only = 1", "not a value in the unit 'yes or no'"),
        ("deaths = [", "not TOML"),
    ],
)
def test_impossible_values_are_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(Invalid, match=says):
        load_assumptions(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"gone.toml cannot be read"):
        load_assumptions(tmp_path / "gone.toml")


def test_shares_by_age_hold_from_their_age_on() -> None:
    shares = [[0, 0.1], [80, 0.5]]
    assert [at_age(shares, age) for age in (0, 79, 80, 101)] == [0.1, 0.1, 0.5, 0.5]

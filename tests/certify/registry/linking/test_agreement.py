"""Levels of agreement: conditions that only save time change no level."""

from __future__ import annotations

import duckdb
import pytest

from certify.registry.linking.agreement import NAME, id_comparison
from certify.registry.linking.duckdb_engine import MACROS


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(macro)
    return connection


def _edits(text: str) -> list[str]:
    """Return all texts that differ by one mistake: a character changed, left out or added."""
    places = range(len(text))
    return [
        *(text[:i] + "7" + text[i + 1 :] for i in places),
        *(text[:i] + text[i + 1 :] for i in places),
        *(text[:i] + "7" + text[i:] for i in (*places, len(text))),
    ]


@pytest.mark.parametrize("text", ["1234", "52998224725", "110101194903070014"])
def test_one_mistake_is_found_at_every_place(database: duckdb.DuckDBPyConnection, text: str) -> None:
    gamma = id_comparison(checked=True, holds_birth=False).gamma_sql("$l_{column}", "$r_{column}")
    for other in _edits(text):
        given = {"l_id": text, "r_id": None, "l_id_text": text, "r_id_text": other}
        needed = {name: value for name, value in given.items() if f"${name}" in gamma}
        level = database.execute(f"SELECT {gamma}", needed).fetchall()[0][0]
        assert level == (3 if other == text else 2) or len(min(text, other, key=len)) < 5, other


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("ana lima", "ana lima", 6),
        ("ana lima", "ana lima sousa", 3),  # a word left out
        ("ana", "ana lima", 2),
        ("ana lima", "ana sousa", 1),
        ("ana lima sousa", "ana lima prado", 1),
        ("ana lima prado sousa", "ana lima sousa", 3),
    ],
)
def test_a_missing_word_is_a_small_difference_when_two_remain(
    database: duckdb.DuckDBPyConnection, one: str, other: str, level: int
) -> None:
    gamma = NAME.gamma_sql("$l_{column}", "$r_{column}")
    given = {"l_name": one, "r_name": other, "l_name_key": one, "r_name_key": other}
    assert database.execute(f"SELECT {gamma}", given).fetchall()[0][0] == level

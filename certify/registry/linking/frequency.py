"""Frequencies of values among all people: a rare value proves more, and a common one may agree by coincidence."""

from __future__ import annotations

from collections.abc import Iterable

from certify.registry.linking.agreement import Comparison
from certify.registry.linking.engine import Engine

COINCIDING = ("birth", "name_key", "region")
"""Columns that people may share by coincidence."""
_FEW_VALUES = frozenset({"birth", "region"})
"""Columns of which all values are counted: there are some ten thousand. Names may be as many as people."""


def rare_columns(compared: Iterable[Comparison]) -> list[str]:
    """Return the columns whose rare values count for more."""
    return sorted({level.frequency for c in compared for level in c.levels if level.frequency})


def count_people(engine: Engine, columns: Iterable[str], rows: str) -> None:
    """Make a table ``people_by_...`` (the value, ``n``) for each column.

    Args:
        engine: where the tables are.
        columns: the columns to count.
        rows: table of records; of names only those that occur in it are counted.
    """
    for column in columns:
        known = f"{column} IS NOT NULL" if column in _FEW_VALUES else f"{column} IN (SELECT {column} FROM {rows})"
        engine.create(
            f"people_by_{column}",
            f"SELECT {column}, CAST(count(*) AS DOUBLE) AS n FROM people WHERE {known} GROUP BY {column}",
        )

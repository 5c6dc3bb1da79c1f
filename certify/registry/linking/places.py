"""Details that go together, such as a street, its town and its region: their agreement counts once.

The weights of a model treat details as independent. Who lives in the same street lives in the same town as well, so the
town then proves nothing more.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from certify.registry.linking.agreement import Comparison
from certify.registry.linking.engine import Engine
from certify.registry.linking.model import Model

_TOGETHER = 0.5
"""Share of the pairs that agree on one detail and then agree on the other too, from which both are one thing."""


def place_groups(engine: Engine, compared: Sequence[Comparison]) -> tuple[tuple[str, ...], ...]:
    """Return groups of details, of which the region may be one, that go together among the people.

    Args:
        engine: has the table ``people``.
        compared: what is compared.

    Returns:
        The groups of two and more.
    """
    names = [c.name for c in compared if c.name == "region" or c.name.startswith("x_")]
    groups: list[set[str]] = []
    for one, two in itertools.combinations(names, 2):
        if max(_agreeing(engine, one, two), _agreeing(engine, two, one)) >= _TOGETHER:
            touched = [group for group in groups if group & {one, two}]
            groups = [group for group in groups if group not in touched]
            groups.append(set().union({one, two}, *touched))
    return tuple(tuple(sorted(group)) for group in groups)


def surplus_sql(model: Model, groups: Sequence[Sequence[str]]) -> str:
    """Return the SQL of the bits that details of one group add beyond the one that proves most."""
    parts = ["0.0"]
    for group in groups:
        gains = []
        for comparison in (c for c in model.comparisons if c.name in group):
            cases = [
                f"WHEN {gamma} THEN {round(weight, 6)!r}"
                for gamma in range(len(comparison.levels))
                if (weight := model.weight(comparison, gamma)) > 0
            ]
            gains.append(f"CASE gamma_{comparison.name} {' '.join(cases)} ELSE 0.0 END" if cases else "0.0")
        parts.append(f"({' + '.join(gains)} - greatest({', '.join(gains)}))")
    return " + ".join(parts)


def _agreeing(engine: Engine, one: str, two: str) -> float:
    """Return the share of the pairs of people with one value of ``one`` who have one value of ``two`` as well."""
    both = f"SELECT {one}, {two}, count(*) AS n FROM people WHERE {one} IS NOT NULL AND {two} IS NOT NULL GROUP BY 1, 2"
    found = engine.query(
        f"SELECT sum(same) AS same, sum(n * (n - 1)) AS pairs FROM (SELECT {one}, sum(n * (n - 1)) AS same, "
        f"CAST(sum(n) AS DOUBLE) AS n FROM ({both}) b GROUP BY 1) g"
    ).to_pylist()[0]
    return float(found["same"] or 0) / float(found["pairs"]) if found["pairs"] else 0.0

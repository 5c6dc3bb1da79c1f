"""Linking registry records with the people of a fund, in stages, on DuckDB or on Spark.

::

    engine = open_engine("duckdb", memory="6GB", threads=2)
    fund = Layout(key="person", id="national_id", name=("name",), birth="birth_date", sex="sex", region="region",
                  id_format="cn")
    result = link(engine, Source(Path("people.parquet"), fund), Source(Path("deaths.parquet"), registry))
    for row in result.links("outcome = 'link'").to_pylist():
        row["record"], row["person"], row["stage"], row["weight"]
        result.explain(row).terms      # the waterfall
    json.dumps(result.model.stored())  # Parameters(model=...) of the next run, which then trains no model

The stages: ``id`` (a usable id that name or birth date confirms), ``exact_person`` (same name, birth date and sex, with
no coincidence expected), ``probabilistic`` (Splink, for the remaining records). A doubtful pair has the outcome
``review`` and a reason (``REASONS``). Keys are unchanged text. The table ``links`` stays in the engine, so that callers
can continue in SQL.
"""

from __future__ import annotations

from certify.registry.linking.engine import Engine, Source
from certify.registry.linking.explain import Explanation, Term, explain
from certify.registry.linking.link import LinkResult, link, load_people
from certify.registry.linking.model import Model
from certify.registry.linking.open_engine import open_engine
from certify.registry.linking.outcome import REASONS, STAGES
from certify.registry.linking.parameters import Parameters
from certify.registry.normalise import Layout

__all__ = [
    "REASONS",
    "STAGES",
    "Engine",
    "Explanation",
    "Layout",
    "LinkResult",
    "Model",
    "Parameters",
    "Source",
    "Term",
    "explain",
    "link",
    "load_people",
    "open_engine",
]

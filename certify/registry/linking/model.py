"""The probabilistic model (Fellegi-Sunter): how often each level of agreement is met among true and other pairs.

Splink trains it: the u's from seeded random pairs, the m's by expectation maximisation over pairs that share an id, and
over pairs that share name and birth date. Levels that a sample does not show keep their defaults (``agreement.py``).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from certify.registry.linking.agreement import Comparison
from certify.registry.linking.duckdb_engine import MACROS

if TYPE_CHECKING:
    from splink import Linker

_LEAST_M, _LEAST_U = 5e-4, 1e-9
"""A level that a sample shows (almost) never still happens."""
_DIGITS = 6
"""Significant digits that are kept: sums in another order must not make another model."""


@dataclass(frozen=True, slots=True)
class Model:
    """Comparisons with their m and u probabilities, from the best level down; and whether they were trained.

    ``prior`` is the chance that two random rows are one person.
    """

    comparisons: tuple[Comparison, ...]
    probabilities: dict[str, tuple[tuple[float, float], ...]]
    prior: float
    trained: bool

    @classmethod
    def default(cls, comparisons: tuple[Comparison, ...], prior: float) -> Model:
        """Return the model before any training."""
        return cls(comparisons, {c.name: tuple((v.m, v.u) for v in c.levels) for c in comparisons}, prior, False)

    @classmethod
    def restored(cls, stored: dict[str, Any], comparisons: tuple[Comparison, ...], prior: float) -> Model:
        """Return a model that was stored, for files of this size. Comparisons that it does not know keep defaults."""
        base = cls.default(comparisons, prior)
        known = {
            name: tuple((float(m), float(u)) for m, u in pairs)
            for name, pairs in stored["probabilities"].items()
            if len(pairs) == len(base.probabilities.get(name, ()))
        }
        return cls(comparisons, base.probabilities | known, prior, bool(stored.get("trained")))

    def stored(self) -> dict[str, Any]:
        """Return the model as plain values for JSON."""
        return {"trained": self.trained, "probabilities": {n: [list(p) for p in v] for n, v in
                                                           sorted(self.probabilities.items())}}  # fmt: skip

    @property
    def prior_weight(self) -> float:
        """The weight before anything is compared."""
        return math.log2(self.prior / (1 - self.prior))

    def weight(self, comparison: Comparison, gamma: int) -> float:
        """Return the weight of a level in bits; a comparison that was not assessed weighs nothing."""
        if gamma < 0:
            return 0.0
        pairs = self.probabilities[comparison.name]
        m, u = pairs[len(pairs) - 1 - gamma]
        return math.log2(m / u)

    def weight_sql(self, skip: tuple[str, ...] = ()) -> str:
        """Return the expression of the whole weight over columns ``g_...``, without the rarity of values."""
        terms = [repr(round(self.prior_weight, 6))]
        for comparison in self.comparisons:
            if comparison.name in skip:
                continue
            cases = " ".join(
                f"WHEN {gamma} THEN {round(self.weight(comparison, gamma), 6)!r}"
                for gamma in range(len(comparison.levels))
            )
            terms.append(f"CASE g_{comparison.name} {cases} ELSE 0.0 END")
        return " + ".join(terms)

    def settings(self, link_type: str, dialect: str, rules: list[str], *, em: bool = False) -> dict[str, Any]:
        """Return the model in Splink's words. ``em``: m's and most u's are left to be trained."""
        made = []
        for comparison in self.comparisons:
            levels: list[dict[str, Any]] = [
                {"sql_condition": comparison.missing, "label_for_charts": "not assessed", "is_null_level": True}
            ]
            for level, (m, u) in zip(comparison.levels, self.probabilities[comparison.name], strict=True):
                entry: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.says}
                if not em:
                    entry |= {"m_probability": m, "u_probability": u}
                if level.frequency is not None and not em:
                    entry |= {"tf_adjustment_column": level.frequency, "tf_adjustment_weight": 1.0}
                levels.append(entry)
            made.append({"output_column_name": comparison.name, "comparison_levels": levels})
        return {
            "link_type": link_type,
            "sql_dialect": dialect,
            "comparisons": made,
            "blocking_rules_to_generate_predictions": [{"blocking_rule": rule, "sql_dialect": dialect} for rule in rules],
            "probability_two_random_records_match": self.prior,
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": False,
            "unique_id_column_name": "unique_id",
        }


def train(model: Model, people: pa.Table, records: pa.Table | None, *, seed: int) -> Model:
    """Train on samples of both sides, or of one that is deduplicated (``records`` None).

    Runs in a small database of its own and on one thread, whatever the engine, so that the same samples give the same
    model. Returns the model as it was when the samples show nothing.
    """
    import duckdb  # noqa: PLC0415 - with Splink below
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - slow to load

    if people.num_rows < 2 or (records is not None and records.num_rows == 0):
        return model
    _quiet()
    with duckdb.connect(config={"threads": 1}) as connection:
        for macro in MACROS:
            connection.execute(macro)
        api = DuckDBAPI(connection=connection)
        tables = [api.register(people, dataset_display_name="a_people")]
        if records is not None:
            tables.append(api.register(records, dataset_display_name="b_records"))
        link_type = "dedupe_only" if records is None else "link_only"
        linker = Linker(tables, model.settings(link_type, "duckdb", ["l.birth = r.birth"], em=True), log_level=50)
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=seed)
        shared = _session(linker, ["id_text"])
        _session(linker, ["name_key", "birth"])
        if not shared:
            _session(linker, ["name_key"])
            _session(linker, ["birth"])
        learnt = linker.misc.save_model_to_json()
    return Model(model.comparisons, _merged(model, learnt), model.prior, True)


def _session(linker: Linker, columns: list[str]) -> bool:
    from splink import block_on  # noqa: PLC0415 - slow to load
    from splink.internals.exceptions import EMTrainingException  # noqa: PLC0415

    try:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    except EMTrainingException:  # no two rows share these
        return False
    return True


def _merged(model: Model, learnt: dict[str, Any]) -> dict[str, tuple[tuple[float, float], ...]]:
    found = {}
    for comparison, entry in zip(model.comparisons, learnt["comparisons"], strict=True):
        levels = [level for level in entry["comparison_levels"] if not level.get("is_null_level")]
        pairs = []
        for level, (m, u) in zip(levels, model.probabilities[comparison.name], strict=True):
            trained_m, trained_u = level.get("m_probability"), level.get("u_probability")
            # Chance agreement of ids is too rare for a sample, unless it saw some.
            pairs.append((_kept(trained_m, m, _LEAST_M), _kept(trained_u, u, u if comparison.name == "id" else _LEAST_U)))
        found[comparison.name] = tuple(pairs)
    return found


def _kept(trained: object, default: float, least: float) -> float:
    value = float(trained) if isinstance(trained, int | float) and trained > 0 else default
    return float(f"{max(value, least):.{_DIGITS}g}")


def _quiet() -> None:
    """Splink tells of levels that it could not train; they keep their defaults, which is meant."""
    logging.getLogger("splink").setLevel(logging.ERROR)

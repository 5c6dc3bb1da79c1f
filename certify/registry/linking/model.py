"""The probabilistic model (Fellegi-Sunter): the share of each level of agreement among true and other pairs.

``agreement.py`` has the assumed shares; ``training.py`` learns them from the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from certify.registry.linking.agreement import Comparison


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        comparisons: what is compared.
        probabilities: m and u of each level by comparison, from the best level down.
        prior: the probability that two random rows are one person.
        trained: whether the probabilities were trained.
        kept: comparisons that kept prior probabilities, because those that were learnt were not in order.
    """

    comparisons: tuple[Comparison, ...]
    probabilities: dict[str, tuple[tuple[float, float], ...]]
    prior: float
    trained: bool
    kept: tuple[str, ...] = ()

    @classmethod
    def default(cls, comparisons: tuple[Comparison, ...], prior: float) -> Model:
        """Return the model before any training."""
        return cls(comparisons, {c.name: tuple((v.m, v.u) for v in c.levels) for c in comparisons}, prior, False)

    @classmethod
    def restored(cls, stored: dict[str, Any], comparisons: tuple[Comparison, ...], prior: float) -> Model:
        """Return a stored model for files of this size; comparisons that it does not have keep their defaults."""
        base = cls.default(comparisons, prior)
        known = {
            name: tuple((float(m), float(u)) for m, u in pairs)
            for name, pairs in stored["probabilities"].items()
            if len(pairs) == len(base.probabilities.get(name, ()))
        }
        return cls(comparisons, base.probabilities | known, prior, bool(stored.get("trained")),
                   tuple(stored.get("kept", ())))  # fmt: skip

    def stored(self) -> dict[str, Any]:
        """Return the model as plain values for JSON."""
        return {"trained": self.trained, "kept": list(self.kept), "probabilities": {n: [list(p) for p in v] for n, v in
                                                           sorted(self.probabilities.items())}}  # fmt: skip

    @property
    def prior_weight(self) -> float:
        """Return the weight before any comparison, in bits."""
        return math.log2(self.prior / (1 - self.prior))

    def weight(self, comparison: Comparison, gamma: int) -> float:
        """Return the weight of a level in bits; a comparison that was not assessed has weight 0."""
        if gamma < 0:
            return 0.0
        pairs = self.probabilities[comparison.name]
        m, u = pairs[len(pairs) - 1 - gamma]
        return math.log2(m / u)

    def weight_sql(self) -> str:
        """Return the SQL expression of the weight over columns ``g_...``, without the rarity of values."""
        terms = [repr(round(self.prior_weight, 6))]
        for comparison in self.comparisons:
            cases = " ".join(
                f"WHEN {gamma} THEN {round(self.weight(comparison, gamma), 6)!r}"
                for gamma in range(len(comparison.levels))
            )
            terms.append(f"CASE g_{comparison.name} {cases} ELSE 0.0 END")
        return " + ".join(terms)

    def settings(self, link_type: str, dialect: str, rules: list[str], *, known: str = "all") -> dict[str, Any]:
        """Return the model as settings for Splink.

        Args:
            link_type: ``link_only`` or ``dedupe_only``.
            dialect: SQL dialect of the engine.
            rules: blocking rules.
            known: ``all``, ``u`` (m's are to be trained) or ``neither``.

        Returns:
            The settings.
        """
        made = []
        for comparison in self.comparisons:
            levels: list[dict[str, Any]] = [
                {"sql_condition": comparison.missing, "label_for_charts": "not assessed", "is_null_level": True}
            ]
            for level, (m, u) in zip(comparison.levels, self.probabilities[comparison.name], strict=True):
                entry: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.says}
                if known != "neither":
                    entry |= {"m_probability": m, "u_probability": u}
                if known == "all" and level.sql == f"{level.frequency}_l = {level.frequency}_r":
                    entry |= {"tf_adjustment_column": level.frequency, "tf_adjustment_weight": 1.0}
                levels.append(entry)
            made.append({"output_column_name": comparison.name, "comparison_levels": levels})
        return {
            "link_type": link_type,
            "sql_dialect": dialect,
            "comparisons": made,
            "blocking_rules_to_generate_predictions": [
                {"blocking_rule": rule, "sql_dialect": dialect} for rule in rules
            ],
            "probability_two_random_records_match": self.prior,
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": False,
            "unique_id_column_name": "unique_id",
        }

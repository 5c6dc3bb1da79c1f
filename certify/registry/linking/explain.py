"""Explanation of a link for officers: why two rows are taken for one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certify.registry.linking.model import Model
from certify.registry.linking.outcome import REASONS

_TERMS = {"name": "name", "birth": "birth date", "sex": "sex", "region": "region", "id": "national id"}
_STAGE = {
    "id": "The usable id is the same, and name or birth date confirms it.",
    "exact_person": "Name, birth date and sex are the same, and no other person has them.",
    "probabilistic": "All known columns were compared and weighed.",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One step of the waterfall.

    Attributes:
        term: what was compared.
        agreement: how it agrees.
        weight: bits that it adds.
        total: sum of the bits so far.
    """

    term: str
    agreement: str
    weight: float
    total: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence, and the steps from the prior to the match weight; ten bits are odds of 1,000 to 1."""

    summary: str
    terms: tuple[Term, ...]


def explain(link: Mapping[str, Any], model: Model) -> Explanation:
    """Explain one row of ``LinkResult.links``.

    Args:
        link: the row.
        model: the model that it was linked with.

    Returns:
        The explanation.
    """
    total = model.prior_weight
    terms = [Term("before comparing", "two rows taken at random", total, total)]
    for comparison in model.comparisons:
        gamma = int(link.get(f"g_{comparison.name}", -1))
        weight = model.weight(comparison, gamma)
        total += weight
        says = "not assessed: missing on one side" if gamma < 0 else comparison.level(gamma).says
        terms.append(Term(_TERMS.get(comparison.name, "further detail"), says, weight, total))
    rarity = float(link.get("rarity") or 0.0)
    if abs(rarity) >= 0.01:
        total += rarity
        terms.append(Term("rarity", "the values are rare" if rarity > 0 else "the values are frequent", rarity, total))
    reason = link.get("reason")
    return Explanation(REASONS[str(reason)] if reason else _STAGE[str(link["stage"])], tuple(terms))

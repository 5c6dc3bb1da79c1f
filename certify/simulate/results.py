"""Figures from counts: rates per thousand people a year, shares and costs, each with a 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certify.simulate.assumptions import Costs
from certify.simulate.tally import COUNTS
from models.statistics import clopper_pearson

METHOD = (
    "95 %: Poisson bootstrap over people, 400 replicates. Where no pause or stop was seen: the exact upper bound of "
    "zero events. For a share that is 0 or 1: Clopper-Pearson."
)
_NONE_SEEN = 3.689
"""Upper end of the two-sided 95 % interval of a Poisson mean when no event was seen: -ln 0.025."""
_RATES = "per 1,000 people a year"
_DEATHS = "deaths"
_PROOFS = "proofs of life"
_COST = "units a person and year"
_YEAR = 365.25
_MONTH = _YEAR / 12

Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: a ratio of sums of counts.

    Attributes:
        group: heading under which people read it, with the unit.
        label: its name for people.
        over: the counts of the numerator, each with its weight.
        under: the counts of the denominator, each with its weight.
        kind: ``share`` is a proportion of cases; ``rare`` counts mishaps, so that zero has an upper bound; ``amount``
            is anything else.
    """

    group: str
    label: str
    over: Mapping[str, float]
    under: Mapping[str, float]
    kind: str = "amount"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its interval; None where the denominator is zero, or where no interval is known."""

    value: float | None
    low: float | None
    high: float | None


def measures(costs: Costs) -> dict[str, Measure]:
    """Return all figures by their key."""
    thousand_years = {"living_days": 1 / (1000 * _YEAR)}
    work = {
        "silent": costs.silent_pass,
        "sessions": costs.remote_session,
        "trips": costs.trip,
        "visits": costs.visit,
        "looks": costs.officer_look,
        "reminders": costs.reminder,
    }
    lost = {"dead_days_paid": costs.pension_month / _MONTH}
    year = {"living_days": 1 / _YEAR}

    months_dead = {"dead_days_paid": 1 / _MONTH}
    months_without = {"days_without": 1 / _MONTH}

    def rate(label: str, count: str, kind: str = "amount") -> Measure:
        return Measure(_RATES, label, {count: 1.0}, thousand_years, kind)

    def share(group: str, label: str, part: str, whole: str) -> Measure:
        return Measure(group, label, {part: 1.0}, {whole: 1.0}, "share")

    return {
        "months_to_dead": Measure(_RATES, "months paid to the dead", months_dead, thousand_years),
        "wrongly_paused": rate("wrongly paused", "paused", "rare"),
        "wrongly_stopped": rate("wrongly stopped", "stopped", "rare"),
        "months_without": Measure(_RATES, "months wrongly unpaid", months_without, thousand_years),
        "sessions": rate("remote sessions", "sessions"),
        "trips": rate("trips to a counter", "trips"),
        "visits": rate("visits at the door", "visits"),
        "reminders": rate("reminders", "reminders"),
        "officer_looks": rate("officers' looks", "looks"),
        "found_30": share(_DEATHS, "found within 30 days", "found_30", "deaths_known_30"),
        "found_90": share(_DEATHS, "found within 90 days", "found_90", "deaths_known_90"),
        "found_365": share(_DEATHS, "found within 365 days", "found_365", "deaths_known_365"),
        "months_per_death": Measure(_DEATHS, "months paid after it", months_dead, {"deaths": 1.0}),
        "silent_share": share(_PROOFS, "by data alone", "silent", "renewals"),
        "silent_false": share(_PROOFS, "false among these", "silent_dead", "silent"),
        "work": Measure(_COST, "work and journeys", work, year),
        "lost": Measure(_COST, "paid to the dead", lost, year),
        "cost": Measure(_COST, "together", {**work, **lost}, year),
    }


def figure(measure: Measure, sums: Sums, replicates: Sums) -> Figure:
    """Compute a figure with its interval.

    Args:
        measure: the ratio to compute.
        sums: sums of the counts, in the order of ``COUNTS``.
        replicates: the same for each bootstrap replicate, one a row.

    Returns:
        The figure.
    """
    over, under = _combined(measure.over), _combined(measure.under)
    top, bottom = float(sums @ over), float(sums @ under)
    if not bottom:
        return Figure(None, None, None)
    if measure.kind == "share" and top in (0.0, bottom):
        low, high = clopper_pearson(round(top), round(bottom))
        return Figure(top / bottom, low, high)
    if not top:
        return Figure(0.0, 0.0, _NONE_SEEN / bottom if measure.kind == "rare" else None)
    divisors = replicates @ under
    known = divisors > 0
    ratios = (replicates @ over)[known] / divisors[known]
    low, high = (float(value) for value in np.quantile(ratios, [0.025, 0.975]))
    return Figure(top / bottom, low, high)


def _combined(weights: Mapping[str, float]) -> Sums:
    return np.array([weights.get(name, 0.0) for name in COUNTS])

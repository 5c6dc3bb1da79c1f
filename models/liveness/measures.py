"""Compute the measures that the fusion uses, from the readings of one capture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from models.liveness.depth import new_appearance, planarity
from models.liveness.injection import repeated_share
from models.liveness.readings import Readings

MEASURES = ("planarity", "appearance", "passive", "grid", "repeated", "light")
"""By name: residual of the best plane (log10 of eye distances), new appearance (log10 of contrasts), passive PAD (log10
odds of the mean probability), pixel grid (log10 of the peak), repeated frames (log10 of their share plus 0.01).
``light`` does not come from the readings: it is 1 if the check of that name passed (:mod:`models.liveness.assess`)."""

_FLOOR = 1e-4
_HUNDREDTH = 0.01
"""The value for a share of 0: one frame of about a hundred in a short capture."""


def measure(readings: Readings) -> Mapping[str, float | None]:
    """Return all measures except ``light``; None for those that could not be taken."""
    repeated = repeated_share(readings.glances)
    live = [detail.live for detail in readings.details if detail.live is not None]
    grids = [detail.grid for detail in readings.details if detail.grid is not None]
    return MappingProxyType(
        {
            "planarity": _log(planarity(readings.details)),
            "appearance": _log(new_appearance(readings.details)),
            "passive": log_odds(float(np.mean(live))) if len(live) >= 3 else None,
            "grid": _log(float(np.median(grids))) if len(grids) >= 2 else None,
            "repeated": None if repeated is None else math.log10(repeated + _HUNDREDTH),
        }
    )


def log_odds(probability: float) -> float:
    """Return log10 of the odds of a probability, clipped to the network's resolution (1e-4 to 1 - 1e-4)."""
    clipped = min(max(probability, _FLOOR), 1 - _FLOOR)
    return math.log10(clipped / (1 - clipped))


def _log(value: float | None) -> float | None:
    return None if value is None else math.log10(max(value, _FLOOR))

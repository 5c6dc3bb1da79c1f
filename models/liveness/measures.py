"""Compute the measures that the fusion uses, from the readings of one capture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from models.liveness.depth import new_appearance, planarity, turning_pairs
from models.liveness.injection import repeated_share
from models.liveness.readings import Readings

MEASURES = ("planarity", "appearance", "passive", "grid", "repeated", "turned", "light")
"""By name: residual of the best plane (log10 of eye distances), new appearance (log10 of contrasts), passive PAD
(median of the frames' log10 odds), pixel grid (log10 of the peak), repeated frames (log10 of their share plus 0.01),
how far the head turned (degrees, no measure of a species: it says whether the first two mean anything,
:mod:`models.liveness.fusion`). ``light`` does not come from the readings: it is 1 if the check of that name passed
(:mod:`models.liveness.assess`)."""

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
            "passive": float(np.median([log_odds(value) for value in live])) if len(live) >= 3 else None,
            "grid": _log(float(np.median(grids))) if len(grids) >= 2 else None,
            "repeated": None if repeated is None else math.log10(repeated + _HUNDREDTH),
            "turned": turned(readings),
        }
    )


def turned(readings: Readings) -> float | None:
    """Return the range of yaw or pitch, whichever is larger, in degrees, without the outermost frames on both sides.

    Only a turn that is fast enough to show what is new counts (:func:`models.liveness.depth.turning_pairs`): a head
    that drifts by ten degrees in a minute looks like one that keeps still.

    Returns:
        The range from the 2nd to the 98th percentile; 0 if the head never turned fast enough; None without landmarks.
    """
    poses = [(detail.mesh.pose.yaw, detail.mesh.pose.pitch) for detail in readings.details if detail.mesh is not None]
    if not poses:
        return None
    if not turning_pairs(readings.details):
        return 0.0
    return float(np.ptp(np.percentile(np.array(poses), [2, 98], axis=0), axis=0).max())


def log_odds(probability: float) -> float:
    """Return log10 of the odds of a probability, clipped to the network's resolution (1e-4 to 1 - 1e-4)."""
    clipped = min(max(probability, _FLOOR), 1 - _FLOOR)
    return math.log10(clipped / (1 - clipped))


def _log(value: float | None) -> float | None:
    return None if value is None else math.log10(max(value, _FLOOR))

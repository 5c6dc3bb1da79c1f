"""The form of templates that another system made: 128 numbers of the library ``face_recognition`` (dlib's network).

No network is loaded here. :mod:`models.face.foreign` compares such templates.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.calibrate import Calibration, load_calibration

FOREIGN = "dlib"
"""Name of the network in the manifest, and of its templates in storage."""
LENGTH = 128
"""Values of a template."""
CALIBRATION = Path(__file__).parents[1] / "calibration_foreign.toml"


class Fault(StrEnum):
    """Why 128 numbers are not a template of that network."""

    NOT_FINITE = "not_finite"
    NORM = "norm"
    NETWORK = "network"


@cache
def foreign_calibration() -> Calibration:
    """Return the shipped calibration of such templates."""
    return load_calibration(CALIBRATION)


def fault_of(values: NDArray[np.float64]) -> Fault | None:
    """Return why a vector cannot be a template of that network; None if it can.

    The network does not scale its output: the length of a template is part of its mark. And all its templates point
    roughly one way, strangers' too, so a vector that does not comes from another network. Both limits are outside
    everything that ``bench.foreign_templates --report`` measured (docs/matching.md).

    Args:
        values: 128 numbers.
    """
    if not np.isfinite(values).all():
        return Fault.NOT_FINITE
    typical = foreign_calibration().details["typical"]
    low, high = typical["length"]
    length = float(np.linalg.norm(values))
    if not low <= length <= high:
        return Fault.NORM
    mean = np.asarray(typical["mean"], np.float64)
    alike = float(values @ mean / (length * np.linalg.norm(mean)))
    return None if alike >= typical["least_cosine"] else Fault.NETWORK


def foreign_template(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a template as it is stored: float32, scaled to length 1."""
    return (values / max(float(np.linalg.norm(values)), 1e-12)).astype(np.float32)

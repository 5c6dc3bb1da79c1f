"""Compare faces with templates that another system made: those of the library ``face_recognition`` (dlib's network).

Such templates are all that is left of the enrolled pictures where a fund kept no photos. They are compared by that
network only, with a calibration of its own (``calibration_foreign.toml``, made by ``bench.foreign_templates``), and
never together with ours. The network needs the extra ``dlib``; without it nothing is compared, and the caller is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.calibrate import Calibration, load_calibration
from models.errors import ModelsError
from models.face.embed import unit
from models.face.embed_dlib import DlibEmbedder
from models.face.matcher import Comparison, Matcher
from models.face.templates import Templates, average
from models.media.image import Pixels
from models.weights.packs import PackStore

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
    return unit(values.astype(np.float32)[None])[0]


@dataclass(frozen=True, slots=True)
class ForeignFaces:
    """The network of such templates, with its calibration.

    Attributes:
        embedder: the network.
        calibration: its calibration.
    """

    embedder: DlibEmbedder
    calibration: Calibration

    @property
    def models(self) -> dict[str, str]:
        """Return the SHA-256 of the weights by name."""
        return {self.embedder.name: self.embedder.sha256}

    def probe(self, faces: Sequence[Pixels]) -> Templates | None:
        """Return the mean template of aligned faces of one moment; None without a face."""
        if not faces:
            return None
        return average([{FOREIGN: vector} for vector in self.embedder.embed(np.stack(faces))])

    def compare(self, faces: Sequence[Pixels], references: Sequence[Templates]) -> Comparison | None:
        """Compare aligned faces of one moment with such templates of one person; None without faces or templates."""
        probe = self.probe(faces)
        if probe is None or not references:
            return None
        return Matcher([self.embedder], self.calibration).compare(probe, references)


def load_foreign(store: PackStore) -> ForeignFaces | None:
    """Load the network; None if the extra ``dlib`` or its weights are not there, or the calibration is of others."""
    try:
        embedder = DlibEmbedder(store)
    except ModelsError:
        return None
    calibration = foreign_calibration()
    return ForeignFaces(embedder, calibration) if calibration.models == {FOREIGN: embedder.sha256} else None

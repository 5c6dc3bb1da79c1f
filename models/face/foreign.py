"""Compare faces with templates that another system made: those of the library ``face_recognition`` (dlib's network).

Such templates are all that is left of the enrolled pictures where a fund kept no photos. They are compared by that
network only, with a calibration of its own (``calibration_foreign.toml``, made by ``bench.foreign_templates``), and
never together with ours. The network needs the extra ``dlib``; without it nothing is compared, and the caller is told.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.calibrate import Calibration
from models.errors import ModelsError
from models.face.embed_dlib import DlibEmbedder
from models.face.foreign_form import FOREIGN, foreign_calibration
from models.face.matcher import Comparison, Matcher
from models.face.templates import Templates, average
from models.media.image import Pixels
from models.weights.packs import PackStore


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


class LazyForeign:
    """The network, loaded by the first thread that needs it: only people with foreign templates do."""

    __slots__ = ("_found", "_loaded", "_lock", "_store")

    def __init__(self, store: PackStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._loaded = False
        self._found: ForeignFaces | None = None

    def get(self) -> ForeignFaces | None:
        """Return the network, or None if it is not there."""
        with self._lock:
            if not self._loaded:
                self._found, self._loaded = load_foreign(self._store), True
            return self._found


def load_foreign(store: PackStore) -> ForeignFaces | None:
    """Load the network; None if the extra ``dlib`` or its weights are not there, or the calibration is of others."""
    try:
        embedder = DlibEmbedder(store)
    except ModelsError:
        return None
    calibration = foreign_calibration()
    return ForeignFaces(embedder, calibration) if calibration.models == {FOREIGN: embedder.sha256} else None

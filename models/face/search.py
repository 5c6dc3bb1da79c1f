"""Search one face among all faces: which of them may be the same person's? Exact, and in memory only.

A fit of the calibration is a weighted sum of cosines, so the templates of a face are joined to one vector whose scalar
product gives that sum at once. The vectors are kept as half floats: 1.3 kB a face, 1.3 GB a million. A search goes
through all of them, in 1.1 s of one core for a million (``python -m bench.duplicate_faces``; measured with 300,000:
0.34 s). An approximate index (such as HNSW) would search faster. It has to be built when a worker starts, which costs
more than reading the vectors (how much more was not measured), and it may miss what the exact search finds.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.calibrate import Fit

if TYPE_CHECKING:  # officers answer what was found without loading a face model
    from models.face.matcher import Templates

FALSE_HITS = 0.01
"""Expected hits among people who are all different, for one search: one in a hundred asks an officer without need."""

TAIL_FROM, TAIL_SHARE, TAIL_SCALE = -1.53, 0.01, 0.664
"""The worst 1 % of 143,916 scores of different people (537 portraits, one a person) begins at this log10 likelihood
ratio, and falls exponentially with this scale (``python -m bench.duplicate_faces``). It is an extrapolation beyond one
false match in 10,000: the highest of these scores is 2.2. People of one family, and photos of one camera, are more
alike."""

LEAST_THRESHOLD = 4.0
"""However few people are enrolled, a hit says at least ten thousand to one."""

_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Hit:
    """A face that may be the same person's.

    Attributes:
        number: of the face.
        llr: log10 likelihood ratio of one comparison, not clipped to the bounds of the calibration.
    """

    number: int
    llr: float


class FaceIndex:
    """The vectors of many faces. Several threads may use one index; it is never written to disk.

    Args:
        fit: the fit whose weights join the templates.
    """

    __slots__ = ("_blocks", "_count", "_fit", "_lock", "_numbers", "_width", "newest")

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._lock = threading.Lock()
        self._blocks: list[NDArray[np.float16]] = []
        self._numbers: list[int] = []
        self._count = 0
        self._width = 0
        self.newest = 0

    def __len__(self) -> int:
        """Return the number of faces."""
        return self._count

    def covers(self, templates: Templates) -> bool:
        """Return whether a face has a template of every model of the fit; others cannot be searched."""
        return self._fit.weights.keys() <= templates.keys()

    def add(self, number: int, templates: Templates) -> None:
        """Add a face. Numbers must rise; a lower one is known already and changes nothing.

        Args:
            number: of the face.
            templates: its templates; without one of every model of the fit, only the number is noted.
        """
        with self._lock:
            if number <= self.newest:
                return
            if self.covers(templates):
                row = self._count % _BLOCK
                vector = self._joined(templates)
                self._width = len(vector)
                if row == 0:
                    self._blocks.append(np.zeros((_BLOCK, self._width), np.float16))
                self._blocks[-1][row] = vector
                self._numbers.append(number)
                self._count += 1
            self.newest = number

    def threshold(self) -> float:
        """Return the log10 likelihood ratio from which a face counts as a hit, for as many faces as there are now."""
        share = FALSE_HITS / max(self._count, 1)
        return max(LEAST_THRESHOLD, TAIL_FROM + TAIL_SCALE * math.log(TAIL_SHARE / share))

    def search(self, templates: Templates, *, most: int = 20) -> list[Hit]:
        """Return the hits among all faces, the likeliest first.

        Args:
            templates: of the face; one of every model of the fit.
            most: how many hits at most.
        """
        vector = self._joined(templates).astype(np.float32)
        with self._lock:
            blocks, numbers, least = list(self._blocks), np.array(self._numbers, np.int64), self.threshold()
        if not blocks:
            return []
        sums = np.concatenate([block.astype(np.float32) @ vector for block in blocks])[: len(numbers)]
        ratios = (self._fit.intercept + sums) / math.log(10)
        found = np.flatnonzero(ratios >= least)
        best = found[np.argsort(-ratios[found], kind="stable")][:most]
        return [Hit(int(numbers[index]), float(ratios[index])) for index in best]

    def keep(self, numbers: Collection[int]) -> None:
        """Forget all faces but these: the others were erased, or are no references any more.

        Args:
            numbers: of the faces that are still in use, with those that the index does not have.
        """
        with self._lock:
            rows = np.flatnonzero(np.isin(self._numbers, np.fromiter(numbers, np.int64)))
            whole = np.concatenate([*self._blocks, np.zeros((0, self._width), np.float16)])[rows]
            self._numbers = [self._numbers[row] for row in rows]
            self._count = len(rows)
            self._blocks = []
            for start in range(0, len(rows), _BLOCK):
                block = np.zeros((_BLOCK, self._width), np.float16)
                part = whole[start : start + _BLOCK]
                block[: len(part)] = part
                self._blocks.append(block)

    def _joined(self, templates: Templates) -> NDArray[np.float32]:
        parts = [math.sqrt(weight) * templates[name] for name, weight in sorted(self._fit.weights.items())]
        return np.concatenate(parts).astype(np.float32)

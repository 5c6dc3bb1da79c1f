"""The passive checks of one single image: it can look like a print or a screen, and never proves life.

Passive PAD, and the grid of a screen: the two measures of a video that need no motion, with the same parameters
(``liveness.toml``; fitted on single frames they come out the same within a tenth). docs/liveness.md has the figures.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

from models.liveness.fusion import Fusion
from models.liveness.measures import log_odds
from models.states import State

_SPECIES = ("print", "replay")
"""What a single image can be told from; motion and time are not there."""


@dataclass(frozen=True, slots=True)
class StillVerdict:
    """Verdict of one image.

    Attributes:
        state: PASS: no sign of a print or screen; FAIL: looks like one; NOT_ASSESSED: between, or no usable face.
        llr: smallest log10 likelihood ratio; None without a face.
        live: probability of "live" by the passive model.
        grid: strength of a screen's grid; None for a small face.
        reasons: codes.
        milliseconds: for the whole measurement.
    """

    state: State
    llr: float | None
    live: float | None
    grid: float | None
    reasons: tuple[str, ...]
    milliseconds: float


class TextureEngine(Protocol):
    """Measures the texture of a picture; :class:`models.pipeline.FaceEngine` does."""

    @property
    def fusion(self) -> Fusion:
        """The fitted parameters that a measure is judged with."""

    def texture(self, data: bytes) -> tuple[float | None, float | None]:
        """Return the passive model's probability of "live" (0 to 1) and the strength of a screen's grid."""


def judge_still(engine: TextureEngine, data: bytes) -> StillVerdict:
    """Measure an image and judge it by what needs no motion.

    Raises:
        ImageRefused: the bytes cannot be used as a picture.
    """
    start = time.perf_counter()
    live, grid = engine.texture(data)
    spent = (time.perf_counter() - start) * 1e3
    if live is None:
        return StillVerdict(State.NOT_ASSESSED, None, None, grid, ("no_face",), spent)
    fusion = engine.fusion
    ratios = {
        species: value
        for species, value in fusion.ratios(
            {"passive": log_odds(live), "grid": None if grid is None else math.log10(grid)}
        ).items()
        if species in _SPECIES and value is not None
    }
    lowest = min(ratios, key=lambda species: ratios[species])
    llr = ratios[lowest]
    if llr < fusion.attack_below:
        return StillVerdict(State.FAIL, llr, live, grid, (f"like_{lowest}",), spent)
    if llr < fusion.live_from:
        return StillVerdict(State.NOT_ASSESSED, llr, live, grid, (f"maybe_{lowest}",), spent)
    return StillVerdict(State.PASS, llr, live, grid, (), spent)

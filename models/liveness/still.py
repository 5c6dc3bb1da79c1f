"""Run the passive checks of one single image: it can look like a print or a screen, but it never proves life.

The checks are passive PAD and the grid of a screen, the two measures of a video that need no motion. They use the
parameters of videos (``liveness.toml``). docs/liveness.md has the figures (``python -m bench.stills``).
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
"""PAI species that can be detected in a single image, without motion and time."""


@dataclass(frozen=True, slots=True)
class StillVerdict:
    """The verdict of one image.

    Attributes:
        state: PASS: no sign of a print or screen; FAIL: looks like one; NOT_ASSESSED: between, or no usable face.
        llr: smallest log10 likelihood ratio; None without a face.
        live: the passive model's probability of a bona fide presentation; None without a face.
        grid: strength of a screen's grid; None for a small face.
        reasons: reason codes; empty if it passed.
        milliseconds: duration of the whole measurement.
    """

    state: State
    llr: float | None
    live: float | None
    grid: float | None
    reasons: tuple[str, ...]
    milliseconds: float


class TextureEngine(Protocol):
    """An engine that measures the texture of a picture, such as :class:`models.pipeline.FaceEngine`."""

    @property
    def fusion(self) -> Fusion:
        """Return the fitted parameters by which a measure is judged."""

    def texture(self, data: bytes) -> tuple[float | None, float | None]:
        """Return the passive model's probability of a bona fide presentation and the strength of a screen's grid."""


def judge_still(engine: TextureEngine, data: bytes) -> StillVerdict:
    """Measure an image and judge it by the measures that need no motion.

    Args:
        engine: measures the texture.
        data: the file's bytes.

    Raises:
        ImageRefused: the bytes cannot be used as a picture; its code is one of :mod:`models.media.image`.
    """
    start = time.perf_counter()
    live, grid = engine.texture(data)
    return judge_texture(engine.fusion, live, grid, (time.perf_counter() - start) * 1e3)


def judge_texture(fusion: Fusion, live: float | None, grid: float | None, milliseconds: float = 0.0) -> StillVerdict:
    """Judge an image by the two measures that were taken of it.

    Args:
        fusion: the fitted parameters.
        live: the passive model's probability of a bona fide presentation; None without a face.
        grid: strength of a screen's grid; None for a small face.
        milliseconds: duration of the measurement.
    """
    if live is None:
        return StillVerdict(State.NOT_ASSESSED, None, None, grid, ("no_face",), milliseconds)
    measures = {"passive": log_odds(live), "grid": None if grid is None else math.log10(grid)}
    ratios = {
        species: value
        for species, value in fusion.ratios(measures).items()
        if species in _SPECIES and value is not None
    }
    lowest = min(ratios, key=lambda species: ratios[species])
    llr = ratios[lowest]
    if llr < fusion.attack_below:
        return StillVerdict(State.FAIL, llr, live, grid, (f"like_{lowest}",), milliseconds)
    if llr < fusion.live_from:
        return StillVerdict(State.NOT_ASSESSED, llr, live, grid, (f"maybe_{lowest}",), milliseconds)
    return StillVerdict(State.PASS, llr, live, grid, (), milliseconds)

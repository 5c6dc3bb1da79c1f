"""The passive check of one single image: it can look like a print or a screen, and never proves life."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.liveness.measures import log_odds
from models.states import State

if TYPE_CHECKING:
    from models.pipeline import FaceEngine

_SPECIES = ("print", "replay")
"""What a single image can be told from; motion and time are not there."""


@dataclass(frozen=True, slots=True)
class StillVerdict:
    """Verdict of one image.

    Attributes:
        state: PASS: no sign of a print or screen; FAIL: looks like one; NOT_ASSESSED: between, or no usable face.
        llr: smallest log10 likelihood ratio; None without a face.
        live: probability of "live" by the passive model.
        reasons: codes.
        milliseconds: for the whole measurement.
    """

    state: State
    llr: float | None
    live: float | None
    reasons: tuple[str, ...]
    milliseconds: float


def judge_still(engine: FaceEngine, data: bytes) -> StillVerdict:
    """Measure an image and judge it by passive PAD alone.

    Raises:
        ImageRefused: the bytes cannot be used as a picture.
    """
    start = time.perf_counter()
    measurement = engine.measure(data)
    spent = (time.perf_counter() - start) * 1e3
    live = measurement.pad.live
    if live is None:
        return StillVerdict(State.NOT_ASSESSED, None, None, measurement.guidance[:1] or ("no_face",), spent)
    fusion = engine.fusion
    ratios = {
        species: value
        for species, value in fusion.ratios({"passive": log_odds(live)}).items()
        if species in _SPECIES and value is not None
    }
    lowest = min(ratios, key=lambda species: ratios[species])
    llr = ratios[lowest]
    if llr < fusion.attack_below:
        return StillVerdict(State.FAIL, llr, live, (f"like_{lowest}",), spent)
    if llr < fusion.live_from:
        return StillVerdict(State.NOT_ASSESSED, llr, live, (f"maybe_{lowest}",), spent)
    return StillVerdict(State.PASS, llr, live, (), spent)

"""Compare probes with references: one comparison score per embedder, then one calibrated likelihood ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.calibrate import Calibration, pool_scores
from models.face.embed import Embedder, cosine
from models.face.templates import Templates, average
from models.states import State, Zone

__all__ = ["Comparison", "Matcher", "Templates"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a probe with the references of one person.

    Attributes:
        scores: comparison scores, pooled cosines by embedder (:func:`models.calibrate.pool_scores`); a replay starts
            from them.
        llr: log10 likelihood ratio; None if no template could be compared or no calibration covers them.
        calibration_id: the calibration that was used; None without ``llr``.
        references: number of references (one for each sitting) that had at least one template in common with the probe.
        state: PASS at or above the operating point, FAIL below it, NOT_ASSESSED without ``llr``.
        zone: where ``llr`` lies between the thresholds of the calibration; None without ``llr``.
    """

    scores: Mapping[str, float]
    llr: float | None
    calibration_id: str | None
    references: int
    state: State
    zone: Zone | None = None


class Matcher:
    """Compares templates, with the loaded embedders and one calibration. Holds no state of any person."""

    __slots__ = ("_calibration", "_embedders")

    def __init__(self, embedders: Sequence[Embedder], calibration: Calibration) -> None:
        self._embedders = tuple(embedders)
        self._calibration = calibration

    def compare(self, probe: Templates, references: Sequence[Templates]) -> Comparison:
        """Compare one probe with the references of one person, one for each sitting.

        Two kinds of templates are left out: those of embedders that are not loaded, and those of embedders whose
        weights are not the weights of the calibration.
        """
        usable = [
            embedder.name
            for embedder in self._embedders
            if embedder.name in probe and self._calibration.models.get(embedder.name) == embedder.sha256
        ]
        scores: dict[str, float] = {}
        for name in usable:
            cosines = [cosine(probe[name], reference[name]) for reference in references if name in reference]
            if cosines:
                scores[name] = pool_scores(cosines)
        return self._judge(scores, sum(1 for reference in references if reference.keys() & probe.keys()))

    def compare_many(self, probes: Sequence[Templates], references: Sequence[Templates]) -> Comparison:
        """Compare several probes of one moment with the references of one person: the probes are averaged first."""
        if not probes:
            return Comparison({}, None, None, 0, State.NOT_ASSESSED)
        return self.compare(average(probes), references)

    def compare_scores(self, probes: Sequence[Templates], references: Sequence[Templates]) -> Comparison:
        """Compare as releases did that averaged the scores of the probes: only for replays of their comparisons."""
        comparisons = [self.compare(probe, references) for probe in probes]
        if not comparisons:
            return Comparison({}, None, None, 0, State.NOT_ASSESSED)
        names = set.intersection(*(set(comparison.scores) for comparison in comparisons))
        scores = {
            name: float(np.mean([comparison.scores[name] for comparison in comparisons])) for name in sorted(names)
        }
        return self._judge(scores, comparisons[0].references)

    def _judge(self, scores: dict[str, float], reference_count: int) -> Comparison:
        calibrated = self._calibration.log10_lr(scores)
        fit = self._calibration.fit_for(tuple(scores))
        if calibrated.llr is None or fit is None:
            return Comparison(scores, None, None, reference_count, State.NOT_ASSESSED)
        zone = fit.zone(calibrated.llr)
        state = State.PASS if zone is Zone.MATCH else State.FAIL
        return Comparison(scores, calibrated.llr, calibrated.calibration_id, reference_count, state, zone)

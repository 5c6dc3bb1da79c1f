"""Turn comparison scores (cosines) into one calibrated log10 likelihood ratio.

The ratio says how many times likelier the scores are if probe and reference show the same person than if they do not.

``log10 LR = (intercept + sum(weight * score)) / ln 10`` by logistic regression with balanced classes, so that the prior
odds of the training data drop out. It is clipped to the bounds that the training data support: beyond them there are
too few pairs to claim more. Parameters, data, counts, intervals and the operating point are in ``calibration.toml``;
``bench/fit_calibration.py`` makes that file. The same scores and the same file always give the same answer, so a stored
verdict can be replayed.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ManifestInvalid
from models.states import Zone

SHIPPED = Path(__file__).with_name("calibration.toml")

POOL = 2
"""How many of the best scores against several enrolments are averaged; see :func:`pool_scores`."""


@dataclass(frozen=True, slots=True)
class CalibratedScore:
    """A comparison score with the same meaning for all models.

    Attributes:
        llr: log10 likelihood ratio; None if no calibration covers the models that were scored.
        calibration_id: identifier of the calibration file.
        models: embedders that were used, in alphabetical order.
    """

    llr: float | None
    calibration_id: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """One logistic calibration, for one set of embedders.

    Attributes:
        weights: natural-log odds per unit of cosine, by embedder.
        intercept: natural-log odds at score 0, prior removed.
        low: smallest log10 LR that is reported.
        high: largest log10 LR that is reported.
        threshold: log10 LR of the operating point for these embedders (see ``[operating_point]`` of the file).
        near: log10 LR from which one more capture can decide. Files of earlier releases lack it: it is the threshold.
    """

    weights: Mapping[str, float]
    intercept: float
    low: float
    high: float
    threshold: float
    near: float = math.inf

    def zone(self, llr: float) -> Zone:
        """Return the zone of a log10 likelihood ratio. A ratio that is no number is apart."""
        if llr >= self.threshold:
            return Zone.MATCH
        return Zone.NEAR if llr >= self.near else Zone.APART

    def llr(self, scores: Mapping[str, float]) -> float:
        """Return the clipped log10 likelihood ratio of scores that cover all weights."""
        logit = self.intercept + sum(weight * scores[name] for name, weight in self.weights.items())
        return min(max(logit / math.log(10), self.low), self.high)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The content of a calibration file.

    Attributes:
        id: first 16 hex digits of the file's sha256, prefixed ``cal-``.
        text: the file itself; it is stored beside verdicts, so that they can be replayed after the file was replaced.
        models: sha256 of the weights it was fitted on, by embedder. It does not hold for other weights.
        fits: one for each set of embedders, most embedders first.
        details: everything else in the file (data, counts, intervals), for reports.
    """

    id: str
    text: str
    models: Mapping[str, str]
    fits: tuple[Fit, ...]
    details: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Return the hash of the file's text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def fit_for(self, names: Sequence[str]) -> Fit | None:
        """Return the fit that uses most of the given embedders; None if none fits."""
        return next((fit for fit in self.fits if fit.weights.keys() <= set(names)), None)

    def log10_lr(self, scores: Mapping[str, float]) -> CalibratedScore:
        """Calibrate cosine scores by embedder. Pure: only the scores and this file decide.

        Raises:
            ValueError: a score is not a finite number.
        """
        if not all(math.isfinite(score) for score in scores.values()):
            raise ValueError("scores must be finite")
        fit = self.fit_for(tuple(scores))
        if fit is None:
            return CalibratedScore(None, self.id, ())
        return CalibratedScore(fit.llr(scores), self.id, tuple(sorted(fit.weights)))


def pool_scores(scores: Sequence[float]) -> float:
    """Return the score of one probe against several enrolments of a person: the mean of the best ``POOL``.

    Pictures of one sitting are averaged before (:func:`models.face.templates.average`). With the maximum alone, the
    false match rate grows with every enrolment. With the mean of all, one bad enrolment lowers the score of the
    person's own probes. docs/matching.md compares the three.

    Raises:
        ValueError: there is no score.
    """
    if not scores:
        raise ValueError("no reference to pool")
    best = sorted(scores, reverse=True)[:POOL]
    return sum(best) / len(best)


def load_calibration(path: Path | None = None) -> Calibration:
    """Read a calibration file; None reads the shipped one.

    Raises:
        ManifestInvalid: the file is absent or breaks the format (``manifest_invalid``).
    """
    path = path or SHIPPED
    try:
        return parse_calibration(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"{path} is not a calibration file: {error!r}") from error


def parse_calibration(text: str) -> Calibration:
    """Read the text of a calibration file; the same text gives the same calibration and id.

    Raises:
        ManifestInvalid: the text breaks the format (``manifest_invalid``).
    """
    try:
        content = tomllib.loads(text)
        fits = [_fit(entry) for entry in content["fit"]]
        models = {str(name): str(digest) for name, digest in content["models"].items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ManifestInvalid(f"This is not a calibration file: {error!r}") from error
    if content.get("format") != 1 or any(not fit.weights.keys() <= models.keys() for fit in fits):
        raise ManifestInvalid("This is not a calibration file of format 1")
    fits.sort(key=lambda fit: -len(fit.weights))
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return Calibration(f"cal-{digest[:16]}", text, models, tuple(fits), content)


def _fit(entry: Mapping[str, Any]) -> Fit:
    fit = Fit(
        weights={str(name): float(weight) for name, weight in entry["weights"].items()},
        intercept=float(entry["intercept"]),
        low=float(entry["bounds"][0]),
        high=float(entry["bounds"][1]),
        threshold=float(entry["threshold"]),
        near=float(entry.get("near", entry["threshold"])),
    )
    # A negative weight would mean that similarity speaks against the same person: such a fit is broken.
    if not fit.weights or min(fit.weights.values()) < 0 or fit.low >= fit.high or fit.near > fit.threshold:
        raise ValueError("weights must be positive, and bounds and thresholds ordered")
    return fit

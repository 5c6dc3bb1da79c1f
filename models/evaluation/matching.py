"""Measure the error rates of face comparison on labelled pairs (ISO/IEC 19795-1).

The input is a CSV file with the header ``path_a,path_b,same`` and optionally ``group``. Paths are relative to the file;
``same`` is 1 or 0. Every picture is measured once. The result names the method of each interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageRefused
from models.evaluation.pairs import Pair, read_pairs
from models.face.matcher import Comparison
from models.pipeline import FaceEngine
from models.results import Measurement
from models.statistics import Rate, bootstrap_eer, equal_error_rate, people_of, rate, tail_threshold

TARGETS = (1e-2, 1e-3, 1e-4)
FUSED = "fused"

METHODS = {
    "rates": "95 % Clopper-Pearson interval; pairs taken as independent, so it is too narrow when people repeat",
    "eer": "95 % percentile bootstrap by subject; subjects are the groups that pairs with same=1 connect; [0, 0] means "
    "that no resample had an error, not that there is none: see the intervals of the rates",
    "fnmr_at_fmr": "measured: threshold at the empirical impostor quantile, at least 10 impostors expected above it; "
    "extrapolated: exponential tail fitted to the worst 1 % of at least 1000 impostors; null: too few impostors",
    "failure_to_acquire": "a picture that is refused, shows no usable face, or is blocked by a quality measure; its "
    "pairs are not scored and are counted as failures",
}

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and the number of all."""


@dataclass(frozen=True, slots=True)
class AtTarget:
    """FNMR at a given FMR.

    Attributes:
        fmr: the given false match rate.
        threshold: the score that gives it; None if there are too few impostors.
        basis: ``measured``, ``extrapolated`` or ``unsupported``.
        fnmr: FNMR at that threshold; None if unsupported.
    """

    fmr: float
    threshold: float | None
    basis: str
    fnmr: Rate | None


@dataclass(frozen=True, slots=True)
class SystemResult:
    """The rates of one embedder, or of the calibrated fusion of all (its scores are log10 likelihood ratios).

    Attributes:
        score: unit of the thresholds.
        genuine: number of scored pairs of one person.
        impostor: number of scored pairs of two persons.
        eer: equal error rate; None if a class is empty.
        eer_interval: interval by bootstrap over subjects.
        fnmr_at: one entry for each target.
        operating_threshold: shipped threshold in log10 likelihood ratio; None if uncalibrated.
        fmr: FMR at the shipped operating point.
        fnmr: FNMR at the shipped operating point.
    """

    score: str
    genuine: int
    impostor: int
    eer: float | None
    eer_interval: tuple[float, float] | None
    fnmr_at: tuple[AtTarget, ...]
    operating_threshold: float | None
    fmr: Rate | None
    fnmr: Rate | None


@dataclass(frozen=True, slots=True)
class Scores:
    """The comparison scores behind a result and whether each pair is genuine, in the same order, for plots."""

    values: NDArray[np.float64]
    same: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MatchingReport:
    """The result of :func:`evaluate_matching`.

    Attributes:
        pairs: number of rows of the file.
        pairs_used: number of rows that could be scored.
        subjects: number of persons in the pictures of readable rows.
        row_failures: rows that could not be scored, by reason.
        row_failure_examples: the first ones, with line number and reason.
        images: number of distinct pictures.
        failures_to_acquire: rate of pictures without templates.
        acquisition_failures: count by reason.
        systems: rates by embedder name, and of ``fused``.
        groups: rates of the fusion by group, if the file has groups.
        timings_ms: median and 95th percentile by stage.
        models: sha256 of the models, by name.
        missing: models that could not be loaded.
        calibration_id: the calibration that was used.
        scores: comparison scores by system, for plots; not part of the JSON.
    """

    pairs: int
    pairs_used: int
    subjects: int
    row_failures: Mapping[str, int]
    row_failure_examples: tuple[str, ...]
    images: int
    failures_to_acquire: Rate
    acquisition_failures: Mapping[str, int]
    systems: Mapping[str, SystemResult]
    groups: Mapping[str, SystemResult]
    timings_ms: Mapping[str, Mapping[str, float]]
    models: Mapping[str, str]
    missing: tuple[str, ...]
    calibration_id: str
    scores: Mapping[str, Scores] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return everything except the scores, as plain JSON types."""
        content = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in {"scores", "systems", "groups", "failures_to_acquire"}
        }
        return {
            **{name: dict(value) if isinstance(value, Mapping) else value for name, value in content.items()},
            "row_failure_examples": list(self.row_failure_examples),
            "missing": list(self.missing),
            "failures_to_acquire": asdict(self.failures_to_acquire),
            "systems": {name: asdict(result) for name, result in self.systems.items()},
            "groups": {name: asdict(result) for name, result in self.groups.items()},
            "methods": METHODS,
        }


def evaluate_matching(pairs_csv: Path, engine: FaceEngine, *, progress: Progress | None = None) -> MatchingReport:
    """Measure every picture, score every pair, and report error rates with intervals.

    Args:
        pairs_csv: path of the CSV file.
        engine: the loaded models.
        progress: called after each picture.

    Raises:
        ManifestInvalid: the file cannot be read or its header is wrong (``manifest_invalid``).
    """
    rows, failures, examples = read_pairs(pairs_csv)
    total = len(rows) + sum(failures.values())
    paths = list(dict.fromkeys(path for row in rows for path in (row.first, row.second)))
    measured, reasons, laps = _measure_all(paths, engine, progress)
    used: list[Pair] = []
    comparisons: list[Comparison] = []
    for row in rows:
        lacking = [path for path in (row.first, row.second) if path not in measured]
        if lacking:
            failures["failure to acquire"] += 1
            continue
        used.append(row)
        comparisons.append(engine.compare(measured[row.first].templates, [measured[row.second].templates]))
    people = people_of(((row.first, row.second) for row in rows if row.same), paths)
    first = np.array([people[row.first] for row in used], np.int64)
    second = np.array([people[row.second] for row in used], np.int64)
    same = np.array([row.same for row in used], bool)
    names = sorted({name for comparison in comparisons for name in comparison.scores})
    scores = {name: _column([c.scores.get(name) for c in comparisons]) for name in names}
    scores[FUSED] = _column([c.llr for c in comparisons])
    thresholds = {name: _threshold(engine, [name]) for name in names} | {FUSED: _threshold(engine, names)}
    llrs = {name: _single_llrs(engine, name, scores[name]) for name in names} | {FUSED: scores[FUSED]}
    groups = np.array([row.group for row in used])
    return MatchingReport(
        pairs=total,
        pairs_used=len(used),
        subjects=len(set(people.values())),
        row_failures=dict(failures),
        row_failure_examples=tuple(examples[:10]),
        images=len(paths),
        failures_to_acquire=rate(len(paths) - len(measured), len(paths)),
        acquisition_failures=dict(reasons),
        systems={
            name: _result(name, values, llrs[name], same, (first, second), thresholds[name])
            for name, values in scores.items()
        },
        groups={
            str(group): _result(
                FUSED,
                scores[FUSED][groups == group],
                scores[FUSED][groups == group],
                same[groups == group],
                (first[groups == group], second[groups == group]),
                thresholds[FUSED],
            )
            for group in sorted(set(groups.tolist()) - {""})
        },
        timings_ms=_timings(laps),
        models=dict(engine.models),
        missing=engine.missing,
        calibration_id=engine.calibration.id,
        scores={name: Scores(values, same) for name, values in scores.items()},
    )


def _measure_all(
    paths: Sequence[Path], engine: FaceEngine, progress: Progress | None
) -> tuple[dict[Path, Measurement], Counter[str], list[Mapping[str, float]]]:
    """Return measurements of the pictures with templates, reasons of the others, and stage times of all."""
    measured: dict[Path, Measurement] = {}
    reasons: Counter[str] = Counter()
    laps: list[Mapping[str, float]] = []
    for done, path in enumerate(paths, start=1):
        try:
            measurement = engine.measure(path.read_bytes(), evaluation=True)
        except OSError:
            reasons["unreadable_file"] += 1
        except ImageRefused as refusal:
            reasons[refusal.code] += 1
        else:
            laps.append(measurement.timings_ms)
            if measurement.templates:
                measured[path] = measurement
            else:
                reasons[measurement.guidance[0]] += 1
        if progress is not None:
            progress(done, len(paths))
    return measured, reasons, laps


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _threshold(engine: FaceEngine, names: Sequence[str]) -> float | None:
    fit = engine.calibration.fit_for(names)
    return None if fit is None else fit.threshold


def _single_llrs(engine: FaceEngine, name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return calibrated log10 likelihood ratios of one embedder alone; NaN if it has no calibration."""
    fit = engine.calibration.fit_for([name])
    return _column([None if fit is None or np.isnan(value) else fit.llr({name: float(value)}) for value in values])


def _result(
    name: str,
    values: NDArray[np.float64],
    llrs: NDArray[np.float64],
    same: NDArray[np.bool_],
    people: tuple[NDArray[np.int64], NDArray[np.int64]],
    threshold: float | None,
) -> SystemResult:
    known = ~np.isnan(values)
    values, llrs, same = values[known], llrs[known], same[known]
    first, second = people[0][known], people[1][known]
    genuine, impostor = values[same], values[~same]
    calibrated = threshold is not None and not np.isnan(llrs).any()
    accepted = llrs >= (threshold or 0.0)
    return SystemResult(
        score="log10 likelihood ratio" if name == FUSED else "cosine",
        genuine=len(genuine),
        impostor=len(impostor),
        eer=equal_error_rate(genuine, impostor),
        eer_interval=bootstrap_eer(values, same, first, second) if len(genuine) and len(impostor) else None,
        fnmr_at=tuple(_at_target(genuine, impostor, target) for target in TARGETS),
        operating_threshold=threshold,
        fmr=rate(int(accepted[~same].sum()), len(impostor)) if calibrated else None,
        fnmr=rate(int((~accepted[same]).sum()), len(genuine)) if calibrated else None,
    )


def _at_target(genuine: NDArray[np.float64], impostor: NDArray[np.float64], target: float) -> AtTarget:
    if len(impostor) * target >= 10:
        # The smallest threshold that at most this number of impostors reaches.
        allowed = int(len(impostor) * target)
        threshold = float(np.nextafter(np.sort(impostor)[-allowed - 1], np.inf))
        basis = "measured"
    elif len(impostor) >= 1000:
        threshold, basis = tail_threshold(impostor, target), "extrapolated"
    else:
        return AtTarget(target, None, "unsupported", None)
    fnmr = rate(int((genuine < threshold).sum()), len(genuine))
    return AtTarget(target, threshold, basis, fnmr)


def _timings(laps: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    stages = dict.fromkeys(stage for lap in laps for stage in lap)
    return {
        stage: {
            "median": round(float(np.median(times)), 3),
            "p95": round(float(np.percentile(times, 95)), 3),
        }
        for stage in stages
        for times in [[lap[stage] for lap in laps if stage in lap]]
    }

"""Fit models/calibration.toml: scores to log10 likelihood ratios, and the operating point.

Run it by hand after each change of a model:

    python bench/fit_calibration.py ../shared/data > models/calibration.toml

The data are the labelled faces, the bona fide videos (14 frames each) and the two public-domain portraits. Every
picture is used once unchanged and once degraded (smaller, blurred, darker, side-lit, noisy, strongly compressed),
because development faces are easier than a phone in an old hand. Impostor pairs are only taken within one domain (same
camera, same kind of picture): they are harder than pairs across domains, and a deployment is one domain. Every person
has the same weight.

The operating point is the higher of two thresholds: the one that an exponential tail of the fitted people's impostors
puts at 1 in 10,000, and the least at which the upper bound of the false match rate *observed* on portraits of other
people is below 1 in 10,000 (``faces/congress``, one picture a person). Where the first is the higher one, the portraits
had no part in the choice, so their rate is that of unseen people. ``bench.operating_point`` prints what it costs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fixtures.faces import portrait_files
from models.face.detect import Detector
from models.media.image import SMALL_SIDE, enlarge_small
from models.pipeline import FaceEngine
from models.statistics import rate, tail_threshold
from models.weights.packs import PackStore, default_cache_dir, default_packs_dir
from models.weights.runtime import load_network

SEED = 20261123
BOOTSTRAPS = 200
TARGET_FMR = 1e-4
"""The false match rate that the operating point must not exceed (NIST SP 800-63A-4)."""
NEAR_FMR = 1e-3
"""The upper bound of the observed rate is below it at the lower end of the zone that asks for one more capture."""
STEP = 0.01
# Penalty on standardised coefficients. The classes are nearly separable, so without it a few pairs decide the slope;
# with it the ratios stay small on other kinds of faces. docs/models.md has the cross-validated cost.
RIDGE = 3e-5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """One embedded picture: subject, picture (degraded copies share it), domain, and vectors by embedder."""

    subject: str
    source: str
    domain: str
    degraded: bool
    vectors: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs: scores [n, embedders], whether the pair is genuine [n], and the two subjects' numbers [n]."""

    scores: Floats
    same: NDArray[np.bool_]
    first: Ints
    second: Ints


def pictures(data: Path) -> Iterator[tuple[str, str, str, NDArray[np.uint8]]]:
    """Yield (subject, source, domain, pixels) of all labelled pictures."""
    for path in sorted((data / "faces" / "att").glob("*/*.pgm")):
        yield f"att-{path.parent.name}", str(path), "att", _read(path)
    for path in sorted((data / "faces" / "compreface-samples").glob("*_[A-Z].jpg")):
        yield f"compreface-{path.stem[-1]}", str(path), "photo", _read(path)
    for name, path in portrait_files().items():
        yield name, str(path), "photo", _read(path)
    for path in sorted((data / "motion").glob("*.mp4")):
        video = cv2.VideoCapture(str(path))
        frames = []
        while (step := video.read())[0]:
            frames.append(np.asarray(step[1], np.uint8))
        for index in np.linspace(0, len(frames) - 1, 14).astype(int):
            yield f"motion-{path.stem}", f"{path}#{index}", "motion", frames[index]


def degrade(pixels: NDArray[np.uint8], detector: Detector, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Make a worse picture of the same scene: the eyes only 22-40 real pixels apart, badly lit, noisy."""
    height, width = pixels.shape[:2]
    faces = detector.detect(enlarge_small(pixels))
    factor = max(1.0, SMALL_SIDE / max(height, width))
    step = faces[0].inter_eye / factor / float(rng.uniform(22, 40)) if faces else 1.0
    small = cv2.resize(pixels, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA) if step > 1 else pixels
    worse = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.5)
    across = np.linspace(-1, 1, width)[None, :, None] * np.cos(angle)
    down = np.linspace(-1, 1, height)[:, None, None] * np.sin(angle)
    worse = worse * (rng.uniform(0.35, 1.1) * (1 + strength * (across + down)))
    worse += rng.standard_normal(worse.shape) * rng.uniform(2, 9)
    return np.asarray(np.clip(worse, 0, 255), np.uint8)


def collect(engine: FaceEngine, detector: Detector, data: Path) -> list[Sample]:
    """Embed all pictures, unchanged and degraded; pictures that a quality measure blocks are left out, as in use."""
    rng = np.random.default_rng(SEED)
    samples = []
    for subject, source, domain, pixels in pictures(data):
        for degraded in (False, True):
            picture = degrade(pixels, detector, rng) if degraded else pixels
            encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1] if degraded else None
            if encoded is None:
                encoded = cv2.imencode(".png", picture)[1]
            measured = engine.measure(encoded.tobytes(), evaluation=True)
            if measured.templates:
                samples.append(Sample(subject, source, domain, degraded, dict(measured.templates)))
    return samples


def pair_up(samples: list[Sample], names: list[str]) -> Pairs:
    """Return all genuine pairs of different pictures and all impostor pairs within a domain."""
    first, second = np.triu_indices(len(samples), 1)
    subjects = np.unique([sample.subject for sample in samples], return_inverse=True)[1]
    sources = np.unique([sample.source for sample in samples], return_inverse=True)[1]
    domains = np.unique([sample.domain for sample in samples], return_inverse=True)[1]
    kept = (sources[first] != sources[second]) & (domains[first] == domains[second])
    first, second = first[kept], second[kept]
    scores = []
    for name in names:
        vectors = np.stack([sample.vectors[name] for sample in samples])
        scores.append(np.einsum("ij,ij->i", vectors[first], vectors[second]))
    a, b = subjects[first], subjects[second]
    return Pairs(np.stack(scores, axis=1).astype(np.float64), a == b, a.astype(np.int64), b.astype(np.int64))


def subject_weights(pairs: Pairs, counts: Ints) -> Floats:
    """Return the weights of the pairs: bootstrap counts, equal for all (pairs of) persons, half for each class."""
    key = np.minimum(pairs.first, pairs.second) * len(counts) + np.maximum(pairs.first, pairs.second)
    _, inverse, sizes = np.unique(key, return_inverse=True, return_counts=True)
    times = np.where(pairs.same, counts[pairs.first], counts[pairs.first] * counts[pairs.second])
    weight = times / sizes[inverse]
    for kind in (True, False):
        weight[pairs.same == kind] /= 2 * weight[pairs.same == kind].sum()
    return weight


def logistic(scores: Floats, same: NDArray[np.bool_], weight: Floats) -> Floats:
    """Fit intercept and weights of a logistic regression by Newton's method; balanced classes, so prior log-odds 0."""
    mean, deviation = scores.mean(0), scores.std(0)
    design = np.column_stack([np.ones(len(scores)), (scores - mean) / deviation])
    penalty = np.diag([0.0, *[RIDGE] * scores.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(60):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -40, 40)))
        gradient = design.T @ (weight * (same - chance)) - penalty @ beta
        hessian = (design * (weight * chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        beta += step * min(1.0, 5 / np.abs(step).max())
        if np.abs(step).max() < 1e-8:
            break
    slopes = beta[1:] / deviation
    return np.array([beta[0] - slopes @ mean, *slopes])


def portraits(engine: FaceEngine, data: Path, names: list[str]) -> Floats:
    """Return the scores of all pairs of portraits, [n, embedders]; portraits that a measure blocks are left out."""
    paths = sorted((data / "faces" / "congress").glob("*.jpg"))
    measured = [engine.measure(path.read_bytes()) for path in paths]
    found = [one.templates for one in measured if one.templates]
    first, second = np.triu_indices(len(found), 1)
    stacked = [np.stack([templates[name] for templates in found]) for name in names]
    return np.stack([np.einsum("ij,ij->i", v[first], v[second]) for v in stacked], axis=1).astype(np.float64)


def observed_threshold(impostors: Floats, target: float) -> float:
    """Return the least threshold, in steps of 0.01, at which the upper bound of the false match rate is low enough."""
    steps = np.arange(-2.0, 6.0, STEP).round(2)
    ranked = np.sort(impostors)
    return next(
        float(step)
        for step in steps
        if rate(len(ranked) - int(np.searchsorted(ranked, step)), len(ranked)).high < target
    )


def fit_section(
    pairs: Pairs, columns: list[int], names: list[str], subjects: int, hard: NDArray[np.bool_], strangers: Floats
) -> str:
    """Return one ``[[fit]]`` table as TOML.

    Args:
        pairs: pairs of the people that are fitted.
        columns: embedders of this fit.
        names: of all embedders.
        subjects: number of people.
        hard: impostor pairs of the hardest domain.
        strangers: scores of pairs of portraits.
    """
    rng = np.random.default_rng(SEED)
    scores = pairs.scores[:, columns]
    beta = logistic(scores, pairs.same, subject_weights(pairs, np.ones(subjects, np.int64)))
    llr = (beta[0] + scores @ beta[1:]) / np.log(10)
    different = (beta[0] + strangers[:, columns] @ beta[1:]) / np.log(10)
    extrapolated = tail_threshold(llr[hard], TARGET_FMR)
    confirmed, near = (observed_threshold(different, target) for target in (TARGET_FMR, NEAR_FMR))
    threshold = round(max(extrapolated, confirmed), 2)
    observed = rate(int((different >= threshold).sum()), len(different))
    replicas = []
    for _ in range(BOOTSTRAPS):
        counts = np.bincount(rng.integers(0, subjects, subjects), minlength=subjects)
        replicas.append(logistic(scores, pairs.same, subject_weights(pairs, counts)))
    low, high = np.percentile(replicas, [2.5, 97.5], axis=0)
    # Claim no more than the data could contradict: about three events are needed to estimate a rate.
    bounds = (-np.log10(pairs.same.sum() / 3), np.log10((~pairs.same).sum() / 3))
    genuine = llr[pairs.same]
    lines = [
        "[[fit]]",
        "weights = { " + ", ".join(f"{names[c]} = {b:.4f}" for c, b in zip(columns, beta[1:], strict=True)) + " }",
        f"intercept = {beta[0]:.4f}",
        f"bounds = [{bounds[0]:.2f}, {bounds[1]:.2f}]",
        f"threshold = {threshold:.2f}",
        f"near = {near:.2f}",
        "intercept_interval = " + _toml(low[0], high[0]),
        "weight_intervals = { "
        + ", ".join(f"{names[c]} = {_toml(low[i + 1], high[i + 1])}" for i, c in enumerate(columns))
        + " }",
        f"threshold_of_tail = {extrapolated:.2f}",
        f"threshold_of_portraits = {confirmed:.2f}",
        f"portraits_at_threshold = {observed.events}",
        f"portraits_fmr_interval = [{observed.low:.2e}, {observed.high:.2e}]",
        f"training_impostors_at_threshold = {int((llr[~pairs.same] >= threshold).sum())}",
        f"training_genuine_below_threshold = {int((genuine < threshold).sum())}",
        f"training_genuine_below_near = {int((genuine < near).sum())}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the calibration file."""
    store = PackStore(default_cache_dir(), default_packs_dir())
    engine = FaceEngine.load(store)
    samples = collect(engine, Detector(load_network(store, "yunet")), Path(sys.argv[1]))
    names = sorted(samples[0].vectors, reverse=True)
    pairs = pair_up(samples, names)
    subjects = int(max(pairs.first.max(), pairs.second.max())) + 1
    by_number = sorted({sample.subject for sample in samples})
    grey = np.array([name.startswith("att-") for name in by_number])
    hard = ~pairs.same & grey[pairs.first]
    strangers = portraits(engine, Path(sys.argv[1]), names)
    print(HEAD.format(models="\n".join(f'{name} = "{engine.models[name]}"' for name in names)))
    print(f"subjects = {subjects}\npictures = {len(samples)}\ndegraded = {sum(s.degraded for s in samples)}")
    print(f"genuine_pairs = {int(pairs.same.sum())}\nimpostor_pairs = {int((~pairs.same).sum())}")
    print(OPERATING_POINT.format(target=TARGET_FMR, near=NEAR_FMR, pairs=len(strangers)))
    every = range(len(names))
    for columns in (list(one) for size in reversed(every) for one in combinations(every, size + 1)):
        print("\n" + fit_section(pairs, columns, names, subjects, hard, strangers))


def _toml(low: float, high: float) -> str:
    return f"[{low:.4g}, {high:.4g}]"


def _read(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(path)
    ratio = min(1.0, 1600 / max(pixels.shape[:2]))
    return cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


HEAD = """\
# Made by bench/fit_calibration.py; see docs/models.md. Do not edit by hand: verdicts name this file by its hash.
format = 1

[models]
{models}

[data]
description = "AT&T faces (20 people, grey), CompreFace samples (3 people), 6 live videos, 2 public-domain portraits; \
each picture also degraded by simulation. Genuine pairs never share a picture; impostor pairs are within one domain. \
Every person weighs the same, classes are balanced, so prior log-odds are 0."
intervals = "95 %, bootstrap by subject"\
"""

OPERATING_POINT = """
[operating_point]
target_fmr = {target}
near_fmr = {near}
impostor_pairs = {pairs}
text = "The threshold of each fit is the higher of two: where an exponential tail of the impostors of the hardest \
fitted domain (AT&T, 20 people) reaches target_fmr, and the least at which the upper 95 % bound of the observed false \
match rate is below target_fmr, over all pairs of portraits of the US Congress, one picture a person; no weight was \
fitted on them. 'near' is the least at which that bound is below near_fmr. Within one group of people the rate is \
higher than over all (docs/matching.md). Measure on your own people with `certify evaluate matching` before relying on \
it."\
"""

if __name__ == "__main__":
    main()

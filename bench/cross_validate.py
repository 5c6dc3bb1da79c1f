"""Measure the calibration on unseen people, by subject-disjoint cross-validation on the fitting data.

    python -m bench.cross_validate ../shared/data

It also compares ways to pool several references of a person.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from bench.fit_calibration import SEED, TARGET_FMR, Floats, Pairs, Sample, collect, logistic, pair_up, subject_weights
from models.face.detect import Detector
from models.pipeline import FaceEngine
from models.statistics import equal_error_rate, rate, tail_threshold
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

FOLDS = 5
NAMES = ["sface", "faceplugin"]
REFERENCES = 3


def part(pairs: Pairs, kept: np.ndarray) -> Pairs:
    """Return the chosen pairs."""
    return Pairs(pairs.scores[kept], pairs.same[kept], pairs.first[kept], pairs.second[kept])


def cross_validate(samples: list[Sample], columns: list[int]) -> None:
    """Fit on four fifths of the people, judge pairs within the last fifth, and print pooled figures."""
    pairs = pair_up(samples, NAMES)
    people = int(max(pairs.first.max(), pairs.second.max())) + 1
    fold = np.random.default_rng(SEED).permutation(people) % FOLDS
    llrs, truth, accepted = [], [], []
    for held_out in range(FOLDS):
        training = part(pairs, (fold[pairs.first] != held_out) & (fold[pairs.second] != held_out))
        test = part(pairs, (fold[pairs.first] == held_out) & (fold[pairs.second] == held_out))
        weight = subject_weights(training, np.ones(people, np.int64))
        beta = logistic(training.scores[:, columns], training.same, weight)
        score = (beta[0] + test.scores[:, columns] @ beta[1:]) / np.log(10)
        known = (beta[0] + training.scores[:, columns] @ beta[1:]) / np.log(10)
        llrs.append(score)
        truth.append(test.same)
        # The point estimate: the shipped threshold adds a margin, but a fold has too few people to estimate it.
        accepted.append(score >= tail_threshold(known[~training.same], TARGET_FMR))
    llr, same, passed = np.concatenate(llrs), np.concatenate(truth), np.concatenate(accepted)
    cllr = (np.log2(1 + 10 ** -llr[same]).mean() + np.log2(1 + 10 ** llr[~same]).mean()) / 2
    eer = equal_error_rate(llr[same], llr[~same])
    print(
        f"{'+'.join(NAMES[c] for c in columns):18} genuine {same.sum()} impostor {(~same).sum()} EER {eer:.4%} "
        f"Cllr {cllr:.4f} bits FMR {rate(int(passed[~same].sum()), int((~same).sum()))} "
        f"FNMR {rate(int((~passed[same]).sum()), int(same.sum()))}"
    )


def pooling(samples: list[Sample]) -> None:
    """Measure each way to pool three references at FMR 1e-3, on the AT&T people (clean pictures)."""
    clean = [s for s in samples if s.domain == "att" and not s.degraded]
    subjects = np.array([s.subject for s in clean])
    table = 0.75 * _table(clean, "sface") + 0.25 * _table(clean, "faceplugin")
    rng = np.random.default_rng(SEED)
    results: dict[str, list[tuple[bool, float]]] = {}
    for probe in range(len(clean)):
        for claimed in np.unique(subjects):
            pool = np.flatnonzero((subjects == claimed) & (np.arange(len(clean)) != probe))
            chosen = np.sort(table[probe, rng.choice(pool, REFERENCES, replace=False)])
            same = bool(subjects[probe] == claimed)
            for name, value in {
                "one reference": chosen[rng.integers(REFERENCES)],
                "maximum": chosen[-1],
                "mean of best two": chosen[-2:].mean(),
                "mean of all": chosen.mean(),
            }.items():
                results.setdefault(name, []).append((same, float(value)))
    for name, entries in results.items():
        _line(name, np.array([score for _, score in entries]), np.array([truth for truth, _ in entries]))


def _table(samples: list[Sample], name: str) -> Floats:
    vectors = np.stack([s.vectors[name] for s in samples]).astype(np.float64)
    return np.asarray(vectors @ vectors.T, np.float64)


def _line(name: str, scores: Floats, same: np.ndarray) -> None:
    genuine, impostor = scores[same], scores[~same]
    spread = (genuine.mean() - impostor.mean()) / np.sqrt((genuine.var() + impostor.var()) / 2)
    limit = tail_threshold(impostor, TARGET_FMR)
    print(
        f"{name:18} genuine {len(genuine)} impostor {len(impostor)} EER {equal_error_rate(genuine, impostor):.4%} "
        f"d' {spread:.2f} FNMR at extrapolated FMR 1e-4: {rate(int((genuine < limit).sum()), len(genuine))}"
    )


def main() -> None:
    """Run all measurements and print them."""
    store = PackStore(default_cache_dir())
    samples = collect(FaceEngine.load(store), Detector(load_network(store, "yunet")), Path(sys.argv[1]))
    for title, chosen in (("all", samples), ("clean only", [s for s in samples if not s.degraded])):
        print(f"-- {FOLDS}-fold by subject, {title}")
        for columns in ([0, 1], [0], [1]):
            cross_validate(chosen, columns)
    print(f"-- pooling {REFERENCES} references, AT&T, 0.75 sface + 0.25 faceplugin")
    pooling(samples)


if __name__ == "__main__":
    main()

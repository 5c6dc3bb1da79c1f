"""Measure the operating point on people that nothing was fitted on, and what averaged templates change.

    python -m bench.face_samples ../shared/data FOLDER
    python -m bench.operating_point FOLDER

Tables:

* false matches of portraits, one a person, at each threshold: all pairs, and pairs within one public group;
* the threshold chosen on one half of the people and checked on the other half, many times;
* false non-matches and false matches of films and of several pictures, with averaged scores (as earlier releases did)
  and with averaged templates;
* one or several references, the mirror images that are averaged with faces that are near, and the two captures that
  the zone ``near`` pools.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.face_samples import Sample, load
from bench.face_vectors import Vectors, joined, ratios, unit, vectors
from models.calibrate import Fit, load_calibration
from models.face.networks import load_networks
from models.statistics import Rate, rate
from models.weights.packs import PackStore, default_cache_dir, default_packs_dir

SEED = 20261130
STEPS = (1.0, 1.2, 1.4, 1.6, 1.7, 1.82, 2.0, 2.2, 2.55)
MOST_FALSE = 1e-4
"""The false match rate whose upper 95 % bound the operating point must keep (NIST SP 800-63A-4)."""
HALVES = 200
DRAWS = 40
"""Trials of each person and method."""

Floats = NDArray[np.float64]
console = Console(width=150)


def main() -> None:
    """Embed what is not embedded yet, and print all tables."""
    folder = Path(sys.argv[1])
    fit = load_calibration().fits[0]
    found = {part: _embedded(folder, part, fit) for part in ("portraits", "pictures", "films")}
    samples = {part: load(folder, part)[0] for part in found}
    mirrored = {part: _embedded(folder, part, fit, mirrored=True) for part in ("portraits", "pictures")}
    portraits = joined(found["portraits"], fit)
    groups = np.array([sample.domain for sample in samples["portraits"]])
    first, second = np.triu_indices(len(portraits), 1)
    llr = ratios(portraits, portraits, fit)[first, second]
    _thresholds(llr, groups[first], groups[second])
    _halves(llr, first, second, len(portraits))
    threshold, near = fit.threshold, fit.near
    console.print(f"\nThe tables below are at the shipped thresholds: {threshold} (match) and {near:.2f} (near).")
    _films(samples["films"], found["films"], found["portraits"], fit)
    _pictures(samples["pictures"], found["pictures"], fit)
    _mirrored(samples["pictures"], found, mirrored, fit)


def _embedded(folder: Path, part: str, fit: Fit, *, mirrored: bool = False) -> dict[str, Vectors]:
    networks = load_networks(PackStore(default_cache_dir(), default_packs_dir()), threads=1)
    return {
        one.name: vectors(folder, part, f"{one.name}-{one.sha256[:8]}", one.embed, mirrored=mirrored)
        for one in networks.embedders
        if one.name in fit.weights
    }


def _thresholds(llr: Floats, one: NDArray[np.str_], other: NDArray[np.str_]) -> None:
    """Print the false match rate of portraits at each threshold, over all and within each group."""
    names = [str(name) for name in np.unique(one) if name]
    table = Table("threshold", "all pairs", *(f"within {name}" for name in names))
    for step in STEPS:
        passed = llr >= step
        row = [rate(int(passed.sum()), len(llr))]
        for name in names:
            inside = (one == name) & (other == name)
            row.append(rate(int(passed[inside].sum()), int(inside.sum())))
        table.add_row(f"{step}", *(_text(entry) for entry in row))
    console.print(table)


def _halves(llr: Floats, first: NDArray[np.int64], second: NDArray[np.int64], people: int) -> None:
    """Choose the threshold on one half of the people; count false matches among the other half, which it never saw."""
    rng = np.random.default_rng(SEED)
    chosen, passed, trials = [], 0, 0
    for _ in range(HALVES):
        mine = rng.permutation(people) < people // 2
        seen, unseen = mine[first] & mine[second], ~mine[first] & ~mine[second]
        threshold = float(np.sort(llr[seen])[-1 - int(len(llr[seen]) * MOST_FALSE / 2)])
        chosen.append(threshold)
        passed, trials = passed + int((llr[unseen] > threshold).sum()), trials + int(unseen.sum())
    low, middle, high = np.percentile(chosen, [5, 50, 95])
    console.print(
        f"Half of the people choose the threshold that at most {MOST_FALSE / 2:.0e} of their pairs reach: median "
        f"{middle:.2f} (5-95 %: {low:.2f}-{high:.2f}). "
        f"FMR among the other half, mean of {HALVES}: {passed / trials:.2e}"
    )


def _films(samples: list[Sample], found: dict[str, Vectors], portraits: dict[str, Vectors], fit: Fit) -> None:
    """Print films against one frame of another film of the person, and against all portraits."""
    by_film: dict[str, list[int]] = {}
    for number, sample in enumerate(samples):
        by_film.setdefault(sample.source, []).append(number)
    films = list(by_film)
    person = {film: samples[by_film[film][0]].person for film in films}
    table = Table("films", "other film of the person: below the threshold", "portraits: FMR", "mean LR genuine")
    strangers = joined(portraits, fit)
    for title, count, templates in (
        ("one frame", 1, True),
        ("three frames, scores averaged", 3, False),
        ("three frames, templates averaged", 3, True),
        ("five frames, templates averaged", 5, True),
    ):
        genuine, impostor = [], []
        for film in films:
            chosen = by_film[film][:count]
            for other in films:
                if other != film and person[other] == person[film]:
                    # The worst of its best frames stands for the reference: a photo of another moment.
                    reference = joined({name: found[name][by_film[other][-1:]] for name in found}, fit)
                    genuine.append(_against(found, chosen, reference, fit, templates=templates)[0])
            impostor.append(_against(found, chosen, strangers, fit, templates=templates))
        same, different = np.array(genuine), np.concatenate(impostor)
        table.add_row(
            title,
            _text(rate(int((same < fit.threshold).sum()), len(same))),
            _text(rate(int((different >= fit.threshold).sum()), len(different))),
            f"{same.mean():.2f}",
        )
    console.print(table)


def _against(
    found: dict[str, Vectors], chosen: Sequence[int], references: Vectors, fit: Fit, *, templates: bool
) -> Floats:
    """Return one ratio for each reference, from the mean of the templates or of the scores of the chosen faces."""
    if templates:
        mean = {name: unit(values[list(chosen)].mean(0, keepdims=True)) for name, values in found.items()}
        return np.asarray(ratios(joined(mean, fit), references, fit)[0], np.float64)
    single = joined({name: values[list(chosen)] for name, values in found.items()}, fit)
    return np.asarray(ratios(single, references, fit).mean(0), np.float64)


def _pictures(samples: list[Sample], found: dict[str, Vectors], fit: Fit) -> None:
    """Print several degraded pictures of a person against one or three clean ones, in one domain (AT&T)."""
    people = _people(samples)
    table = Table("probe", "references", "same person: FNMR", "other people: FMR", "near or above", "others near")
    for title, probes, references, templates, pooled in (
        ("one picture", 1, 1, True, False),
        ("three, scores averaged", 3, 1, False, False),
        ("three, templates averaged", 3, 1, True, False),
        ("five, templates averaged", 5, 1, True, False),
        ("one picture", 1, 3, True, True),
        ("one picture", 1, 3, True, False),
        ("three, scores averaged", 3, 3, False, True),
        ("three, templates averaged", 3, 3, True, False),
        ("two of one, pooled", 2, 1, True, False),
    ):
        same, different = _draw(
            people, found, fit, probes=probes, references=references, templates=templates, pooled=pooled
        )
        how = (
            "1" if references == 1 else f"{references}, {'mean of best two scores' if pooled else 'templates averaged'}"
        )
        table.add_row(
            title,
            how,
            _text(rate(int((same < fit.threshold).sum()), len(same))),
            _text(rate(int((different >= fit.threshold).sum()), len(different))),
            _text(rate(int((same >= fit.near).sum()), len(same))),
            _text(rate(int((different >= fit.near).sum()), len(different))),
        )
    console.print(table)
    same, _ = _draw(people, found, fit, probes=1, references=1, templates=True, pooled=False)
    for step in (*STEPS, 2.4, 2.5):
        console.print(
            f"one picture, one reference, threshold {step}: FNMR {_text(rate(int((same < step).sum()), len(same)))}"
        )
    _second_capture(people, found, fit)


def _people(samples: list[Sample]) -> dict[str, dict[str, list[int]]]:
    """Return the numbers of the AT&T pictures by person and picture."""
    people: dict[str, dict[str, list[int]]] = {}
    for number, sample in enumerate(samples):
        if sample.domain == "att":
            people.setdefault(sample.person, {}).setdefault(sample.source, []).append(number)
    return people


def _mirrored(
    samples: list[Sample], found: dict[str, dict[str, Vectors]], mirrored: dict[str, dict[str, Vectors]], fit: Fit
) -> None:
    """Print what a probe gains whose mirror image is averaged with it if it is near by itself, as in use."""
    people = _people(samples)
    single, both = (
        _draw(people, found["pictures"], fit, probes=1, references=1, templates=True, pooled=False, probe=probe)
        for probe in (None, mirrored["pictures"])
    )
    portraits = joined(found["portraits"], fit)
    apart = ~np.eye(len(portraits), dtype=bool)  # each portrait once as probe and once as reference
    strangers = [ratios(probes, portraits, fit)[apart] for probes in (portraits, joined(mirrored["portraits"], fit))]
    matched = np.zeros(apart.shape, bool)
    matched[apart] = _in_the_end(strangers[0], strangers[1], fit)
    pairs = (matched | matched.T)[np.triu_indices(len(portraits), 1)]
    console.print(f"pairs of portraits that match one way or the other: {_text(rate(int(pairs.sum()), len(pairs)))}")
    for title, (first, again) in (
        ("same person, degraded", (single[0], both[0])),
        ("other people, degraded", (single[1], both[1])),
        ("portraits, each as probe of each other", (strangers[0], strangers[1])),
    ):
        alone, near = first >= fit.threshold, (first >= fit.near) & (first < fit.threshold)
        end = _in_the_end(first, again, fit)
        console.print(
            f"{title}: {_text(rate(int(alone.sum()), len(first)))} match, {int(near.sum())} are near, "
            f"{int((end & near).sum())} of them match with the mirror image: "
            f"{_text(rate(int(end.sum()), len(first)))}"
        )


def _in_the_end(first: Floats, again: Floats, fit: Fit) -> NDArray[np.bool_]:
    """Return which trials match by themselves, or are near and match with the mirror image."""
    return (first >= fit.threshold) | ((first >= fit.near) & (again >= fit.threshold))


def _draw(
    people: dict[str, dict[str, list[int]]],
    found: dict[str, Vectors],
    fit: Fit,
    *,
    probes: int,
    references: int,
    templates: bool,
    pooled: bool,
    probe: dict[str, Vectors] | None = None,
) -> tuple[Floats, Floats]:
    """Draw trials: degraded copies of some pictures of a person against other pictures of the person, and of others.

    ``probe`` has the vectors of the probes, if they are others than those of the references.
    """
    rng = np.random.default_rng(SEED)
    same, different = [], []
    for person, pictures in people.items():
        for _ in range(DRAWS):
            drawn = [str(name) for name in rng.permutation(sorted(pictures))]
            chosen = [_copy(pictures[name], rng) for name in drawn[:probes]]
            claimed = [pictures[name][0] for name in drawn[probes : probes + references]]
            same.append(_trial(found, chosen, claimed, fit, templates=templates, pooled=pooled, probe=probe))
            for other, theirs in people.items():
                if other != person:
                    names = rng.choice(sorted(theirs), references, replace=False)
                    claimed = [theirs[str(name)][0] for name in names]
                    different.append(
                        _trial(found, chosen, claimed, fit, templates=templates, pooled=pooled, probe=probe)
                    )
    return np.array(same), np.array(different)


def _copy(copies: list[int], rng: np.random.Generator) -> int:
    return int(rng.choice(copies[1:] or copies))


def _trial(
    found: dict[str, Vectors],
    chosen: Sequence[int],
    claimed: Sequence[int],
    fit: Fit,
    *,
    templates: bool,
    pooled: bool,
    probe: dict[str, Vectors] | None = None,
) -> float:
    probes = found if probe is None else probe
    if pooled:
        each = _against(
            probes, chosen, joined({n: v[list(claimed)] for n, v in found.items()}, fit), fit, templates=templates
        )
        return float(np.sort(each)[-2:].mean())
    mean = {name: unit(values[list(claimed)].mean(0, keepdims=True)) for name, values in found.items()}
    return float(_against(probes, chosen, joined(mean, fit), fit, templates=templates)[0])


def _second_capture(people: dict[str, dict[str, list[int]]], found: dict[str, Vectors], fit: Fit) -> None:
    """Print what the second capture changes: alone near, both one person, pooled at the threshold."""
    rng = np.random.default_rng(SEED)
    counts = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    for person, pictures in people.items():
        for _ in range(DRAWS):
            drawn = [str(name) for name in rng.permutation(sorted(pictures))]
            one, other = (_copy(pictures[name], rng) for name in drawn[:2])
            for claimed, theirs in people.items():
                names = [name for name in sorted(theirs) if claimed != person or name not in drawn[:2]]
                reference = [theirs[str(rng.choice(names))][0]]
                first, second, alike, both = (
                    _trial(found, left, right, fit, templates=True, pooled=False)
                    for left, right in (
                        ([one], reference),
                        ([other], reference),
                        ([one], [other]),
                        ([one, other], reference),
                    )
                )
                count = counts[claimed == person]
                count[0] += 1
                count[1] += first >= fit.threshold
                asked = fit.near <= first < fit.threshold
                count[2] += asked
                pooled = second >= fit.near and alike >= fit.threshold and both >= fit.threshold
                count[3] += asked and (second >= fit.threshold or pooled)
    for same, (trials, at_once, again, saved) in counts.items():
        console.print(
            f"{'same person' if same else 'other people'}: {trials} single captures, {at_once} match at once, "
            f"{again} are asked for one more, of which {saved} then match. "
            f"In the end {_text(rate(at_once + saved, trials))}."
        )


def _text(value: Rate) -> str:
    if value.value is None:
        return "-"
    few = value.trials < 20_000
    scale, name = (1e2, " %") if value.value > 1e-3 or few else (1e5, "e-5")
    interval = f"{value.low * scale:.2f}-{value.high * scale:.2f}"
    return f"{value.events}/{value.trials}: {value.value * scale:.2f}{name} ({interval})"


if __name__ == "__main__":
    main()

"""Fit ``models/liveness/liveness.toml``: the likelihood ratio of each measure against each PAI species.

    python -m bench.fit_liveness --samples LIVING/samples.csv DRAWN/samples.csv --cache FOLDER [--folds 5] [--write]

The living films of all files are compared with the attacks of the four fitted families. With ``--folds``, it also fits
without a fifth of the people in turn and judges the films of these people with that fit, all checks included: living
people, and the attacks that were made from them. Where a fitted family has several systems, each system is left out of
the fit in turn as well, and its films are judged. Films of one person, and of one system, never stand on both sides.

The fit is a logistic regression with balanced classes, one measure and one species at a time (the prior of the clips
cancels), with a little ridge because people are few; in log10. Only seeds of ``bench.make_attacks`` below 1000 are for
fits; seeds from 1000 on are for measuring.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from models.evaluation.liveness import evaluate_liveness
from models.evaluation.liveness_judged import Judged
from models.liveness.fusion import SHIPPED, judge, parse_fusion
from models.pipeline import FaceEngine
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir

LIVE = "live"

CONCERNS = {
    # The measures that can tell a species from a bona fide presentation by its nature, not by chance in these clips.
    "print": ("planarity", "appearance", "passive"),
    "replay": ("passive", "grid"),
    "mesh": ("appearance",),
    "injected": ("repeated",),
}
ANSWERS = {"replay": ("light", 0.5), "injected": ("light", 0.5)}
"""Checks that only a present person can pass, by species, and the ratio of a pass. Of 26 simulated captures without the
drawn light on a face none passed, of 25 with it 18 (docs/liveness.md): a ratio of 5 at 95 % confidence. The fit uses 3,
because these are videos of three people. A check that is not assessed counts nothing here; a failed one fails all."""
BOUND = 2.0
"""With some 70 people, one measure supports no ratio above 100."""
ABSENCE = {"passive": 0.8, "grid": 0.8, "repeated": 0.8}
"""Measures that look for a sign of an attack, and the largest log10 ratio for its absence. None of 24 development clips
of the species lacks the sign: at 95 % confidence less than one in 7 does (Clopper-Pearson), and 10^0.8 is 6.3. The
passive model was certain of one replay in 24."""
ABSENT = {"grid": 0.6}
"""Measures that need a large face, and what counts if it was too small. Living people measured at any size have the
largest ratio, so a face that is too small must not cost the pass (docs/liveness.md)."""
CALM = {"measures": '["planarity", "appearance"]', "floor": "-0.3", "turned_from": "10.0"}
"""The rule for people who hardly move (docs/decisions/0031): see :class:`models.liveness.fusion.Calm`. With
the people left out (``--folds 5``), a floor of -0.45 fails one living film more and no attack passes with either: just
above the limit of an attack, the slightest doubt of the passive model would fail a calm person. Ten degrees are about
the smallest answer to a prompt to turn (``models/liveness/prompts.py``)."""
RIDGE = 0.05


def main() -> None:
    """Fit, and print or write the parameter file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--cache", type=Path, help="as in 'certify evaluate liveness'")
    parser.add_argument("--folds", type=int, default=0, help="people are divided into so many parts; 0: no test")
    parser.add_argument("--write", action="store_true", help="write models/liveness/liveness.toml")
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    samples = [sample for file in options.samples for sample in measured(file, engine, options.cache)]
    text = document(samples)
    print(text)
    if options.write:
        SHIPPED.write_text(text, encoding="utf-8")
    if options.folds:
        cross_validate(samples, options.folds)


def measured(file: Path, engine: FaceEngine, cache: Path | None) -> list[Judged]:
    """Measure all films of a samples file."""
    with Progress() as progress:
        bar = progress.add_task(str(file), total=None)
        report = evaluate_liveness(
            file, engine, cache=cache, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
    return [sample for sample in report.judged if sample.kind == "video"]


def cross_validate(samples: Sequence[Judged], folds: int) -> None:
    """Judge films with fits that saw neither their person nor, in the second table, their system; print both."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for fold in range(folds):
        inside = [sample for sample in samples if fold_of(sample.person, folds) == fold]
        fitted = document([sample for sample in samples if fold_of(sample.person, folds) != fold])
        _judge_all(inside, fitted, found)
    _show(f"people left out, {folds} parts", found)
    found = defaultdict(list)
    for family in CONCERNS:
        systems = sorted({sample.species for sample in samples if sample.family == family})
        for system in systems if len(systems) > 1 else ():
            fitted = document([sample for sample in samples if sample.species != system])
            _judge_all([sample for sample in samples if sample.species == system], fitted, found)
    _show("systems left out", found)


def fold_of(person: str, folds: int) -> int:
    """Return to which of some parts of the people somebody belongs."""
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:4]) % folds


def _judge_all(samples: Sequence[Judged], text: str, found: dict[str, list[tuple[str, str]]]) -> None:
    fusion = parse_fusion(text)
    for sample in samples:
        state = judge(fusion, sample.measures, sample.checks).state.value
        found[sample.species or LIVE].append((state, sample.person))


def _show(title: str, found: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    for species, verdicts in sorted(found.items()):
        counts = Counter(state for state, _ in verdicts)
        people = len({person for _, person in verdicts})
        shares = ", ".join(
            f"{state} {_with_interval(counts[state], len(verdicts))}" for state in ("pass", "not_assessed", "fail")
        )
        print(f"{title}: {species:24} n={len(verdicts)} of {people} people  {shares}")


def _with_interval(events: int, total: int) -> str:
    found = rate(events, total)
    return f"{events} = {events / total:.1%} ({found.low:.1%}-{found.high:.1%})"


def document(samples: Sequence[Judged]) -> str:
    """Return the text of the parameter file."""
    values: dict[str, list[Mapping[str, float | None]]] = defaultdict(list)
    for sample in samples:
        if sample.label == LIVE or sample.family in CONCERNS:
            values[sample.family or LIVE].append(sample.measures)
    lines = [
        "# Made by bench/fit_liveness.py; see docs/liveness.md. log10 likelihood ratio = intercept + weight * measure,",
        "# clipped to low and high. The verdict rests on the smallest sum over the species.",
        "format = 2",
        "live_from = 0.3",
        "attack_below = -0.5",
        "",
        "[data]",
        *(f"{species} = {len(found)}" for species, found in sorted(values.items())),
        f"people = {len({sample.person for sample in samples if sample.label == LIVE})}",
        "",
        "[calm]",
        *(f"{key} = {value}" for key, value in CALM.items()),
    ]
    for species, names in CONCERNS.items():
        for name in names:
            weight, intercept = fit(column(values[LIVE], name), column(values[species], name))
            lines += [
                "",
                f"[species.{species}.{name}]",
                f"weight = {weight:.4f}",
                f"intercept = {intercept:.4f}",
                f"low = {-BOUND}",
                f"high = {ABSENCE.get(name, BOUND)}",
                *([f"absent = {ABSENT[name]}"] if name in ABSENT else []),
            ]
        if species in ANSWERS:
            name, ratio = ANSWERS[species]
            lines += [
                "",
                f"[species.{species}.{name}]",
                f"weight = {ratio}",
                "intercept = 0.0",
                "low = 0.0",
                f"high = {ratio}",
            ]
    return "\n".join(lines) + "\n"


def column(rows: list[Mapping[str, float | None]], name: str) -> NDArray[np.float64]:
    """Return all values of one measure."""
    return np.array([value for row in rows if (value := row.get(name)) is not None])


def fit(live: NDArray[np.float64], attack: NDArray[np.float64]) -> tuple[float, float]:
    """Fit a balanced logistic regression on one measure; return weight and intercept in log10 units."""
    x = np.concatenate([live, attack])
    y = np.concatenate([np.ones(len(live)), np.zeros(len(attack))])
    share = np.concatenate([np.full(len(live), 0.5 / len(live)), np.full(len(attack), 0.5 / len(attack))])
    centre, spread = float((x * share).sum()), float(max(x.std(), 1e-6))
    design = np.stack([np.ones_like(x), (x - centre) / spread], 1)
    beta = np.zeros(2)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (share * (chance - y)) + RIDGE * np.array([0.0, beta[1]]) / 10
        hessian = (design * (share * chance * (1 - chance))[:, None]).T @ design + np.diag([1e-9, RIDGE / 10])
        step = np.linalg.solve(hessian, gradient)
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    weight = beta[1] / spread / math.log(10)
    return float(weight), float((beta[0] - beta[1] * centre / spread) / math.log(10))


if __name__ == "__main__":
    main()

"""Fit ``models/liveness/liveness.toml``: the likelihood ratio of each measure against each PAI species.

    python -m bench.fit_liveness --samples DEV/samples.csv [--test TEST/samples.csv] [--write]

With ``--test``, it also fits without each person in turn and judges that person's test clips with this fit, so that
neither the person nor the seeds were seen. (The person is the part of the file name before the first ``_``.)

The fit is a logistic regression with balanced classes, one measure and one species at a time (the prior of the clips
cancels), with a little ridge because people and clips are few; in log10. The number of *videos* (not clips) limits the
ratios. Fit only on seeds of ``bench.make_attacks`` below 1000; seeds from 1000 on are for measuring.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from models.liveness.checks import passed
from models.liveness.fusion import REQUIRED, SHIPPED, judge, parse_fusion
from models.liveness.measures import measure
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
"""With six people, one measure supports no ratio above 100."""
ABSENCE = {"passive": 0.8, "grid": 0.8, "repeated": 0.8}
"""Measures that look for a sign of an attack, and the largest log10 ratio for its absence. None of 24 development clips
of the species lacks the sign: at 95 % confidence less than one in 7 does (Clopper-Pearson), and 10^0.8 is 6.3. The
passive model was certain of one replay in 24."""
RIDGE = 0.05


def main() -> None:
    """Fit, and print or write the parameter file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--test", type=Path, help="clips of other seeds, to judge people left out of the fit")
    parser.add_argument("--write", action="store_true", help="write models/liveness/liveness.toml")
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    samples = measured(options.samples, engine)
    text = document(samples)
    print(text)
    if options.write:
        SHIPPED.write_text(text, encoding="utf-8")
    if options.test:
        cross_validate(samples, measured(options.test, engine))


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip: its person, its species (``live`` for bona fide presentations), and its measures."""

    person: str
    species: str
    name: str
    values: Mapping[str, float | None]


def measured(file: Path, engine: FaceEngine) -> list[Sample]:
    """Measure all clips of a samples file."""
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for row in track(rows, str(file)):
        readings = engine.observe((file.parent / row["path"]).read_bytes())
        species = row["species"] if row["label"] == "attack" else LIVE
        found.append(Sample(row["path"].split("_")[0], species, row["path"], measure(readings)))
    return found


def cross_validate(samples: list[Sample], test: list[Sample]) -> None:
    """Judge each person's test clips with a fit without this person and these seeds; print a table."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for person in sorted({sample.person for sample in test}):
        fusion = parse_fusion(document([sample for sample in samples if sample.person != person]))
        for sample in (sample for sample in test if sample.person == person):
            report = judge(fusion, sample.values, [passed(name) for name in REQUIRED])
            kind = "live, as filmed" if sample.name.endswith("_live.mp4") else "live, one more camera"
            verdicts[sample.species if sample.species != LIVE else kind][report.state.value] += 1
    for species, counts in sorted(verdicts.items()):
        total = sum(counts.values())
        shares = ", ".join(
            f"{state} {_with_interval(counts[state], total)}" for state in ("pass", "not_assessed", "fail")
        )
        print(f"{species:22} n={total}  {shares}")


def _with_interval(events: int, total: int) -> str:
    found = rate(events, total)
    return f"{events} ({found.low:.1%}-{found.high:.1%})"


def document(samples: list[Sample]) -> str:
    """Return the text of the parameter file."""
    values: dict[str, list[Mapping[str, float | None]]] = defaultdict(list)
    for sample in samples:
        values[sample.species].append(sample.values)
    lines = [
        "# Made by bench/fit_liveness.py; see docs/liveness.md. log10 likelihood ratio = intercept + weight * measure,",
        "# clipped to low and high. The verdict rests on the smallest sum over the species.",
        "format = 1",
        "live_from = 0.3",
        "attack_below = -0.5",
        "",
        "[data]",
        *(f"{species} = {len(found)}" for species, found in sorted(values.items())),
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
    return np.array([value for row in rows if (value := row[name]) is not None])


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

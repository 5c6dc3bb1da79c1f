"""Measure the search for duplicate faces: how alike different people are, and how long one search takes.

    python -m bench.duplicate_faces --portraits FOLDER [--faces 1000000]

The portraits show one person each. All their pairs are scored as the search scores them, an exponential tail is fitted
to the highest hundredth, and from it comes the threshold for a number of enrolled faces (models/face/search.py). The
time of a search is measured on random vectors: it does not depend on what they are.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from models.errors import ImageRefused
from models.face.search import FALSE_HITS, FaceIndex
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

TAIL = 0.01


def main() -> None:
    """Measure, and print the tail, the thresholds and the time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True, help="folder of pictures, one person each")
    parser.add_argument("--faces", type=int, default=1_000_000, help="faces in the search that is timed")
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    fit = engine.calibration.fits[0]
    rows: list[NDArray[np.float32]] = []
    for path in sorted(options.portraits.rglob("*.jp*g")):
        try:
            templates = engine.measure(path.read_bytes()).templates
        except ImageRefused:
            continue
        if fit.weights.keys() <= templates.keys():
            rows.append(np.concatenate([math.sqrt(w) * templates[name] for name, w in sorted(fit.weights.items())]))
    vectors = np.stack(rows)
    ratios = ((fit.intercept + vectors @ vectors.T) / math.log(10))[np.triu_indices(len(rows), 1)]
    start = float(np.quantile(ratios, 1 - TAIL))
    scale = float((ratios[ratios > start] - start).mean())
    console = Console(width=120)
    console.print(f"{len(rows)} people, {len(ratios)} pairs, highest {ratios.max():.2f}")
    console.print(f"The highest hundredth begins at {start:.2f} and falls with the scale {scale:.3f}.")
    table = Table("enrolled faces", "false match rate of one comparison", "threshold (log10 LR)")
    for faces in (1_000, 10_000, 100_000, 1_000_000, 10_000_000):
        share = FALSE_HITS / faces
        table.add_row(f"{faces:,}", f"{share:.0e}", f"{start + scale * math.log(TAIL / share):.2f}")
    console.print(table)
    index = FaceIndex(fit)
    random = np.random.default_rng(1)
    parts = {name: random.standard_normal((10_000, size), np.float32) for name, size in _sizes(engine).items()}
    parts = {name: part / np.linalg.norm(part, axis=1, keepdims=True) for name, part in parts.items()}
    for number in range(1, options.faces + 1):
        index.add(number, {name: part[number % 10_000] for name, part in parts.items()})
    wall, cpu = time.perf_counter(), time.process_time()
    for row in range(5):
        index.search({name: random.permutation(part[row]) for name, part in parts.items()})
    wall, cpu = (time.perf_counter() - wall) / 5, (time.process_time() - cpu) / 5
    console.print(
        f"One search among {options.faces:,} faces: {cpu:.2f} s of processor time, {wall:.2f} s by the clock."
    )


def _sizes(engine: FaceEngine) -> dict[str, int]:
    return {embedder.name: embedder.dim for embedder in engine._embedders}  # noqa: SLF001 - a bench may look


if __name__ == "__main__":
    main()

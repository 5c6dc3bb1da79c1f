"""Measure the verdict of single images: every frame of labelled films that the detector examined, taken alone.

    python -m bench.stills --samples SAMPLES.csv [SAMPLES.csv ...] --cache FOLDER

The shares are means over films, because the frames of one film are alike; the intervals are by bootstrap over people.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.progress import track

from models.evaluation.liveness import examine_film
from models.evaluation.liveness_cache import FilmCache
from models.evaluation.liveness_samples import read_samples
from models.liveness.still import judge_texture
from models.pipeline import FaceEngine
from models.states import State
from models.statistics import bootstrap_statistic
from models.weights.packs import PackStore, default_cache_dir


def main() -> None:
    """Measure, and print a row for living people and for each family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--cache", type=Path, help="as in 'certify evaluate liveness'")
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    cache = FilmCache(options.cache, engine.models) if options.cache else None
    found: dict[str, list[tuple[str, list[State]]]] = defaultdict(list)
    for sample in track([sample for file in options.samples for sample in read_samples(file)[1]], "films"):
        if sample.image:
            continue
        details = examine_film(sample.file.read_bytes(), engine, cache)[0].readings.details
        states = [judge_texture(engine.fusion, one.live, one.grid).state for one in details if one.live is not None]
        if states:
            found[sample.family or "living"].append((sample.person, states))
    for name, films in sorted(found.items()):
        people = [person for person, _ in films]
        shares = [_share(films, people, state) for state in (State.PASS, State.NOT_ASSESSED, State.FAIL)]
        images = sum(len(states) for _, states in films)
        print(f"{name:12} {images} images, {len(films)} films, {len(set(people))} people  {', '.join(shares)}")


def _share(films: list[tuple[str, list[State]]], people: list[str], state: State) -> str:
    each = np.array([np.mean([one is state for one in states]) for _, states in films])
    interval = bootstrap_statistic(people, lambda weight: float((weight * each).sum() / weight.sum()))
    within = "" if interval is None else f" ({interval[0]:.1%}-{interval[1]:.1%})"
    return f"{state.value} {each.mean():.1%}{within}"


if __name__ == "__main__":
    main()

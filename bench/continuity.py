"""Measure the check of continuity: films that change the person half-way, and living films.

    python -m bench.continuity --samples SAMPLES.csv --cache FOLDER [--seed 0]

The films are those of living people. Each film is followed, from its middle on, by the second half of the films of
seven other people: what their frames are embedded to is joined, without drawing a film. The last line is what a frame
costs.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import numpy as np

from bench.living_films import living_films, options_parser
from models.liveness.continuity import SeenFace, check_continuity
from models.pipeline import FaceEngine
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir

OTHERS = 7


def main() -> None:
    """Measure, and print the counts."""
    options = options_parser(__doc__).parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    films = [(sample.person, examined.faces) for sample, examined in living_films(options, engine)]
    for every in (1, 2, 3):
        print(f"one in {every} of the embedded frames")
        compare([(person, faces[::every]) for person, faces in films], options.seed)
    start, rounds = time.process_time(), 20
    blank = np.zeros((1, 112, 112, 3), np.uint8)
    for _ in range(rounds):
        engine.continuity_embedder.embed(blank)
    print(f"a frame costs {(time.process_time() - start) / rounds * 1e3:.1f} ms of processor time to embed")


def compare(films: list[tuple[str, tuple[SeenFace, ...]]], seed: int) -> None:
    """Check each film, and each with strangers from its middle on."""
    show("living films", [faces for _, faces in films])
    chance = random.Random(seed)  # noqa: S311 - repeatable
    spliced: list[tuple[SeenFace, ...]] = []
    for person, faces in films:
        strangers = [other for name, other in films if name != person]
        chosen = chance.sample(strangers, min(OTHERS, len(strangers)))
        spliced += [(*faces[: len(faces) // 2], *other[len(other) // 2 :]) for other in chosen]
    show("another person from the middle on", spliced)


def show(what: str, films: list[tuple[SeenFace, ...]]) -> None:
    """Print how often the check passes, asks and fails."""
    states = Counter(check_continuity(faces).state.value for faces in films)
    shares = []
    for state in ("pass", "not_assessed", "fail"):
        found = rate(states[state], len(films))
        shares.append(f"{state} {states[state]} = {states[state] / len(films):.1%} ({found.low:.1%}-{found.high:.1%})")
    print(f"{what}: n={len(films)}  {', '.join(shares)}")


if __name__ == "__main__":
    main()

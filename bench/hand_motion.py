"""Measure how often a phone and its picture move apart: for hands that hold it, and for pictures of a program.

    python -m bench.hand_motion --samples FILMS/samples.csv --people even
    python -m bench.hand_motion --samples FILMS/samples.csv --people odd

The films are those of living people. No film with the data of a sensor exists here: each is turned as
a hand would turn the phone (:mod:`fixtures.turning`), and the sensor's data are those of that hand, of another hand, or
of a phone on a table. Seven frames a second are compared, as in a live capture.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fixtures.turning import Turning, hand, sensor, table, turned
from models.evaluation.liveness_samples import LIVE, read_samples
from models.liveness.hand_motion import check_motion
from models.liveness.readings import THUMB, Glance
from models.media.image import Pixels
from models.media.video import VideoLimits, VideoReader
from models.statistics import rate

SPEEDS = (1.0, 2.0, 4.0)
"""Degrees a second about each axis: a calm hand, a usual one, and one that trembles."""
_SECONDS, _STEP_S, _STRONG = 11.0, 0.135, 4.0
NAMED = ("phone_still", "picture_still", "motion_unrelated")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--people", choices=("even", "odd"), required=True, help="which half of the people")
    options = parser.parse_args()
    samples = read_samples(options.samples)[1]
    living = [sample for sample in samples if sample.label == LIVE and not sample.image]
    people = sorted({sample.person for sample in living})
    half = set(people[0 if options.people == "even" else 1 :: 2])
    counts: dict[str, Counter[str]] = {}
    spent: list[float] = []
    films = [sample for sample in living if sample.person in half]
    for number, sample in enumerate(track(films, "films")):
        for name, reason in _cases(sample.file, number, spent):
            counts.setdefault(name, Counter())[reason] += 1
    console = Console(width=140)
    shown = Table("phone and picture", "films", "not measured", *NAMED, "any")
    for name, found in counts.items():
        measured = found.total() - found["not_measured"]
        any_ = rate(sum(found[reason] for reason in NAMED), measured)
        cells = [str(found[reason]) for reason in ("not_measured", *NAMED)]
        shown.add_row(
            name, str(found.total()), *cells, f"{any_.events} of {measured} ({any_.low:.1%} to {any_.high:.1%})"
        )
    console.print(shown)
    console.print(f"{np.mean(spent) * 1e3:.0f} ms of processor time a film", highlight=False)


def _cases(file: Path, number: int, spent: list[float]) -> list[tuple[str, str]]:
    random = np.random.default_rng(number)
    hands = {speed: hand(random, _SECONDS, speed) for speed in SPEEDS}
    other, lying = hand(random, _SECONDS, _STRONG), table(_SECONDS)
    films = _films(file, {0.0: lying, **hands}, random)
    cases: list[tuple[str, float, Turning]] = [
        *((f"a hand of {speed:g} degrees a second", speed, hands[speed]) for speed in SPEEDS),
        ("the film as it is, on a table", 0.0, lying),
        ("attack: the film as it is, the phone in a hand", 0.0, other),
        ("attack: the film of one hand, the phone in another", _STRONG, other),
        ("attack: the film of a hand, the phone on a table", _STRONG, lying),
    ]
    found = []
    for name, speed, turning in cases:
        samples = sensor(turning, random)
        begin = time.process_time()
        found.append((name, check_motion(films[speed], samples).reason))
        spent.append(time.process_time() - begin)
    return found


def _films(file: Path, turnings: dict[float, Turning], random: np.random.Generator) -> dict[float, list[Glance]]:
    films: dict[float, list[Glance]] = {speed: [] for speed in turnings}
    last = -_STEP_S
    for frame in VideoReader(file.read_bytes(), VideoLimits(max_seconds=60)):
        if frame.time_s > _SECONDS - 0.5:
            break
        if frame.time_s < last + _STEP_S:
            continue
        last = frame.time_s
        for speed, turning in turnings.items():
            seen = turned(frame.pixels, turning, frame.time_s, random) if speed else frame.pixels
            films[speed].append(Glance(frame.time_s, _thumb(seen), 0.0))
    return films


def _thumb(pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


if __name__ == "__main__":
    main()

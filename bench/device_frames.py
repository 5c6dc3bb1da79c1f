"""Measure how often a closed frame is seen around a face: in films of living people, and of devices that play a film.

    python -m bench.make_attacks --samples FILMS/samples.csv --out DEVICES --seed 0 --parts 1 --every 2 --species device
    python -m bench.device_frames --samples FILMS/samples.csv DEVICES/samples.csv

Two frames a second are looked at, as the service does. For each species it prints the films with no closed frame, with
one (asked again) and with more (judged an attack), the largest share in any film without one, and the processor time.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.face.detect import Detector
from models.liveness.device import FRAMES
from models.liveness.device_frame import CLOSED_FROM, find_device_frame
from models.media.video import VideoLimits, VideoReader
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

_EVERY_S = 0.5


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    options = parser.parse_args()
    detector = Detector(load_network(PackStore(default_cache_dir()), "yunet"))
    films: dict[str, list[list[float]]] = defaultdict(list)
    spent: list[float] = []
    for file in options.samples:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        for row in track(rows, file.parent.name):
            shares = _shares(file.parent / row["path"], detector, spent)
            films[row["species"] or "living"].append(shares)
    table = Table("species", "films", "frames", "no closed frame", "one", "more: judged an attack", "largest without")
    for species, found in sorted(films.items()):
        closed = [sum(share >= CLOSED_FROM for share in shares) for shares in found]
        open_ = [max(shares, default=0.0) for shares, count in zip(found, closed, strict=True) if not count]
        more = rate(sum(count >= FRAMES for count in closed), len(found))
        table.add_row(
            species,
            str(len(found)),
            str(sum(map(len, found))),
            str(closed.count(0)),
            str(sum(0 < count < FRAMES for count in closed)),
            f"{more.events} ({more.low:.1%} to {more.high:.1%})",
            f"{max(open_, default=0.0):.2f}",
        )
    console = Console(width=120)
    console.print(table)
    console.print(f"{sum(spent) / max(len(spent), 1) * 1e3:.1f} ms of processor time a frame", highlight=False)


def _shares(path: Path, detector: Detector, spent: list[float]) -> list[float]:
    shares, last = [], -_EVERY_S
    for frame in VideoReader(path.read_bytes(), VideoLimits(max_seconds=60)):
        if frame.time_s < last + _EVERY_S:
            continue
        last = frame.time_s
        faces = detector.detect(frame.pixels)
        if not faces:
            continue
        start = time.process_time()
        found = find_device_frame(frame.pixels, faces[0])
        spent.append(time.process_time() - start)
        shares.append(0.0 if found is None else found.share)
    return shares


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()

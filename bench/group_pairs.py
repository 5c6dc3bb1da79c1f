"""Give labelled pairs a technical group, so that ``certify evaluate matching`` reports error rates by group.

    python -m bench.group_pairs ../shared/data/pairs.csv --by eyes /tmp/by-eyes.csv
    certify evaluate matching --pairs /tmp/by-eyes.csv --json

**These are groups of pictures, not of people.** The development data have no label for age, sex or origin, and guesses
from faces would not be reliable. The groups describe how a picture was taken:

* ``eyes``: pixels between the eyes in the smaller face of the pair, below or from the median of all pictures (small
  research pictures are enlarged before they are measured, and the pixels are those of the enlarged picture);
* ``pose``: whether a head in the pair is turned by at least 10 degrees;
* ``folder``: the folder of a collection's pictures (the second part of the path), if it is the same for both.

If a picture of a pair has no value, the pair has no group.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from models.errors import ImageRefused
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

TURNED = 10.0
"""Degrees of yaw from which a head counts as turned; the median picture has 3. Chosen before errors were counted."""

MEASURES = {"eyes": "face_size", "pose": "yaw"}
"""The quality measure of each grouping."""

Grouping = Callable[[str, str], str]
"""Returns the group of a pair of paths; an empty name without a group."""


def main() -> None:
    """Read the pairs, measure their pictures if the grouping needs it, and write them with a group column."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("grouped", type=Path, help="the file to write")
    parser.add_argument("--by", choices=[*MEASURES, "folder"], required=True)
    options = parser.parse_args()
    with options.pairs.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    folder = options.pairs.resolve().parent
    group: Grouping = _by_folder
    if options.by in MEASURES:
        names = sorted({row[column] for row in rows for column in ("path_a", "path_b")})
        values = _measure(folder, names, MEASURES[options.by])
        group = (_by_eyes if options.by == "eyes" else _by_pose)(values)
    counts: Counter[tuple[str, str]] = Counter()
    with options.grouped.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path_a", "path_b", "same", "group"])
        for row in rows:
            name = group(row["path_a"], row["path_b"])
            counts[name, row["same"]] += 1
            # Absolute paths, because the written file may be in any folder.
            writer.writerow([folder / row["path_a"], folder / row["path_b"], row["same"], name])
    for (name, same), count in sorted(counts.items()):
        print(f"{name or '(no group)':24} {'genuine' if same == '1' else 'impostor':8} {count:6}")


def _measure(folder: Path, names: list[str], measure: str) -> dict[str, float]:
    """Return one quality measure of every picture that has it, as the service would measure it."""
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    values: dict[str, float] = {}
    for name in names:
        try:
            quality = engine.measure((folder / name).read_bytes(), evaluation=True).quality
        except (OSError, ImageRefused):
            continue
        for entry in quality:
            if entry.name == measure and entry.raw is not None:
                values[name] = entry.raw
    low, middle, high = np.percentile([abs(value) for value in values.values()], [5, 50, 95])
    print(f"|{measure}| of {len(values)} pictures: 5 % {low:.1f}, median {middle:.1f}, 95 % {high:.1f}")
    return values


def _by_eyes(values: Mapping[str, float]) -> Grouping:
    limit = float(np.median(list(values.values())))

    def group(first: str, second: str) -> str:
        if first not in values or second not in values:
            return ""
        return f"eyes {'under' if min(values[first], values[second]) < limit else 'from'} {limit:.1f} px"

    return group


def _by_pose(values: Mapping[str, float]) -> Grouping:
    def group(first: str, second: str) -> str:
        if first not in values or second not in values:
            return ""
        turned = max(abs(values[first]), abs(values[second])) >= TURNED
        return f"head {'turned' if turned else 'straight'}"

    return group


def _by_folder(first: str, second: str) -> str:
    folders = {Path(name).parts[1] for name in (first, second) if len(Path(name).parts) > 1}
    return folders.pop() if len(folders) == 1 else ""


if __name__ == "__main__":
    main()

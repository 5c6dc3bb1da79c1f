"""Measure signs of a screen that are known from the literature, and whether they tell living films from drawn devices.

    python -m bench.screen_signs --samples FILMS/samples.csv DEVICES/samples.csv DRAWN/samples.csv

None of them is used by a check (docs/liveness.md, *Signs of a screen that have no weight*). They are: moire at a second
scale and in colour (Patel and others, 2015), the gamut and the moments of colour, reflections without colour (Wen and
others, 2015), a face that is brighter than its surroundings, and the bands that a refreshing display draws under a
rolling shutter. The value of a film is the median over two frames a second, of its first five seconds. For each sign it
prints the AUC against living films, and what lies beyond every living film of one half of the people: living films of
the other half, and attacks.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.face.detect import Detector, Face
from models.media.image import Pixels
from models.media.video import VideoLimits, VideoReader
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

_EVERY_S, _UNTIL_S = 0.5, 5.0
_WIDE = 1.6
"""Side of the square for moire, in sides of the face."""
_SMALLEST = 64
SCREENS = ("device", "replay", "print")
"""The species that are shown to a camera; swaps and puppets are films without a screen."""
Signs = dict[str, float]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, nargs="+", required=True)
    parser.add_argument("--images", type=Path, nargs="*", default=[], help="single photos, printed beside living films")
    options = parser.parse_args()
    detector = Detector(load_network(PackStore(default_cache_dir()), "yunet"))
    films: dict[str, list[tuple[str, Signs]]] = defaultdict(list)
    for file in options.samples:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row["species"] not in ("mesh", "injected")]
        for row in track(rows, file.parent.name):
            kind = "living" if not row["species"] else row["species"] if row["species"] in SCREENS else "no screen"
            films[kind].append((row["person"], _film(file.parent / row["path"], detector)))
    kinds = [kind for kind in films if kind != "living"]
    people = sorted({person for person, _ in films["living"]})
    table = Table("sign", *(f"{kind}: AUC" for kind in kinds), "beyond: living", *kinds)
    for sign in sorted({name for found in films.values() for _, signs in found for name in signs}):
        table.add_row(sign, *_row(sign, films, kinds, set(people[::2])))
    console = Console(width=150)
    console.print({kind: len(found) for kind, found in films.items()})
    console.print(table)
    for image in options.images:
        pixels = np.asarray(cv2.imread(str(image)), np.uint8)
        for sign, value in _frame(pixels, detector.detect(pixels)[0]).items():
            living = [signs[sign] for _, signs in films["living"] if sign in signs]
            console.print(f"{image.stem}, {sign}: {value:.2f}; living {min(living):.2f} to {max(living):.2f}")


def _row(sign: str, films: dict[str, list[tuple[str, Signs]]], kinds: list[str], half: set[str]) -> list[str]:
    values = {kind: np.array([signs[sign] for _, signs in found if sign in signs]) for kind, found in films.items()}
    living = values["living"]
    areas = [
        float((other[:, None] > living).mean() + (other[:, None] == living).mean() / 2)
        for other in map(values.get, kinds)
        if other is not None
    ]
    up = 1.0 if float(np.mean(areas)) >= 0.5 else -1.0
    first, second = (
        [up * s[sign] for p, s in films["living"] if sign in s and (p in half) == is_] for is_ in (True, False)
    )
    most = max(first)
    beyond = [f"{sum(value > most for value in up * values[kind])} of {len(values[kind])}" for kind in kinds]
    return [*(f"{area:.2f}" for area in areas), f"{sum(value > most for value in second)} of {len(second)}", *beyond]


def _film(path: Path, detector: Detector) -> Signs:
    found: dict[str, list[float]] = defaultdict(list)
    last, before = -_EVERY_S, None
    for frame in VideoReader(path.read_bytes(), VideoLimits(max_seconds=60)):
        if frame.time_s > _UNTIL_S:
            break
        faces = detector.detect(frame.pixels) if frame.time_s >= last + _EVERY_S else ()
        if faces:
            last = frame.time_s
            for name, value in (_frame(frame.pixels, faces[0]) | _bands(before, frame.pixels, faces[0])).items():
                found[name].append(value)
        before = frame.pixels
    return {name: float(np.median(values)) for name, values in found.items()}


def _frame(pixels: Pixels, face: Face) -> Signs:
    signs = _moire(pixels, face, 0.25) | _moire(pixels, face, 0.5)
    rows, columns = pixels.shape[:2]
    left, top, width, height = (int(side) for side in face.box)
    part = pixels[max(top, 0) : top + height, max(left, 0) : left + width]
    saturation, value = cv2.split(cv2.cvtColor(part, cv2.COLOR_BGR2HSV))[1:]
    lab = cv2.cvtColor(part.astype(np.float32) / 255, cv2.COLOR_BGR2LAB).reshape(-1, 3)
    pale = (value > 1.4 * float(np.median(value))) & (saturation < 60)
    spread = np.cov(lab[:, 1:].T) + 1e-3 * np.eye(2)
    signs |= {
        "gamut: area of the colours": float(np.log(np.linalg.det(spread)) / 2),
        "gamut: saturation": float(saturation.mean()),
        "gamut: spread of saturation": float(saturation.std()),
        "gamut: blackest": float(np.percentile(part.max(2), 1)),
        "gamut: whitest": float(np.percentile(part.min(2), 99)),
        "reflections: pale share": float(pale.mean()),
    }
    around = np.ones((rows, columns), bool)
    around[
        max(int(top - 0.6 * height), 0) : int(top + 1.6 * height),
        max(int(left - 0.6 * width), 0) : int(left + 1.6 * width),
    ] = False
    if around.mean() >= 0.08:
        ratio = np.log((part.reshape(-1, 3).mean(0) + 1) / (pixels[around].mean(0) + 1))
        signs |= {"surroundings: brighter": float(ratio.mean()), "surroundings: bluer": float(ratio[0] - ratio[2])}
    return signs


def _moire(pixels: Pixels, face: Face, scale: float) -> Signs:
    """Return the strongest peak of the spectrum over its surroundings, as ``grid_peak`` does, in three planes."""
    rows, columns = pixels.shape[:2]
    left, top, width, height = face.box
    whole = int(min(_WIDE * max(width, height), rows, columns))
    x = min(max(int(left + (width - whole) / 2), 0), columns - whole)
    y = min(max(int(top + (height - whole) / 2), 0), rows - whole)
    small = cv2.resize(pixels[y : y + whole, x : x + whole], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    side = min(small.shape[:2]) // 2 * 2
    if side < _SMALLEST:
        return {}
    lab = cv2.cvtColor(small[:side, :side].astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    names = ("brightness", "green-red", "blue-yellow")
    return {
        f"moire at {scale}: {name}": _peak(np.asarray(plane, np.float32))
        for name, plane in zip(names, cv2.split(lab), strict=True)
    }


def _peak(plane: NDArray[np.float32]) -> float:
    side = plane.shape[0]
    flat = (plane - cv2.GaussianBlur(plane, (0, 0), 6)) * np.outer(np.hanning(side), np.hanning(side))
    power = np.log(np.abs(np.fft.fftshift(np.fft.rfft2(flat), axes=0)) ** 2 + 1e-6).astype(np.float32)
    floor = cv2.medianBlur(np.clip((power + 15) * 6, 0, 255).astype(np.uint8), 21 if side < 160 else 31)
    down, across = np.fft.fftshift(np.fft.fftfreq(side))[:, None], np.fft.rfftfreq(side)[None]
    radius = np.hypot(down, across)
    band = (radius >= 0.06) & (radius < 0.5) & (np.abs(down) > 1.6 / side) & (np.abs(across) > 1.6 / side)
    return float((power - (floor.astype(np.float32) / 6 - 15))[band].max())


def _bands(before: Pixels | None, pixels: Pixels, face: Face) -> Signs:
    """Return the strongest wave of the change between two frames from row to row, and against that along columns."""
    if before is None or before.shape != pixels.shape:
        return {}
    low, high = max(int(face.box[0] - 0.5 * face.box[2]), 0), int(face.box[0] + 1.5 * face.box[2])
    one, other = (np.log(frame[:, low:high].astype(np.float32).mean(2) + 4) for frame in (before, pixels))
    change = cv2.GaussianBlur(other - one, (0, 0), 1)
    down, across = (_wave(np.median(change, axis)) for axis in (1, 0))
    return {"bands: down": float(np.log(down)), "bands: down against across": float(np.log(down / across))}


def _wave(profile: NDArray[np.float32]) -> float:
    place = np.linspace(-1, 1, len(profile))
    rest = profile - np.polyval(np.polyfit(place, profile, 1), place)
    return float(np.abs(np.fft.rfft(rest * np.hanning(len(rest))))[1:13].max() / len(rest)) + 1e-5


if __name__ == "__main__":
    main()

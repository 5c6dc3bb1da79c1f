"""Measure how well copies of photos and films are recognised, and how often other media are taken for copies.

    python -m bench.near_copies --samples FOLDER/samples.csv --part test

The table names the films by ``path``, ``label`` and ``person``; only the living ones (``live``) are used. People are
divided in two parts by a hash of their names: ``develop``, on which thresholds were chosen, and ``test``. Of each
person one film is changed in every way; two of its frames stand for photos. Pairs that are no copies: frames of one
film at some distance in time (a burst of photos by a person who hardly moves), the halves of one film, and frames and
films of other people.

Changed films have the first five seconds of the original, with 12 to 15 frames a second: the movement is read ten times
a second, and encoding is most of the work.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.faces import Picture
from fixtures.videos import encode
from models.face.align import align
from models.face.landmarks import FaceMesh
from models.face.near_copy import COPY_FROM, FacePrint, compare_prints, face_print
from models.liveness.movement import SAME_FROM, Movement, compare_movements, movement_of
from models.liveness.readings import Detail
from models.media.video import VideoLimits, VideoReader
from models.pipeline import FaceEngine
from models.statistics import clopper_pearson
from models.weights.packs import PackStore, default_cache_dir

Film = list[tuple[float, Picture]]
Change = Callable[[Picture], Picture]
APART = ((0.4, 0.8), (0.8, 1.3), (1.3, 3.5), (3.5, 60.0))
"""Seconds between two frames of one film, from and to."""
COPY_S, COPY_RATE = 5.0, 15
"""Length of a changed film, and the most frames a second that it has."""
FAST = {"preset": "ultrafast"}
"""Phones code in hardware, which is no better than the fastest preset; it takes a third of the time."""


def _jpeg(picture: Picture, quality: int) -> Picture:
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _turned(picture: Picture, degrees: float) -> Picture:
    rows, columns = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1)
    return cv2.warpAffine(picture, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def _cropped(picture: Picture) -> Picture:
    rows, columns = picture.shape[:2]
    return picture[int(0.03 * rows) : int(0.98 * rows), int(0.01 * columns) : int(0.96 * columns)]


def _framed(picture: Picture) -> Picture:
    rows, columns = (int(0.08 * side) for side in picture.shape[:2])
    framed = cv2.copyMakeBorder(picture, rows, rows, columns, columns, cv2.BORDER_CONSTANT, value=(200, 30, 30))
    return framed.astype(np.uint8)


def _lit(picture: Picture, levels: int) -> Picture:
    return np.clip(picture.astype(np.int16) + levels, 0, 255).astype(np.uint8)


PHOTO_CHANGES: dict[str, Change] = {
    "JPEG at quality 40": lambda p: _jpeg(p, 40),
    "mirrored": lambda p: p[:, ::-1],
    "5 % cropped": _cropped,
    "turned by 5 degrees": lambda p: _turned(p, 5),
    "turned by -5 degrees": lambda p: _turned(p, -5),
    "25 levels brighter": lambda p: _lit(p, 25),
    "25 levels darker": lambda p: _lit(p, -25),
    "with a border": _framed,
    "half the size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8),
    "mirrored, cropped, turned by 3, brighter, quality 60": lambda p: _jpeg(
        _lit(_turned(_cropped(p[:, ::-1]), 3), 12), 60
    ),
    "cropped, turned by -5, darker, border, quality 40": lambda p: _jpeg(
        _framed(_lit(_turned(_cropped(p), -5), -25)), 40
    ),
}

FILM_CHANGES: dict[str, tuple[Change, int, float]] = {
    "mirrored": (lambda p: p[:, ::-1], 60, 0.0),
    "cropped, turned by 5 degrees": (lambda p: _turned(_cropped(p), 5), 60, 0.0),
    "darker, border": (lambda p: _framed(_lit(p, -25)), 60, 0.0),
    "brighter, H.264 at CRF 38": (lambda p: _lit(p, 25), 25, 0.0),
    "the first second cut, CRF 30": (lambda p: p, 40, 1.03),
    "mirrored, cropped, turned by -4, brighter, border, 0.6 s cut, CRF 33": (
        lambda p: _framed(_lit(_turned(_cropped(p[:, ::-1]), -4), 12)),
        35,
        0.57,
    ),
}
"""The change of each frame, the quality of the H.264 encoder, and the seconds that are cut from the beginning."""


class Measuring:
    """The face models, and the results: for each kind of pair, whether each was taken for a copy."""

    def __init__(self) -> None:
        store = PackStore(default_cache_dir())
        self._detector = FaceEngine.load(store)._detector  # noqa: SLF001 - only the detector is wanted
        self._mesh = FaceMesh.load(store)
        self.photos: dict[str, list[bool]] = defaultdict(list)
        self.films: dict[str, list[bool]] = defaultdict(list)

    def background_of(self, picture: Picture) -> Change:
        """Return the change that puts the person of a picture before another background."""
        faces = self._detector.detect(picture)
        if not faces:
            return lambda p: p
        left, top, width, height = faces[0].box
        rows, columns = picture.shape[:2]
        mask = np.zeros((rows, columns), np.float32)
        centre, axes = (int(left + width / 2), int(top + height / 2)), (int(width * 0.75), int(height * 0.8))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 1.0, -1)
        cv2.rectangle(mask, (int(left - width * 0.4), int(top + height)), (int(left + width * 1.4), rows), 1.0, -1)
        soft = cv2.GaussianBlur(mask, (0, 0), 4)[..., None]
        few = np.random.default_rng(1).integers(0, 255, (6, 6, 3), dtype=np.uint8)
        other = cv2.resize(few, (columns, rows), interpolation=cv2.INTER_CUBIC) * (1 - soft)
        return lambda p: (p * soft + other).astype(np.uint8)

    def face(self, picture: Picture) -> FacePrint | None:
        """Return the print of the main face."""
        faces = self._detector.detect(np.ascontiguousarray(picture))
        return face_print(align(np.ascontiguousarray(picture), faces[0].points)) if faces else None

    def movement(self, film: Iterable[tuple[float, Picture]]) -> Movement:
        """Follow the face of a film, ten times a second."""
        tracker, details, due = self._mesh.tracker(), list[Detail](), 0.0
        for index, (time_s, pixels) in enumerate(film):
            if time_s + 1e-6 < due:
                continue
            due = max(due + 0.1, time_s + 0.05)
            faces = self._detector.detect(pixels) if tracker.lost or len(details) % 5 == 0 else None
            details.append(Detail(index, time_s, faces, tracker.step(pixels, faces), None, None))
        return movement_of(details)

    def change_photos(self, film: Film) -> None:
        """Compare two frames of a film with their changed copies."""
        for share in (0.3, 0.7):
            picture = film[int(share * len(film))][1]
            original = self.face(picture)
            if original is None:
                continue
            for name, change in {**PHOTO_CHANGES, "another background": self.background_of(picture)}.items():
                copy = self.face(change(picture))
                self.photos[f"copy: {name}"].append(
                    copy is not None and compare_prints(original, copy).least >= COPY_FROM
                )

    def change_film(self, whole: Film, original: Movement) -> None:
        """Compare a film with its changed copies."""
        film, rate = _shortened(whole)
        background = self.background_of(film[len(film) // 2][1])
        changes = {**FILM_CHANGES, "another background": (background, 60, 0.0)}
        for name, (change, quality, cut) in changes.items():
            part = [_even(change(picture)) for time_s, picture in film if time_s >= cut]
            if len(part) < 2.2 * rate:
                continue
            copy = self.movement(_read(encode(part, codec="h264", rate=rate, quality=quality, options=FAST)))
            self.films[f"copy: {name}"].append(compare_movements(original, copy) >= SAME_FROM)

    def compare_frames(self, film: Film) -> list[FacePrint]:
        """Compare frames of one film with each other; return the prints of one frame in two seconds."""
        prints: list[tuple[float, FacePrint]] = []
        due = 0.5
        for time_s, picture in film:
            if time_s >= due:
                due += 0.5
                found = self.face(picture)
                if found is not None:
                    prints.append((time_s, found))
        for index, ((first_s, first), (second_s, second)) in enumerate(combinations(prints[:16], 2)):
            apart = next((span for span in APART if span[0] <= second_s - first_s < span[1]), None)
            if apart is not None and index % 3 == 0:
                name = f"no copy: one film, {apart[0]} to {apart[1]} s apart"
                self.photos[name].append(compare_prints(first, second).least >= COPY_FROM)
        return [found for _, found in prints[::4]]


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, required=True, help="samples.csv of films")
    parser.add_argument("--part", choices=["develop", "test"], default="test")
    options = parser.parse_args()
    films: dict[str, list[Path]] = defaultdict(list)
    with options.samples.open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            in_test = zlib.crc32(row["person"].encode()) % 2 == 1
            if row["label"] == "live" and in_test == (options.part == "test"):
                films[row["person"]].append(options.samples.parent / row["path"])
    measuring = Measuring()
    faces: list[list[FacePrint]] = []
    movements: dict[str, list[Movement]] = {}
    for person, paths in sorted(films.items()):
        # The largest file is the one in the better coding; the others are the same clip coded again, or other clips.
        paths.sort(key=lambda path: -path.stat().st_size)
        film = list(_read(paths[0].read_bytes()))
        original = measuring.movement(film)
        measuring.change_photos(film)
        measuring.change_film(film, original)
        faces.append(measuring.compare_frames(film))
        movements[person] = [original, *(measuring.movement(_read(path.read_bytes())) for path in paths[1:])]
        if len(paths) == 2:
            first, second = movements[person]
            measuring.films["copy: coded as a phone does"].append(compare_movements(first, second) >= SAME_FROM)
        half = len(original.times_s) // 2
        first_half = Movement(original.times_s[:half], original.values[:half])
        second_half = Movement(original.times_s[half:], original.values[half:])
        if half >= 25:
            name = "no copy: the two halves of one film"
            measuring.films[name].append(compare_movements(first_half, second_half) >= SAME_FROM)
    for one, other in pairwise(faces):
        measuring.photos["no copy: another person"] += [
            compare_prints(a, b).least >= COPY_FROM for a in one[:2] for b in other[:2]
        ]
    for (_, first_films), (_, other_films) in combinations(sorted(movements.items()), 2):
        measuring.films["no copy: another person"].append(
            compare_movements(first_films[0], other_films[0]) >= SAME_FROM
        )
    _show("Photos", measuring.photos)
    _show("Films", measuring.films)


def _read(data: bytes) -> Iterable[tuple[float, Picture]]:
    return ((frame.time_s, frame.pixels) for frame in VideoReader(data, VideoLimits(max_seconds=60)))


def _shortened(film: Film) -> tuple[Film, float]:
    """Return the film that copies are made of, and its frames a second."""
    rate = max(round((len(film) - 1) / max(film[-1][0] - film[0][0], 0.1)), 1)
    step = -(-rate // COPY_RATE)
    return [frame for frame in film[::step] if frame[0] < COPY_S], rate / step


def _even(picture: Picture) -> Picture:
    rows, columns = (side // 2 * 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[:rows, :columns])


def _show(title: str, results: dict[str, list[bool]]) -> None:
    table = Table("pair", "n", "taken for a copy", "95 % interval", title=title)
    for name, found in sorted(results.items()):
        low, high = clopper_pearson(sum(found), len(found))
        table.add_row(name, str(len(found)), f"{sum(found)} ({np.mean(found):.1%})", f"{low:.1%}-{high:.1%}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

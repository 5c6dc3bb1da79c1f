"""Try to read the screen's colours in the glint of a cornea, at the size and coding of a live capture.

    python -m bench.eye_glints --samples FILMS/samples.csv --cache READ --every 3

The films show people whom no screen lit. Into both eyes of each frame a glint of the size of a phone's screen is drawn
(:mod:`bench.eye_pixels`), red and blue in turn for 0.7 s each, and the frame is coded as a live capture sends it. For
comparison a program tints the whole eye in the same colours, as one does that tints a face. The measure is how much
redder the middle of the pupil is than the ring around it, while the glint is red, less the same while it is blue, over
its standard error. It prints the AUC of glints against nothing and against a tint, by the glint's brightness.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.living_films import living_films, options_parser
from models.liveness.examined import Examined
from models.media.image import Pixels
from models.media.video import VideoLimits, VideoReader
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

_SIZE = (312, 416)
_PUPILS = (468, 473)
_APART = 63.0
_GLINT = (0.78, 1.7)
_COLOUR_S, _QUALITY, _UNTIL_S = 0.7, 60, 8.0
_RED, _BLUE = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
LEVELS = (20.0, 40.0, 80.0)
"""Grey levels of the glint if it filled its pixels. A cornea reflects 2.5 %: a screen of 500 cd/m2 is as dark skin."""
TINT = 0.2
"""Share by which a program tints the eye."""


def main() -> None:
    """Measure, and print the table."""
    parser = options_parser(__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th film")
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    found: dict[str, list[float]] = defaultdict(list)
    for number, (sample, examined) in enumerate(living_films(options, engine)):
        if number % options.every == 0:
            for name, value in _film(sample.file.read_bytes(), examined).items():
                found[name].append(value)
    table = Table("glint, grey levels", "films", "AUC against nothing", "AUC against a tint of the eye")
    for level in LEVELS:
        lit = np.array(found[f"glint {level}"])
        areas = (float((lit[:, None] > np.array(found[other])).mean()) for other in ("nothing", "tint"))
        table.add_row(f"{level:g}", str(len(lit)), *(f"{area:.2f}" for area in areas))
    Console(width=100).print(table)


def _film(data: bytes, examined: Examined) -> dict[str, float]:
    values: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for time_s, small, pupils, apart in _frames(data, examined):
        red = int(time_s / _COLOUR_S) % 2 == 0
        colour = _RED if red else _BLUE
        drawn = {"nothing": small, "tint": _tinted(small, pupils, apart, colour)}
        drawn |= {f"glint {level}": _with_glints(small, pupils, apart, level * colour) for level in LEVELS}
        for name, picture in drawn.items():
            coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
            shown = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
            values[name].append((red, float(np.mean([_redder(shown, pupil) for pupil in pupils]))))
    return {name: _contrast(pairs) for name, pairs in values.items() if len({red for red, _ in pairs}) == 2}


def _contrast(pairs: list[tuple[bool, float]]) -> float:
    one, other = (np.array([value for red, value in pairs if red is wanted]) for wanted in (True, False))
    return float((one.mean() - other.mean()) / math.sqrt(one.var() / len(one) + other.var() / len(other) + 1e-6))


def _frames(data: bytes, examined: Examined) -> Iterator[tuple[float, Pixels, NDArray[np.float64], float]]:
    meshes = {detail.index: detail.mesh for detail in examined.readings.details if detail.mesh is not None}
    for index, frame in enumerate(VideoReader(data, VideoLimits(max_seconds=60))):
        if frame.time_s > _UNTIL_S:
            return
        mesh = meshes.get(index)
        if mesh is None:
            continue
        rows, columns = frame.pixels.shape[:2]
        scale = max(_SIZE[0] / columns, _SIZE[1] / rows)
        whole = np.array([columns, rows]) * scale
        corner = (whole - _SIZE) / 2
        matrix = np.array([[scale, 0, -corner[0]], [0, scale, -corner[1]]])
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(frame.pixels, None, fx=scale, fy=scale, interpolation=way)
        x, y = (round(float(side)) for side in corner)
        pupils = mesh.points[list(_PUPILS), :2] @ matrix[:, :2].T + matrix[:, 2]
        shown = np.asarray(small[y : y + _SIZE[1], x : x + _SIZE[0]], np.uint8)
        places = np.asarray(pupils, np.float64)
        yield frame.time_s, shown, places, float(np.linalg.norm(places[1] - places[0]))


def _with_glints(small: Pixels, pupils: NDArray[np.float64], apart: float, light: NDArray[np.float64]) -> Pixels:
    """Add the light of the screen, spread over the pixels that its reflection covers, a little out of focus."""
    rows, columns = np.mgrid[: small.shape[0], : small.shape[1]].astype(np.float64)
    share = np.zeros(small.shape[:2])
    wide, high = (side * apart / _APART / 2 for side in _GLINT)
    for x, y in pupils:
        across = np.clip(wide + 0.5 - np.abs(columns - x), 0, min(1.0, 2 * wide))
        down = np.clip(high + 0.5 - np.abs(rows - y), 0, min(1.0, 2 * high))
        share += across * down
    blurred = cv2.GaussianBlur(share, (0, 0), 0.5)
    return np.clip(small + blurred[..., None] * light, 0, 255).astype(np.uint8)


def _tinted(small: Pixels, pupils: NDArray[np.float64], apart: float, colour: NDArray[np.float64]) -> Pixels:
    mask = np.zeros(small.shape[:2], np.float32)
    for x, y in pupils:
        cv2.circle(mask, (round(float(x)), round(float(y))), max(round(0.25 * apart), 2), 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 2), np.float32)
    return np.clip(small * (1 + TINT * mask[..., None] * (2 * colour - 1)), 0, 255).astype(np.uint8)


def _redder(shown: Pixels, pupil: NDArray[np.float64]) -> float:
    """Return by how much the middle of a pupil is redder than the ring around it."""
    x, y = (round(float(value)) for value in pupil)
    part = shown[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5].astype(np.float64)
    if part.shape[:2] != (9, 9):
        return 0.0
    red = part[..., 2] - part[..., 0]
    ring = np.ones((9, 9), bool)
    ring[2:7, 2:7] = False
    return float(red[3:6, 3:6].mean() - red[ring].mean())


if __name__ == "__main__":
    main()

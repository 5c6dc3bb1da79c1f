"""Measure how many pixels the eyes have in a live capture: whether a glint or the white of the eye can be read.

    python -m bench.eye_pixels --samples FILMS/samples.csv --cache READ

A cornea is a convex mirror of 7.8 mm radius: a screen of 70 x 150 mm at 350 mm appears in it 0.78 x 1.7 mm large. Eyes
are 63 mm apart in the mean, an iris is 11.7 mm wide. So the distance of the eyes in pixels gives the size of both. The
frames of a live capture are the middle of the picture, three by four, at 312 x 416 pixels
(api/web/phone/js/capture/pace.js).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.living_films import living_films, options_parser
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

_HEIGHT, _WIDTH = 416, 312
_APART, _IRIS, _GLINT = 63.0, 11.7, (0.78, 1.7)
"""Millimetres."""
_CORNERS, _LIDS = ((33, 133), (362, 263)), ((159, 145), (386, 374))
"""Landmarks of both eyes: outer and inner corner, upper and lower lid."""


def main() -> None:
    """Measure, and print the table."""
    options = options_parser(__doc__).parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    apart, white = [], []
    for _, examined in living_films(options, engine):
        scale = max(_HEIGHT / examined.height, _WIDTH / examined.width)
        found = [detail.mesh.points[:, :2] * scale for detail in examined.readings.followed if detail.mesh is not None]
        if not found:
            continue
        apart.append(float(np.median([np.linalg.norm(_middle(p, 1) - _middle(p, 0)) for p in found])))
        white.append(float(np.median([_white(p) for p in found])))
    table = Table("pixels, percentile of the films", "5", "25", "50", "75", "95")
    distance, sides = np.array(apart), np.array(white)
    for name, values in (
        ("distance of the eyes", distance),
        ("iris, width", distance * _IRIS / _APART),
        ("glint of the screen, width", distance * _GLINT[0] / _APART),
        ("glint of the screen, height", distance * _GLINT[1] / _APART),
        ("opening of one eye without its iris, area", sides),
    ):
        table.add_row(name, *(f"{value:.1f}" for value in np.percentile(values, [5, 25, 50, 75, 95])))
    console = Console(width=120)
    console.print(table)
    console.print(f"{len(apart)} films", highlight=False)


def _middle(points: NDArray[np.float32], eye: int) -> NDArray[np.float32]:
    return np.asarray(points[list(_CORNERS[eye])].mean(axis=0), np.float32)


def _white(points: NDArray[np.float32]) -> float:
    """Return the mean area of an eye's opening that the iris does not fill: two thirds of an ellipse at most."""
    areas = []
    for corners, lids in zip(_CORNERS, _LIDS, strict=True):
        outline = points[[corners[0], lids[0], corners[1], lids[1]]].astype(np.float32)
        width = float(np.linalg.norm(outline[2] - outline[0]))
        opening = float(np.linalg.norm(outline[3] - outline[1]))
        iris = min(width * 0.4, opening)
        areas.append(max(float(cv2.contourArea(outline)) * 1.3 - iris * opening * 0.9, 0.0))
    return float(np.mean(areas))


if __name__ == "__main__":
    main()

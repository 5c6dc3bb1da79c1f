"""Measure what light, tilt, glare, noise and closed eyes cost the comparison, and what the advice about them saves.

    python -m bench.conditions ../shared/data
    python -m bench.conditions ../shared/data --films READ_FILMS  # closed eyes

Each picture is made worse by one factor and compared with another picture of its person as it is: AT&T people (two
pictures of each, against two others) and frames of films of living people (against a frame of another film or coding,
or of another second). Printed are the false non-matches at the shipped operating point of all pictures that give a
template, the share that gets advice because of the factor, and the false non-matches of those that get none: what is
left if people follow the advice. Intervals are by person.

The second form needs films that 'certify evaluate liveness --cache' has read. It compares frames with closed eyes and
frames with open eyes of one film with its best frame.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.living_films import living_films
from models.calibrate import load_calibration
from models.face.align import align
from models.face.detect import Detector, Face
from models.face.eyes import eyes_open
from models.face.matcher import Matcher
from models.face.networks import FaceNetworks, load_networks
from models.face.templates import Templates
from models.face.upright import turn_by
from models.liveness.readings import best_frames
from models.media.image import Pixels, enlarge_small
from models.pipeline import FaceEngine
from models.results import Measurement
from models.statistics import bootstrap_share, rate
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

SEED = 20261130
TILTS = (20, 30, 45, 90, 180)
AT = (0.25, 0.75)
"""Where in a film the two frames lie."""

LEAST_OPEN = 0.1
"""Probability of open eyes below which the advice is given (models/face/quality.py)."""

Floats = NDArray[np.float64]
Factor = Callable[[Pixels, Face, np.random.Generator], Pixels]
console = Console(width=150)


def main() -> None:
    """Print the table of factors, or that of closed eyes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--films", type=Path, help="folder of films that were read")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    if options.films is not None:
        _closed_eyes(options.data, options.films, engine)
        return
    detector = Detector(load_network(PackStore(default_cache_dir()), "yunet"))
    pairs = [*_att(options.data), *_films(options.data)]
    references = [_measured(engine, reference).templates for _, _, reference in pairs]
    console.print(f"{len(pairs)} pictures of {len({person for person, _, _ in pairs})} people")
    table = Table("factor", "no template", "below the threshold", "of these near", "advice", "code", "without advice")
    for title, (factor, code) in FACTORS.items():
        rng = np.random.default_rng(SEED)
        people, llrs, advised, lost = [], [], [], 0
        for (person, probe, _), reference in zip(pairs, references, strict=True):
            faces = detector.detect(probe)
            if not faces or not reference:
                continue
            measured = _measured(engine, factor(probe, faces[0], rng))
            if not measured.templates:
                lost += 1
                continue
            found = engine.compare(measured.templates, [reference])
            people.append(person)
            llrs.append(-9.0 if found.llr is None else found.llr)
            advised.append(bool({code, *ALSO.get(title, ())} & set(measured.guidance)))
        _row(table, title, code, np.array(people), np.array(llrs), np.array(advised), lost)
    console.print(table)
    _as_found(pairs, references, detector)


def _as_found(pairs: list[tuple[str, Pixels, Pixels]], references: list[Templates], detector: Detector) -> None:
    """Print tilted pictures as earlier releases compared them: aligned by the landmarks of the tilted face."""
    networks, calibration = load_networks(PackStore(default_cache_dir()), threads=1), load_calibration()
    matcher = Matcher(networks.embedders, calibration)
    table = Table("tilt, not turned right", "no face", "below the threshold", "of these near")
    for angle in TILTS:
        people, llrs, lost = [], [], 0
        for (person, probe, _), reference in zip(pairs, references, strict=True):
            turned = turn_by(probe, angle)
            if reference and (faces := detector.detect(turned)):
                found = matcher.compare(_templates(networks, align(turned, faces[0].points)), [reference])
                people.append(person)
                llrs.append(-9.0 if found.llr is None else found.llr)
            else:
                lost += 1
        llr, fit = np.array(llrs), calibration.fits[0]
        below = llr < fit.threshold
        table.add_row(
            f"{angle}", f"{lost}", _share(below, np.array(people)), f"{int((below & (llr >= fit.near)).sum())}"
        )
    console.print(table)


def _row(
    table: Table,
    title: str,
    code: str,
    people: NDArray[np.str_],
    llr: Floats,
    advised: NDArray[np.bool_],
    lost: int,
) -> None:
    fit = load_calibration().fits[0]
    below, near = llr < fit.threshold, llr >= fit.near
    table.add_row(
        title,
        f"{lost}",
        _share(below, people),
        f"{int((below & near).sum())}",
        f"{advised.mean():.0%}",
        code,
        _share(below[~advised], people[~advised]),
    )


def _share(hits: NDArray[np.bool_], people: NDArray[np.str_]) -> str:
    if not len(hits):
        return "-"
    interval = bootstrap_share(hits, people.tolist())
    low, high = (
        (rate(int(hits.sum()), len(hits)).low, rate(int(hits.sum()), len(hits)).high) if interval is None else interval
    )
    return f"{int(hits.sum())}/{len(hits)}: {hits.mean():.1%} ({low:.1%}-{high:.1%})"


def _measured(engine: FaceEngine, pixels: Pixels) -> Measurement:
    return engine.measure(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())


def _att(data: Path) -> Iterator[tuple[str, Pixels, Pixels]]:
    for folder in sorted((data / "faces" / "att").iterdir()):
        pictures = sorted(folder.glob("*.pgm"))[:4]
        if len(pictures) == 4:
            first, second, third, fourth = (enlarge_small(_read(path)) for path in pictures)
            yield f"att-{folder.name}", first, third
            yield f"att-{folder.name}", second, fourth


def _films(data: Path) -> Iterator[tuple[str, Pixels, Pixels]]:
    """Yield a frame of each film, and one of another film or coding of the person, or of another second."""
    by_person: dict[str, list[Path]] = {}
    with (data / "liveness" / "samples.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["label"] == "live":
                by_person.setdefault(row["person"], []).append(data / "liveness" / row["path"])
    for person, paths in by_person.items():
        early, late = _frame(paths[0], AT[0]), _frame(paths[-1], AT[1])
        if early is not None and late is not None:
            yield person, early, late
            yield person, late, early


def _frame(path: Path, share: float) -> Pixels | None:
    film = cv2.VideoCapture(str(path))
    film.set(cv2.CAP_PROP_POS_FRAMES, int(film.get(cv2.CAP_PROP_FRAME_COUNT) * share))
    done, pixels = film.read()
    return pixels.astype(np.uint8, copy=False) if done else None


def _read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(path)
    return pixels.astype(np.uint8, copy=False)


def _clipped(values: NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _darker(gain: float, grain: float) -> Factor:
    def factor(pixels: Pixels, _face: Face, rng: np.random.Generator) -> Pixels:
        return _clipped(pixels * np.float32(gain) + rng.standard_normal(pixels.shape).astype(np.float32) * grain)

    return factor


def _brighter(gain: float) -> Factor:
    return lambda pixels, _face, _rng: _clipped(pixels.astype(np.float32) * gain)


def _window_behind(gain: float, veil: float) -> Factor:
    """Darken the person, wash out what is around the head, and lay a veil of scattered light over all."""

    def factor(pixels: Pixels, face: Face, rng: np.random.Generator) -> Pixels:
        rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        left, top, width, height = face.box
        x, y = left + width / 2, top + height / 2
        head = ((columns - x) / (0.75 * width)) ** 2 + ((rows - y) / (0.85 * height)) ** 2 < 1
        body = (rows > y + 0.5 * height) & (np.abs(columns - x) < 1.6 * width)
        person = cv2.GaussianBlur((head | body).astype(np.float32), (0, 0), max(width * 0.04, 1))[:, :, None]
        lit = pixels * np.float32(gain) * person + np.maximum(pixels * np.float32(1.6), 235) * (1 - person)
        return _clipped(lit * (1 - veil / 255) + veil + rng.standard_normal(pixels.shape) * 3)

    return factor


def _grain(sigma: float) -> Factor:
    return lambda pixels, _face, rng: _clipped(pixels + rng.standard_normal(pixels.shape).astype(np.float32) * sigma)


def _glasses(reach: float) -> Factor:
    """Lay a reflection of a window over both eyes."""

    def factor(pixels: Pixels, face: Face, _rng: np.random.Generator) -> Pixels:
        layer = np.zeros(pixels.shape[:2], np.float32)
        for x, y in face.points[:2].tolist():
            axes = (round(reach * face.inter_eye), round(0.7 * reach * face.inter_eye))
            cv2.ellipse(layer, (round(x), round(y)), axes, 20, 0, 360, 1.0, -1)
        soft = cv2.GaussianBlur(layer, (0, 0), max(face.inter_eye * 0.02, 0.5))[:, :, None]
        return _clipped(pixels * (1 - soft) + 255 * soft)

    return factor


def _turned(angle: float) -> Factor:
    return lambda pixels, _face, _rng: turn_by(pixels, angle)


FACTORS: dict[str, tuple[Factor, str]] = {
    "as it is": (lambda pixels, _face, _rng: pixels, "-"),
    "light x 0.25, grain 3": (_darker(0.25, 3), "too_dark"),
    "light x 0.12, grain 3": (_darker(0.12, 3), "too_dark"),
    "light x 1.8": (_brighter(1.8), "too_bright"),
    "light x 3": (_brighter(3.0), "too_bright"),
    "window behind, face x 0.4": (_window_behind(0.4, 20), "bright_behind"),
    "window behind, face x 0.2": (_window_behind(0.2, 30), "bright_behind"),
    "grain 15": (_grain(15), "noisy_light"),
    "grain 30": (_grain(30), "noisy_light"),
    "grain 50": (_grain(50), "noisy_light"),
    "glare, small": (_glasses(0.16), "glasses_glare"),
    "glare, large": (_glasses(0.3), "glasses_glare"),
    **{f"tilt {angle}": (_turned(angle), "hold_upright") for angle in TILTS},
}
ALSO = {"window behind, face x 0.2": ("too_dark",), "window behind, face x 0.4": ("too_dark",)}
"""Further codes that tell the person what to do about a factor."""


def _closed_eyes(data: Path, cache: Path, engine: FaceEngine) -> None:
    """Print frames with closed and with open eyes of films against the best frame of the film."""
    fit, networks = load_calibration().fits[0], load_networks(PackStore(default_cache_dir()), threads=1)
    found: dict[str, list[tuple[str, float, bool]]] = {"open": [], "half closed": [], "closed": []}
    films = argparse.Namespace(samples=data / "liveness" / "samples.csv", cache=cache)
    for sample, examined in living_films(films, engine):
        best = best_frames(examined.readings, 1)
        if not best or best[0].aligned is None:
            continue
        reference = _templates(networks, best[0].aligned)
        for one in examined.readings.details:
            if one.aligned is None or one.mesh is None or one.blocked or one.index == best[0].index:
                continue
            blink = min(one.mesh.shape("eyeBlinkLeft"), one.mesh.shape("eyeBlinkRight"))
            kind = "closed" if blink > 0.5 else "half closed" if blink > 0.3 else "open"
            ratio = engine.compare(_templates(networks, one.aligned), [reference]).llr
            shut = max(eyes_open(networks.eyes, one.aligned)) < LEAST_OPEN if networks.eyes else False
            found[kind].append((sample.person, -9.0 if ratio is None else ratio, shut))
    table = Table(
        "eyes, by the mesh", "below the threshold", "of these near", "mean LR", "told 'open_eyes'", "not told"
    )
    for kind, values in found.items():
        people = np.array([person for person, _, _ in values])
        llr, told = np.array([value for _, value, _ in values]), np.array([said for _, _, said in values])
        below = llr < fit.threshold
        table.add_row(
            kind,
            _share(below, people),
            f"{int((below & (llr >= fit.near)).sum())}",
            f"{llr.mean():.2f}",
            f"{told.mean():.1%}",
            _share(below[~told], people[~told]),
        )
    console.print(table)


def _templates(networks: FaceNetworks, aligned: Pixels) -> Templates:
    return {one.name: one.embed(aligned[None])[0] for one in networks.embedders}


if __name__ == "__main__":
    main()

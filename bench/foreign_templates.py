"""Fit models/calibration_foreign.toml: templates of ``face_recognition`` against faces that this service measures.

    python -m bench.face_samples ../shared/data FOLDER
    python -m bench.foreign_templates ../shared/data FOLDER LANDMARKS > models/calibration_foreign.toml
    python -m bench.foreign_templates ../shared/data FOLDER LANDMARKS --report

A fund that used the library ``face_recognition`` has templates of dlib's network, made of faces that dlib found and
aligned itself. Here they meet probes of the same network, of faces that our detector found and aligned. So one side of
each pair is made as that library makes it (dlib's detector of frontal faces, its five landmarks, one run), and the
other side as ``models.face.embed_dlib`` makes it. LANDMARKS is ``shape_predictor_5_face_landmarks.dat``, which lies in
the package that carries the weights (``models/weights/manifest.toml``, dlib).

The rules of the fit and of the two thresholds are those of ``bench.fit_calibration``. The report prints the lengths of
the templates, and how often true people and strangers match, beside the shipped embedders.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.face_samples import Sample, load
from bench.face_vectors import Vectors, joined, ratios, unit, vectors
from bench.fit_calibration import NEAR_FMR, TARGET_FMR, Pairs, _read, fit_section, pictures
from models.calibrate import Fit, load_calibration
from models.face.embed_dlib import DlibEmbedder
from models.face.foreign_form import foreign_calibration
from models.media.image import enlarge_small
from models.statistics import Rate, rate
from models.weights.packs import PackStore, default_cache_dir

NAME = "dlib"
GROUPS = ("asian", "black", "hispanic")
MARGIN = 0.1
"""How far outside everything measured a template may lie and still count as one of this network."""
STEPS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)

Floats = NDArray[np.float64]
console = Console(width=150)


def main() -> None:
    """Print the calibration file, or the report."""
    data, folder, landmarks = (Path(name) for name in sys.argv[1:4])
    cv2.setNumThreads(1)
    embedder = DlibEmbedder(PackStore(default_cache_dir()))
    ours = {
        part: vectors(folder, part, f"{NAME}-{embedder.sha256[:8]}", embedder.embed)
        for part in ("portraits", "pictures")
    }
    theirs = {part: _foreign(data, folder, part, landmarks) for part in ours}
    if "--report" in sys.argv:
        _report(folder, ours, theirs)
    else:
        _fit(folder, embedder.sha256, ours, theirs)


def _foreign(data: Path, folder: Path, part: str, landmarks: Path) -> NDArray[np.float64]:
    """Return the templates of a part as ``face_recognition`` makes them, one a sample; NaN if it finds no face."""
    path = folder / f"{part}-foreign.npy"
    if path.exists():
        return np.asarray(np.load(path), np.float64)
    dlib: Any = importlib.import_module("dlib")
    find, shape = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(landmarks))
    store = PackStore(default_cache_dir())
    network = dlib.face_recognition_model_v1(str(store.cache_dir / f"dlib-{store.spec('dlib').sha256[:16]}.dat"))
    samples = load(folder, part)[0]
    found = np.full((len(samples), 128), np.nan)
    read = {} if part == "portraits" else {source: pixels for _, source, _, pixels in pictures(data)}
    for number, sample in enumerate(samples):
        if sample.copy:
            continue
        pixels = read.get(sample.source)
        if pixels is None:
            pixels = _read(data / "faces" / "congress" / sample.source)
        rgb = np.ascontiguousarray(enlarge_small(pixels)[:, :, ::-1])
        faces = find(rgb, 1)
        if faces:
            largest = max(faces, key=lambda face: face.area())
            found[number] = network.compute_face_descriptor(rgb, shape(rgb, largest), 1)
    np.save(path, found)
    return found


def _pairs(folder: Path, ours: Vectors, theirs: Floats) -> tuple[Pairs, NDArray[np.bool_], NDArray[np.bool_], int]:
    """Pair each foreign template with our probes of other pictures in its domain.

    Returns:
        The pairs, which of them are of the hardest domain, which probes are degraded, and the number of people.
    """
    samples = load(folder, "pictures")[0]
    people = np.unique([sample.person for sample in samples], return_inverse=True)[1]
    sources = np.unique([sample.source for sample in samples], return_inverse=True)[1]
    domains = np.unique([sample.domain for sample in samples], return_inverse=True)[1]
    grey = np.array([sample.domain == "att" for sample in samples])
    copies = np.array([sample.copy for sample in samples])
    known = np.flatnonzero(np.isfinite(theirs[:, 0]))
    left, right = (axis.ravel() for axis in np.meshgrid(known, np.arange(len(samples)), indexing="ij"))
    kept = (sources[left] != sources[right]) & (domains[left] == domains[right])
    left, right = left[kept], right[kept]
    reference = unit(theirs[left].astype(np.float32))
    scores = np.einsum("ij,ij->i", reference, ours[right]).astype(np.float64)[:, None]
    first, second = people[left].astype(np.int64), people[right].astype(np.int64)
    return Pairs(scores, first == second, first, second), grey[left], copies[right] > 0, int(people.max()) + 1


def _strangers(ours: Vectors, theirs: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return the scores of each foreign portrait against our probes of the portraits after it, and their numbers."""
    known = np.isfinite(theirs[:, 0])
    first, second = np.triu_indices(len(ours), 1)
    first, second = first[known[first]], second[known[first]]
    reference = unit(theirs.astype(np.float32))
    return np.einsum("ij,ij->i", reference[first], ours[second]).astype(np.float64), first, second


def _fit(folder: Path, sha256: str, ours: dict[str, Vectors], theirs: dict[str, Floats]) -> None:
    pairs, grey, degraded, people = _pairs(folder, ours["pictures"], theirs["pictures"])
    strangers, _, _ = _strangers(ours["portraits"], theirs["portraits"])
    print(HEAD.format(sha256=sha256, people=people, degraded=int(degraded.sum())))
    print(f"genuine_pairs = {int(pairs.same.sum())}\nimpostor_pairs = {int((~pairs.same).sum())}")
    print(OPERATING_POINT.format(target=TARGET_FMR, near=NEAR_FMR, pairs=len(strangers)))
    print("\n" + fit_section(pairs, [0], [NAME], people, ~pairs.same & grey, strangers[:, None]))
    print("\n" + _typical(theirs))


def _typical(theirs: dict[str, Floats]) -> str:
    """Return what marks a template of this network: its length, and the direction that all of them share."""
    both = np.concatenate([values[np.isfinite(values[:, 0])] for values in theirs.values()])
    length = np.linalg.norm(both, axis=1)
    known = theirs["portraits"][np.isfinite(theirs["portraits"][:, 0])]
    mean = unit(known.astype(np.float32)).mean(0)
    alike = unit(both.astype(np.float32)) @ mean / np.linalg.norm(mean)
    low, high, least = length.min() - MARGIN, length.max() + MARGIN, alike.min() - 2 * MARGIN
    numbers = ", ".join(f"{value:.4f}" for value in mean)
    return (
        f"[typical]\ntemplates = {len(both)}\nmeasured_length = [{length.min():.3f}, {length.max():.3f}]\n"
        f"measured_least_cosine = {alike.min():.3f}\nlength = [{low:.2f}, {high:.2f}]\n"
        f"least_cosine = {least:.2f}\nmean = [{numbers}]"
    )


def _report(folder: Path, ours: dict[str, Vectors], theirs: dict[str, Floats]) -> None:
    """Print lengths, and the rates of this fit and of the shipped one on the same pairs."""
    for part, values in theirs.items():
        length = np.linalg.norm(values, axis=1)
        length = length[np.isfinite(length)]
        console.print(
            f"{part}: {len(length)} templates; length least {length.min():.3f}, "
            f"1 % {np.percentile(length, 1):.3f}, median {np.median(length):.3f}, "
            f"99 % {np.percentile(length, 99):.3f}, most {length.max():.3f}"
        )
    same = np.einsum("ij,ij->i", unit(theirs["portraits"].astype(np.float32)), ours["portraits"])
    same = same[np.isfinite(same)]
    console.print(
        f"One picture, aligned by both: cosine median {np.median(same):.3f}, 1 % {np.percentile(same, 1):.3f}"
    )
    fit = foreign_calibration().fits[0]
    shipped = load_calibration().fits[0]
    pairs, _, degraded, _ = _pairs(folder, ours["pictures"], theirs["pictures"])
    strangers, first, second = _strangers(ours["portraits"], theirs["portraits"])
    llr = _llr(pairs.scores[:, 0], fit)
    table = Table(
        "threshold",
        "FNMR, pictures as they are",
        "FNMR, degraded",
        "FMR, portraits",
        "within Asian",
        "Black",
        "Hispanic",
    )
    domains = np.array([sample.domain for sample in load(folder, "portraits")[0]])
    different = _llr(strangers, fit)
    for step in sorted({*STEPS, fit.threshold, fit.near}):
        row = [_text(different >= step)]
        row += [_text(different[(domains[first] == g) & (domains[second] == g)] >= step) for g in GROUPS]
        below = llr < step
        table.add_row(f"{step}", _text(below[pairs.same & ~degraded]), _text(below[pairs.same & degraded]), *row)
    console.print(table)
    _shipped(folder, theirs, shipped)


def _shipped(folder: Path, theirs: dict[str, Floats], fit: Fit) -> None:
    """Print the shipped embedders on the same genuine pairs and portraits."""
    store = PackStore(default_cache_dir())
    found = {
        part: joined(
            {name: vectors(folder, part, f"{name}-{store.spec(name).sha256[:8]}", _none) for name in fit.weights}, fit
        )
        for part in ("portraits", "pictures")
    }
    samples: list[Sample] = load(folder, "pictures")[0]
    llr = ratios(found["pictures"], found["pictures"], fit)
    people, sources = (np.array([getattr(one, name) for one in samples]) for name in ("person", "source"))
    clean = np.array([sample.copy == 0 for sample in samples])
    known = np.isfinite(theirs["pictures"][:, 0])
    genuine = (people[:, None] == people[None, :]) & (sources[:, None] != sources[None, :]) & (known & clean)[:, None]
    first, second = np.triu_indices(len(found["portraits"]), 1)
    different = ratios(found["portraits"], found["portraits"], fit)[first, second]
    console.print(
        f"Shipped embedders at {fit.threshold}: FNMR as they are "
        f"{_text(llr[genuine & clean[None, :]] < fit.threshold)}, "
        f"degraded {_text(llr[genuine & ~clean[None, :]] < fit.threshold)}, "
        f"FMR {_text(different >= fit.threshold)}"
    )


def _none(_faces: NDArray[np.uint8]) -> Vectors:
    raise FileNotFoundError("run bench.operating_point first: it embeds the faces with the shipped networks")


def _llr(scores: Floats, fit: Fit) -> Floats:
    return np.asarray((fit.intercept + fit.weights[NAME] * scores) / np.log(10), np.float64)


def _text(hits: NDArray[np.bool_]) -> str:
    value: Rate = rate(int(hits.sum()), len(hits))
    if value.value is None:
        return "-"
    return f"{value.events}/{value.trials}: {value.value:.3%} ({value.low:.3%}-{value.high:.3%})"


HEAD = """\
# Made by bench/foreign_templates.py; see docs/matching.md. Do not edit by hand: verdicts name this file by its hash.
format = 1

[models]
dlib = "{sha256}"

[data]
description = "Templates as face_recognition makes them (dlib's detector and landmarks) against faces that \
our detector aligned: AT&T faces (20 people, grey), CompreFace samples (3 people), 6 live videos, 2 public-domain \
portraits. The probes are also degraded by simulation. Genuine pairs never share a picture; impostor pairs are within \
one domain. Every person weighs the same, classes are balanced, so prior log-odds are 0."
intervals = "95 %, bootstrap by subject"
subjects = {people}
pairs_with_degraded_probes = {degraded}"""

OPERATING_POINT = """
[operating_point]
target_fmr = {target}
near_fmr = {near}
impostor_pairs = {pairs}
text = "The rules are those of calibration.toml: the higher of the tail's threshold (AT&T) and of the one that \
portraits of the US Congress confirm. A match of such a template never decides alone \
(docs/decisions/0035-foreign-templates.md)."\
"""

if __name__ == "__main__":
    main()

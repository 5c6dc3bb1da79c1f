"""Collect the faces of the development data once, aligned, for measurements of matching.

    python -m bench.face_samples ../shared/data FOLDER

Three files of faces and three of what is known about them are written to the folder, so that other weights and other
ways to average can be tried without another decoding:

* ``portraits``: one picture for each person, with the group that ``groups.csv`` names (public membership, no guess);
* ``pictures``: people with several pictures, each as it is and degraded twice (``bench.fit_calibration.degrade``);
* ``films``: the frames of living people that the service would compare, best first.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.fit_calibration import SEED, degrade, pictures
from models.face.align import align
from models.face.detect import Detector
from models.face.quality import QualityMeasure, Subject, assess
from models.liveness.readings import DETAIL_RATE, DETECT_EVERY, Detail, Readings, best_frames
from models.media.decoders import InProcess
from models.media.image import EVALUATION_LIMITS, Pixels, enlarge_small
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

MOST_FRAMES = 8
COPIES = 2
"""Degraded copies of each picture."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known about one face.

    Attributes:
        person: who is seen.
        source: the picture or film; copies of a picture share it.
        part: portraits, pictures or films.
        domain: camera or collection, or the public group of a portrait.
        copy: 0 as it is, else the number of the degraded copy; for films the place among the best frames.
    """

    person: str
    source: str
    part: str
    domain: str
    copy: int


Found = Iterator[tuple[Sample, Pixels]]


def load(folder: Path, part: str) -> tuple[list[Sample], NDArray[np.uint8]]:
    """Return the samples of one part and their aligned faces, uint8 [n,112,112,3]."""
    rows = json.loads((folder / f"{part}.json").read_text("utf-8"))
    with np.load(folder / f"{part}.npz") as stored:
        return [Sample(**row) for row in rows], stored["faces"]


def portraits(detector: Detector, data: Path) -> Found:
    """Yield the faces of the Congress portraits."""
    with (data / "faces" / "congress" / "groups.csv").open(encoding="utf-8") as stream:
        groups = {row["bioguide_id"]: row["group"] for row in csv.DictReader(stream)}
    for path in sorted((data / "faces" / "congress").glob("*.jpg")):
        face = _still(detector, path.read_bytes())
        if face is not None:
            yield Sample(path.stem, path.name, "portraits", groups.get(path.stem, ""), 0), face


def several_pictures(detector: Detector, data: Path) -> Found:
    """Yield the faces of the people with several pictures, with degraded copies."""
    rng = np.random.default_rng(SEED)
    for person, source, domain, pixels in pictures(data):
        for copy in range(COPIES + 1):
            picture = degrade(pixels, detector, rng) if copy else pixels
            kind, options = (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 50]) if copy else (".png", [])
            face = _still(detector, cv2.imencode(kind, picture, options)[1].tobytes())
            if face is not None:
                yield Sample(person, source, "pictures", domain, copy), face


def films(detector: Detector, data: Path) -> Found:
    """Yield the best frames of the films of living people, as the service chooses them (models.liveness.readings)."""
    with (data / "liveness" / "samples.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == "live"]
    for row in rows:
        path = data / "liveness" / row["path"]
        details: list[Detail] = []
        due = 0.0
        for frame in InProcess().film(path.read_bytes(), None):
            if frame.time_s + 1e-6 < due:
                continue
            due += DETECT_EVERY / DETAIL_RATE
            faces = detector.detect(frame.pixels)
            if faces:
                face = align(frame.pixels, faces[0].points)
                quality = assess(Subject(frame.pixels, 1, faces, face, None))
                seen = Detail(len(details), frame.time_s, faces, None, None, None, quality=quality, aligned=face)
                details.append(seen)
        for rank, best in enumerate(best_frames(Readings((), tuple(details)), MOST_FRAMES)):
            if best.aligned is not None:
                yield Sample(row["person"], row["path"], "films", row["source"], rank), best.aligned


def _still(detector: Detector, data: bytes) -> Pixels | None:
    """Return the aligned face of a picture; None if there is none, or if its quality blocks it, as in use."""
    pixels, info = InProcess().decode(data, EVALUATION_LIMITS)
    pixels = enlarge_small(pixels)
    faces = detector.detect(pixels)
    if not faces:
        return None
    face = align(pixels, faces[0].points)
    return None if _blocked(assess(Subject(pixels, info.scale, faces, face, None))) else face


def _blocked(quality: tuple[QualityMeasure, ...]) -> bool:
    return any(measure.blocking for measure in quality)


def main() -> None:
    """Collect all parts that the folder lacks."""
    data, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    detector = Detector(load_network(PackStore(default_cache_dir()), "yunet"))
    cv2.setNumThreads(1)
    for part, collect in (("portraits", portraits), ("pictures", several_pictures), ("films", films)):
        if (folder / f"{part}.json").exists():
            continue
        found = list(collect(detector, data))
        np.savez_compressed(folder / f"{part}.npz", faces=np.stack([face for _, face in found]))
        (folder / f"{part}.json").write_text(json.dumps([asdict(sample) for sample, _ in found]), "utf-8")
        print(f"{part}: {len(found)} faces of {len({sample.person for sample, _ in found})} people")


if __name__ == "__main__":
    main()

"""Make attack clips from real videos, and the samples file that ``certify evaluate liveness`` reads.

    python -m bench.make_attacks --videos FOLDER --out FOLDER --seed 1000 [--seconds 4] [--parts 2]
    python -m bench.make_attacks --samples SAMPLES.csv --out FOLDER --seed 0 --parts 1 --species print mesh

The videos are those of a folder, or one of each living person of a samples file. For each part of each video it writes
the bona fide clip itself, the same clip through another simulated camera (noise, blur, exposure), and one clip of each
species of :mod:`fixtures.attacks` and :mod:`fixtures.mesh`. Seeds from 1000 on were never used for a fit
(``bench/fit_liveness.py`` uses 0 to 999).
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from fixtures import attacks, devices, mesh
from fixtures.faces import Picture
from fixtures.videos import encode
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.media.video import VideoLimits, VideoReader
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

SIDE = 480


def main() -> None:
    """Make the clips and the samples file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    videos = parser.add_mutually_exclusive_group(required=True)
    videos.add_argument("--videos", type=Path, help="folder of live videos, *.mp4")
    videos.add_argument("--samples", type=Path, help="samples file; the first video of each living person is used")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--parts", type=int, default=2, help="clips of each video")
    parser.add_argument("--species", nargs="*", help="only these; default all")
    parser.add_argument("--every", type=int, default=1, help="take every n-th video")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    store = PackStore(default_cache_dir())
    faces, detector = FaceMesh.load(store), Detector(load_network(store, "yunet"))
    rows = []
    for person, path in track(sources_of(options.videos, options.samples)[:: options.every], "videos"):
        frames, rate = read(path)
        length = min(int(options.seconds * rate), len(frames))
        starts = [round(i * (len(frames) - length) / max(options.parts - 1, 1)) for i in range(options.parts)]
        for part, start in enumerate(starts):
            clip = frames[start : start + length]
            seed = options.seed + 10 * part + sum(path.stem.encode())
            for species, made in species_of(clip, seed, rate, faces, detector).items():
                if options.species and species not in options.species:
                    continue
                name = f"{path.stem}_{part}_{species}.mp4"
                if not (options.out / name).exists():  # a run that was interrupted goes on
                    (options.out / name).write_bytes(encode(made, codec="h264", rate=rate, quality=80))
                live = species in ("live", "camera")
                rows.append((name, "live" if live else "attack", "" if live else species, person, "drawn"))
    with (options.out / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "species", "person", "source"), *rows])
    print(f"{len(rows)} clips in {options.out}")


def sources_of(folder: Path | None, samples: Path | None) -> list[tuple[str, Path]]:
    """Return the person and the path of each video that attacks are made from."""
    if folder is not None:
        return [(f"{folder.name}-{path.stem}", path) for path in sorted(folder.glob("*.mp4"))]
    found: dict[str, Path] = {}
    if samples is not None:
        with samples.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if row["label"] == "live":
                    found.setdefault(row["person"], samples.parent / row["path"])
    return sorted(found.items())


def read(path: Path) -> tuple[list[Picture], float]:
    """Return all frames of a video at 480 pixels, and its rate."""
    reader = VideoReader(path.read_bytes(), VideoLimits(max_seconds=60, max_side_out=SIDE))
    # Coders want even sides.
    frames = [frame.pixels[: frame.pixels.shape[0] // 2 * 2, : frame.pixels.shape[1] // 2 * 2] for frame in reader]
    return frames, round(reader.info.mean_rate)


def species_of(
    clip: Sequence[Picture], seed: int, rate: float, faces: FaceMesh, detector: Detector
) -> dict[str, Iterable[Picture]]:
    """Return the bona fide clip and one clip of each species made from it."""
    first = clip[0]
    size = (first.shape[0], first.shape[1])
    seconds = len(clip) / rate
    camera = attacks.Camera(np.random.default_rng(seed))
    found = faces.tracker().step(first, detector.detect(first))
    made: dict[str, Iterable[Picture]] = {
        "live": clip,
        "camera": (camera.take(frame, index / rate) for index, frame in enumerate(clip)),
        "print": attacks.print_attack(first, seed=seed + 1, seconds=seconds, rate=rate, size=size),
        "replay": attacks.replay_attack(clip, seed=seed + 2, rate=rate, size=size),
        "device": devices.device_attack(clip, seed=seed + 6, rate=rate, size=(640, 480)),
        "injected": attacks.injected_attack(clip, seed=seed + 3),
    }
    if found is not None:
        motion = swaying(seed + 4)
        made["mesh"] = mesh.mesh_attack(first, found.points, motion, seed=seed + 5, seconds=seconds, rate=rate)
    return made


def swaying(seed: int) -> mesh.Motion:
    """Return a motion without prompts: turns, nods, blinks, smiles and speech."""
    phase = np.random.default_rng(seed).uniform(0, math.tau, 4)

    def motion(time_s: float) -> mesh.Face:
        return mesh.Face(
            yaw=14 * math.sin(1.5 * time_s + phase[0]),
            pitch=6 * math.sin(1.1 * time_s + phase[1]),
            blink=1.0 if (time_s + phase[2]) % 2.5 < 0.18 else 0.0,
            smile=max(0.0, math.sin(0.8 * time_s + phase[3])),
            jaw=0.6 * max(0.0, math.sin(2.2 * time_s + phase[2])),
        )

    return motion


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()

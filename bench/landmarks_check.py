"""Compare our landmarker with MediaPipe's own, and measure its cost.

    python -m bench.landmarks_check /tmp/mediapipe.npz ../shared/data/motion

``bench/landmarks_reference.py`` makes the first file. The command prints three tables of docs/models.md. The first has
MediaPipe's smoothing applied to our landmarks; it shows that the networks, the regions of interest and the pose are the
same. The second has the landmarks without smoothing, as we use them; it shows the effect of the smoothing. The third
has milliseconds on one thread at 640 x 480.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fixtures.faces import portraits
from models.face.blendshapes import INDEX, NAMES
from models.face.detect import Detector
from models.face.head_pose import pose_of
from models.face.landmarks import FaceMesh, MeshReading, region_of
from models.media.image import Pixels
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

WATCHED = ("eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "jawOpen")

Numbers = NDArray[np.float64]


class OneEuro:
    """MediaPipe's smoothing of landmarks in video mode (Casiez et al., "1 euro filter", 2012), for comparison only.

    The parameters are those of its landmark graph: smallest cut-off 0.05, slope 80, cut-off of the speed 1.0, speeds in
    face sizes.
    """

    def __init__(self) -> None:
        self.last: Numbers | None = None

    def __call__(self, points: NDArray[np.float32], milliseconds: float) -> NDArray[np.float32]:
        """Smooth one frame's [478,3] landmarks."""
        value = points.astype(np.float64)
        if self.last is None:
            self.raw = self.last = value
            self.speed: Numbers = np.zeros_like(value)
            self.time = milliseconds
            return points
        # MediaPipe's filter treats the first timestamp, 0, as missing and assumes 30 frames per second.
        rate = 1000 / (milliseconds - self.time) if self.time > 0 else 30.0
        size = np.ptp(points[:, :2].astype(np.float64), axis=0).mean()
        speed = (value - self.raw) / size * rate
        self.speed += _alpha(1.0, rate) * (speed - self.speed)
        self.last = self.last + _alpha(0.05 + 80 * np.abs(self.speed), rate) * (value - self.last)
        self.raw, self.time = value, milliseconds
        return self.last.astype(np.float32)


def _alpha(cutoff: Any, rate: float) -> Any:
    return 1 / (1 + rate / (2 * np.pi * cutoff))


def main(reference: Path, folder: Path) -> None:
    """Print the tables."""
    cv2.setNumThreads(1)
    store = PackStore(default_cache_dir())
    mesh, detector = FaceMesh.load(store), Detector(load_network(store, "yunet"))
    theirs = np.load(reference)
    assert tuple(theirs["names"]) == NAMES
    clips = {path.stem: path for path in sorted(folder.glob("*.mp4"), key=lambda path: int(path.stem[1:]))}
    raw: dict[str, list[MeshReading]] = {}
    smoothed: dict[str, list[MeshReading]] = {}
    for name, path in clips.items():
        raw[name], smoothed[name] = follow(mesh, detector, path, theirs[f"{name}_times"])
    for title, ours in (("with MediaPipe's smoothing", smoothed), ("as we use them: not smoothed", raw)):
        print(f"\n{title} (median / 95th percentile)\n")
        print("| clip | landmarks, % of eye distance | yaw | pitch | roll | " + " | ".join(WATCHED) + " |")
        print("|---" * (5 + len(WATCHED)) + "|")
        for name, readings in ours.items():
            print(agreement(name, readings, theirs))
    print("\n| clip | blinks, ours / MediaPipe | yaw, ours / MediaPipe | pitch, ours / MediaPipe |\n|---|---|---|---|")
    for name, readings in raw.items():
        print(behaviour(name, readings, theirs))
    speed(mesh, detector)


def follow(
    mesh: FaceMesh, detector: Detector, path: Path, times: NDArray[np.float32]
) -> tuple[list[MeshReading], list[MeshReading]]:
    """Return our readings of a clip, without and with smoothed landmarks."""
    video, tracker, smooth = cv2.VideoCapture(str(path)), mesh.tracker(), OneEuro()
    raw, smoothed = [], []
    for milliseconds in times:
        more, frame = video.read()
        assert more
        pixels = frame.astype(np.uint8, copy=False)
        reading = tracker.step(pixels, detector.detect(pixels) if tracker.lost else None)
        assert reading is not None, "the comparison needs clips that show a face in every frame"
        raw.append(reading)
        points = smooth(reading.points, float(milliseconds))
        smoothed.append(mesh.read(pixels, points, reading.presence, tracked=reading.tracked))
    return raw, smoothed


def agreement(name: str, readings: list[MeshReading], theirs: Any) -> str:
    """Return one row of the table of differences."""
    points = np.stack([reading.points for reading in readings])
    distance = np.hypot(*np.moveaxis(points[..., :2] - theirs[f"{name}_points"][..., :2], -1, 0)).mean(1)
    cells = [_spread(100 * distance / np.array([reading.inter_eye for reading in readings]))]
    cells += [_spread(np.abs(a - b), "°") for a, b in zip(angles(readings), their_angles(name, theirs), strict=True)]
    for shape in WATCHED:
        a, b = np.array([reading.shape(shape) for reading in readings]), theirs[f"{name}_blendshapes"][:, INDEX[shape]]
        cells.append(f"{_spread(np.abs(a - b))}, r {np.corrcoef(a, b)[0, 1]:.3f}")
    return " | ".join([f"| {name}", *cells]) + " |"


def behaviour(name: str, readings: list[MeshReading], theirs: Any) -> str:
    """Return one row of the table of blinks and ranges."""
    ours = np.stack([reading.blendshapes for reading in readings])
    cells = [f"{blinks(ours)} / {blinks(theirs[f'{name}_blendshapes'])}"]
    for a, b in list(zip(angles(readings), their_angles(name, theirs), strict=True))[:2]:
        cells.append(f"{a.min():.0f}..{a.max():.0f} / {b.min():.0f}..{b.max():.0f}")
    return " | ".join([f"| {name}", *cells]) + " |"


def blinks(shapes: NDArray[np.float32]) -> int:
    """Count how often an eye closed beyond 0.5 before both were below 0.3 again, in [frames,52] blendshapes."""
    count, closed = 0, False
    for value in shapes[:, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]].max(1):
        if not closed and value > 0.5:
            count, closed = count + 1, True
        elif closed and value < 0.3:
            closed = False
    return count


def angles(readings: list[MeshReading]) -> Numbers:
    """Return yaw, pitch and roll, [3,frames]."""
    return np.array([[reading.pose.yaw, reading.pose.pitch, reading.pose.roll] for reading in readings]).T


def their_angles(name: str, theirs: Any) -> Numbers:
    """Return yaw, pitch and roll of MediaPipe's transformation matrices, [3,frames]."""
    poses = [pose_of(matrix) for matrix in theirs[f"{name}_matrices"]]
    return np.array([[pose.yaw, pose.pitch, pose.roll] for pose in poses]).T


def speed(mesh: FaceMesh, detector: Detector) -> None:
    """Print the time of a frame."""
    portrait = portraits()["eileen_collins"][:, :, ::-1]
    pixels: Pixels = np.ascontiguousarray(cv2.resize(portrait, (640, 640))[:480]).astype(np.uint8, copy=False)
    faces = detector.detect(pixels)
    tracker = mesh.tracker()
    reading = tracker.step(pixels, faces)
    assert reading is not None
    region, points = region_of(reading.points), reading.points
    print(f"\n640 x 480, eyes {reading.inter_eye:.0f} px apart, one thread, median of 200:\n")
    _time("crop and landmarks", lambda: mesh.landmarks_in(pixels, region))
    _time("blendshapes, pose, measures", lambda: mesh.read(pixels, points, 1.0, tracked=True))
    _time("step (all of it)", lambda: tracker.step(pixels))
    _time("first step of a track", lambda: mesh.tracker().step(pixels, faces))


def _time(name: str, call: Callable[[], object]) -> None:
    taken = []
    for _ in range(210):
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1e3)
    print(f"  {name:28} {np.median(taken[10:]):6.2f} ms, 95 % below {np.percentile(taken[10:], 95):6.2f} ms")


def _spread(values: NDArray[np.floating], unit: str = "") -> str:
    decimals = 2 if unit or values.max() > 0.99 else 3
    return f"{np.median(values):.{decimals}f}{unit} / {np.percentile(values, 95):.{decimals}f}{unit}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

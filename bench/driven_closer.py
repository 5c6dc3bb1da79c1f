"""Judge films that come closer: people drawn again with true perspective, and attacks that a program enlarges.

The far frames are the first two seconds of a film, and the near ones two seconds from 1.2 s later on, as in a plan that
asks the person to come closer and stay there; so expression and pose change between them as they do. Near frames of a
person are drawn by the mesh: each point is projected again from its own depth, as a camera at the smaller distance sees
it. The sides of head and nose that come into view are not drawn, and the depths are those that the landmark network
guesses.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.driven_light import RATE, Clip
from fixtures.attacks import as_picture
from fixtures.faces import Picture
from fixtures.mesh import MeshPuppet
from models.face.detect import Detector
from models.face.landmarks import FaceMesh, MeshReading
from models.liveness.checks import CheckResult
from models.liveness.perspective import check_perspective
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.liveness.readings import Detail, Glance, Readings

PLAN = Plan(Profile.GENTLE, (Step(Prompt.COME_CLOSER, 2.0, 7.0, 5.0),), (), 8.0, approach=1.4)
_FRAMES = 20
_LATER_S = 1.2
_SHORTEST_S = 5.3
"""Shortest film that six colours fit into."""


def judged_closer(
    clip: Clip, faces: FaceMesh, detector: Detector, *, growth: float, distance: float | None, seed: int
) -> CheckResult | None:
    """Let a film come closer and judge it.

    Args:
        clip: the film.
        faces: finds landmarks.
        detector: finds faces.
        growth: how much larger the near face is.
        distance: first distance of camera and face in eye distances (6.3 cm); None for a picture that is enlarged.
        seed: seed of the camera's noise.

    Returns:
        The check; None if there are too few frames with a face.
    """
    random = np.random.default_rng(seed)
    later = int(_LATER_S * RATE) + _FRAMES
    pairs = list(zip(clip.frames, clip.meshes, strict=True))
    far, near = pairs[:_FRAMES], pairs[later : later + _FRAMES]
    if len(near) < _FRAMES:
        return None
    details = []
    for index, (frame, mesh) in enumerate([*far, *near]):
        if mesh is None:
            continue
        seen = _cropped(frame, mesh)
        if index >= _FRAMES:
            seen = _closer(*seen, growth, distance)
        found = _landmarks(seen[0], faces, detector, random)
        if found is not None:
            time_s = index / RATE if index < _FRAMES else index / RATE + _LATER_S
            details.append(Detail(index, time_s, None, found, None, None))
    thumb = np.zeros((64, 64), np.float32)
    glances = tuple(Glance(detail.time_s, thumb, 1.0) for detail in details)
    return check_perspective(Readings(glances, tuple(details)), PLAN)


_SIDE = 480


def _cropped(frame: Picture, mesh: MeshReading) -> tuple[Picture, NDArray[np.float32]]:
    """Cut out a square around the face, twice as wide as it, as if the camera looked at it."""
    left, top, width, height = mesh.box
    scale = _SIDE / (2.0 * max(width, height))
    shift = _SIDE / 2 - scale * np.array([left + width / 2, top + height / 2])
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    picture = cv2.warpAffine(frame, matrix, (_SIDE, _SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    points = mesh.points * np.float32(scale)
    points[:, :2] += shift.astype(np.float32)
    return np.asarray(picture, np.uint8), points


def _closer(
    picture: Picture, points: NDArray[np.float32], growth: float, distance: float | None
) -> tuple[Picture, NDArray[np.float32]]:
    if distance is None:
        middle = _SIDE / 2 * (1 - growth)
        matrix = np.array([[growth, 0, middle], [0, growth, middle]])
        return np.asarray(cv2.warpAffine(picture, matrix, (_SIDE, _SIDE)), np.uint8), points
    return MeshPuppet(picture, points).nearer(growth, distance), points


def _landmarks(
    picture: Picture, faces: FaceMesh, detector: Detector, random: np.random.Generator
) -> MeshReading | None:
    noisy = as_picture(picture + random.normal(0, 1.5, picture.shape))
    coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    seen = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return faces.tracker().step(seen, detector.detect(seen))


def clips(frames: list[Picture], rate: float, faces: FaceMesh, detector: Detector) -> Iterator[Clip]:
    """Return the film at the rate and size of a live capture; nothing if the face is not followed throughout."""
    picked = [
        frames[min(round(index * rate / RATE), len(frames) - 1)] for index in range(int(len(frames) / rate * RATE))
    ]
    if not picked:
        return
    height, width = picked[0].shape[:2]
    scale = min(1.0, 416 / max(height, width))
    size = int(width * scale) // 2 * 2, int(height * scale) // 2 * 2
    small = tuple(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in picked)
    tracker = faces.tracker()
    meshes = tuple(tracker.step(frame, detector.detect(frame) if tracker.lost else None) for frame in small)
    if len(small) >= _SHORTEST_S * RATE and sum(mesh is not None for mesh in meshes) >= 0.9 * len(small):
        yield Clip(small, meshes)

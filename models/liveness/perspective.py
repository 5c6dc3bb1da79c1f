"""Check that a face that came closer changed as a solid body does: what is near grows more than what is far.

At 40 cm the nose is a quarter nearer to the lens than the ears. When the phone comes closer, the middle of the face
grows more than its outline. A picture or a screen that is brought closer, and a face that a program enlarges, keep
their proportions.

The landmarks of the near frames are compared with those of the far ones of the same person, so that the shape of the
face cancels. With depths ``z`` in eye distances, nearer is smaller, a pinhole camera sees ``x (1 - p z)``, where ``p``
is the change of one over the distance. A least-squares fit finds ``p`` beside what is no perspective: shift, scale,
turn in the picture, small turns of the head, and a stretch in height. A body that grew by the factor ``k`` at first
distance ``d`` has ``p = (k - 1) / d``. So ``p / (k - 1)`` is one over the distance, and 0 for a flat picture.

The landmarks are those of a network that prefers usual faces: it shows about half of the change (docs/liveness.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.face.landmarks import MeshReading
from models.liveness.checks import CheckResult, not_assessed, passed
from models.liveness.plan import Plan, Prompt
from models.liveness.prompts import APPROACH_TOLERANCE
from models.liveness.readings import Detail, Readings

NAME = "perspective"

FLAT = 0.02
"""Nearness, in one over eye distances, below which a face grew like a picture. Seen of a head at 44 cm (7 eye
distances): 0.08 on average; of pictures: 0 with a standard deviation of 0.02, grown by 1.5 (bench/live_driven.py)."""
SOLID = 0.05
"""Nearness from which a face grew like a solid body."""
_FAR_S = 2.0
"""Seconds before the prompt from which the far frames are taken."""
_MOST = 10
_FEWEST = 3
_LEVEL = (25.0, 35.0)
"""Largest yaw and pitch of the frames: beyond, the outline of the mesh is guessed. A phone that is held low or beside
the face sees 20 degrees; with 15 and 20 as limits, 8 of 45 simulated approaches of calm people were not judged, with
these 3, and pictures that are enlarged pass as seldom (bench/live_driven.py)."""
_ALIKE = 8.0
"""Largest difference of yaw and of pitch between far and near, in degrees."""
_NEARLY = 0.93
"""Near frames have at least this share of the largest size."""
_EYES = ((33, 133), (362, 263))
_UNDER_NOSE = 2
_SURFACE = 468


def check_perspective(readings: Readings, plan: Plan | None) -> CheckResult:
    """Judge the growth of a face that was asked to come closer. It never fails a capture: a doubt asks again."""
    steps = [step for step in plan.steps if step.prompt is Prompt.COME_CLOSER] if plan is not None else []
    if plan is None or not steps or plan.approach is None:
        return not_assessed(NAME, "not_asked")
    step = steps[0]
    level = [d for d in readings.followed if d.mesh is not None and _is_level(d.mesh)]
    far = _meshes([d for d in level if step.from_s - _FAR_S <= d.time_s <= step.from_s + 0.2])
    near = _meshes([d for d in level if step.from_s + 0.2 < d.time_s <= step.to_s])
    largest = max((_eye_distance(mesh.points) for mesh in near), default=0.0)
    near = [mesh for mesh in near if _eye_distance(mesh.points) >= _NEARLY * largest]
    if len(far) < _FEWEST or len(near) < _FEWEST:
        return not_assessed(NAME, "closer_not_seen", far=len(far), near=len(near))
    far, near = _alike(far, near)
    first, second = (np.median([mesh.points for mesh in meshes], 0) for meshes in (far, near))
    growth = _eye_distance(second) / _eye_distance(first)
    turned = float(np.abs(np.median(_poses(near), 0) - np.median(_poses(far), 0)).max())
    values: dict[str, float | int | None] = {"growth": growth, "turned": turned, "far": len(far), "near": len(near)}
    if growth < plan.approach - APPROACH_TOLERANCE:
        return not_assessed(NAME, "small_approach", **values)
    if turned > _ALIKE:
        return not_assessed(NAME, "closer_not_seen", **values)
    nearness = change_of_nearness(first, second) / (growth - 1)
    values["nearness"] = nearness
    if nearness < FLAT:
        return not_assessed(NAME, "flat_approach", **values)
    return passed(NAME, **values) if nearness >= SOLID else not_assessed(NAME, "unclear_perspective", **values)


def change_of_nearness(far: NDArray[np.float32], near: NDArray[np.float32]) -> float:
    """Return the change of one over the distance between two views of one face, in one over eye distances.

    Args:
        far: float32 [478,3], landmarks of the farther view.
        near: likewise, of the nearer one; its depths are not read.
    """
    chosen = _still_part(far)
    solid = far[chosen].astype(np.float64)
    solid = (solid - solid.mean(0)) / _eye_distance(far)
    seen = near[chosen, :2].astype(np.float64)
    seen = (seen - seen.mean(0)) / _eye_distance(near)
    x, y, z = solid.T
    one, none = np.ones_like(x), np.zeros_like(x)
    # Columns: shift, scale and turn in the picture, turns of the head, stretch in height, perspective.
    across = np.stack([one, none, x, -y, z, none, none, -x * z], 1)
    down = np.stack([none, one, y, x, none, z, y, -y * z], 1)
    found = np.linalg.lstsq(np.vstack([across, down]), np.concatenate([seen[:, 0], seen[:, 1]]), rcond=None)[0]
    return float(found[-1])


def _still_part(points: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the landmarks above the lower edge of the nose: mouth and jaw move when a person speaks."""
    along = points[_EYES[1][1], :2] - points[_EYES[0][0], :2]
    down = np.array([-along[1], along[0]]) / max(float(np.linalg.norm(along)), 1e-6)
    return np.flatnonzero((points[:_SURFACE, :2] - points[_UNDER_NOSE, :2]) @ down < 0)


def _meshes(details: Sequence[Detail]) -> list[MeshReading]:
    return [detail.mesh for detail in details if detail.mesh is not None]


def _alike(far: Sequence[MeshReading], near: Sequence[MeshReading]) -> tuple[list[MeshReading], list[MeshReading]]:
    """Return the frames in which far and near faces look the same way: nearest to the pose that both come near to.

    A person who speaks or looks about is compared where the head is held alike, not at the first frames that come.
    """
    poses = _poses([*far, *near])
    distances = np.abs(poses[:, None] - poses[None]).max(2)
    parts = distances[: len(far)], distances[len(far) :]
    # For each pose: how far away the frames lie on the side that has fewer near it.
    reach = np.maximum(*(np.sort(part, 0)[_FEWEST - 1] for part in parts))
    shared = int(reach.argmin())
    within = max(float(reach[shared]), _ALIKE / 2)
    chosen = []
    for meshes, part in zip((far, near), parts, strict=True):
        order = np.argsort(part[:, shared], kind="stable")[:_MOST]
        chosen.append([meshes[index] for index in order if part[index, shared] <= within])
    return chosen[0], chosen[1]


def _poses(meshes: Sequence[MeshReading]) -> NDArray[np.float64]:
    return np.array([(mesh.pose.yaw, mesh.pose.pitch) for mesh in meshes], np.float64)


def _is_level(mesh: MeshReading) -> bool:
    return abs(mesh.pose.yaw) <= _LEVEL[0] and abs(mesh.pose.pitch) <= _LEVEL[1]


def _eye_distance(points: NDArray[np.float32]) -> float:
    left, right = (points[list(eye), :2].mean(0) for eye in _EYES)
    return max(float(np.linalg.norm(left - right)), 1e-6)

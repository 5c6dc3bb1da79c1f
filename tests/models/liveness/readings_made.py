"""Synthetic readings for tests: a face that moves as a function of time says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from models.face.blendshapes import INDEX, NAMES
from models.face.head_pose import HeadPose
from models.face.landmarks import MeshReading
from models.liveness.readings import Detail, Glance, Readings
from models.liveness.regions import FRONT, PARTS, SIDES

Script = Callable[[float], Mapping[str, float]]


_FRONT = [point for name in FRONT for point in PARTS[name]]
_SIDES = [point for name in SIDES for point in PARTS[name]]
"""Landmarks of the parts that face the camera, and of those that face to the side."""


def made(
    script: Script, *, seconds: float, rate: float = 10.0, skin: Callable[[float], object] | None = None
) -> Readings:
    """Make the readings of a script: ``yaw`` and ``pitch`` in degrees, ``size`` relative, blendshapes by name."""
    details, glances = [], []
    random = np.random.default_rng(0)
    for index in range(round(seconds * rate)):
        time_s = index / rate
        values = dict(script(time_s))
        side = 200.0 * values.pop("size", 1.0)
        pose = HeadPose(values.pop("yaw", 0.0), values.pop("pitch", 0.0), 0.0, np.eye(4))
        shapes = np.zeros(len(NAMES), np.float32)
        for name, value in values.items():
            shapes[INDEX[name]] = value
        points = random.normal(0, 1, (478, 3)).astype(np.float32)
        points[_FRONT, 2] *= 0.05
        points[_SIDES, 0] *= 0.05
        mesh = MeshReading(points, 1.0, shapes, pose, side / 2.5, (100.0, 100.0, side, side), tracked=True)
        colour = None if skin is None else np.asarray(skin(time_s), np.float64)
        details.append(Detail(index, time_s, None, mesh, np.zeros((128, 128), np.uint8), colour))
        glances.append(Glance(time_s, random.uniform(0, 255, (64, 64)).astype(np.float32), 1.0))
    return Readings(tuple(glances), tuple(details))

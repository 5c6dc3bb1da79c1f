"""Measure how the head is turned, by fitting the canonical face of the task file to the landmarks.

The method is MediaPipe's (face_geometry/libs/geometry_pipeline.cc, Apache-2.0, rewritten). It assumes a camera with a
vertical field of view of 63 degrees. It moves the landmarks, whose depth is only relative, into the camera's space,
with a scale found in two rounds. The pose is the similarity transform that fits the canonical face to them, on 33
weighted points that no expression moves.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelCorrupt

MESH_POINTS = 468
"""Vertices of the canonical face; the landmarks after them are the irises."""

FIELD_OF_VIEW = 63.0
"""Vertical, in degrees: MediaPipe's default camera. Phones held upright have 60-70, so angles are right to a degree."""

_VERTEX_FLOATS = 5  # x, y, z and two texture coordinates
_FLIP_Z = np.array([1.0, 1.0, -1.0])


@dataclass(frozen=True, slots=True)
class HeadPose:
    """The turn of a head, relative to a face parallel to the picture. Signs as in :mod:`models.face.quality`.

    The pose assumes that the picture is not cropped, so that its middle is the camera's axis. In a cropped picture, or
    far from the middle, a head that looks into the lens seems turned by some degrees. Compare poses within one video.

    Attributes:
        yaw: degrees, positive when the nose points to the right side of the picture.
        pitch: degrees, positive when the face looks up.
        roll: degrees, positive when the head is tilted clockwise in the picture.
        matrix: float64 [4,4], canonical face to camera space in centimetres (x right, y up, z towards the viewer):
            MediaPipe's facial transformation matrix.
    """

    yaw: float
    pitch: float
    roll: float
    matrix: NDArray[np.float64]


class CanonicalFace:
    """The canonical face and the weights of the points that show the pose.

    Args:
        data: ``geometry_pipeline_metadata_landmarks.binarypb`` of the task file: a protobuf message with the mesh in
            field 1 (vertices in its field 3, five floats each) and the weighted points in fields 2 (index in field 1,
            weight in field 2).

    Raises:
        ModelCorrupt: the data breaks that format (``model_corrupt``).
    """

    __slots__ = ("_centred", "_indices", "_mean", "_variance", "_weights", "vertices")

    def __init__(self, data: bytes) -> None:
        try:
            mesh, basis = _messages(data)
            floats = b"".join(value for number, value in _fields(mesh) if number == 3 and isinstance(value, bytes))
            self.vertices = np.frombuffer(floats, "<f4").reshape(MESH_POINTS, _VERTEX_FLOATS)[:, :3].astype(np.float64)
            indices = np.array([entry[1] for entry in basis], np.intp)
            weights = np.array([_float(entry[2]) for entry in basis])
            chosen = self.vertices[indices]
        except (KeyError, IndexError, ValueError, TypeError, struct.error) as error:
            raise ModelCorrupt(f"The canonical face of the landmarker cannot be read: {error}") from error
        if len(indices) < 4 or not (weights > 0).all():
            raise ModelCorrupt("The canonical face of the landmarker has no usable weights")
        self._indices = indices
        self._weights = weights / weights.sum()
        self._mean = self._weights @ chosen
        self._centred = chosen - self._mean
        self._variance = float(self._weights @ (self._centred**2).sum(1))

    def pose(self, points: NDArray[np.float32], width: int, height: int) -> HeadPose:
        """Compute the pose of a head.

        Args:
            points: float32 [478,3] in pixels of the picture, z in the same scale, smaller is nearer.
            width: of the picture in pixels.
            height: of the picture in pixels.
        """
        # Pixels to the camera's image plane at distance 1, y up.
        pixel = 2 * math.tan(math.radians(FIELD_OF_VIEW / 2)) / height
        plane = (points[self._indices].astype(np.float64) - [width / 2, height / 2, 0]) * [pixel, -pixel, pixel]
        plane[:, 2] -= float(points[:MESH_POINTS, 2].mean()) * pixel
        # First round: the depth cannot be used for the perspective before the scale is known.
        scale = self._scale(plane * _FLIP_Z)
        scale *= self._scale(_unprojected(plane, scale))
        return pose_of(self._fitted_to(_unprojected(plane, scale)))

    def _scale(self, target: NDArray[np.float64]) -> float:
        _, scale, _ = self._fit(target)
        return scale

    def _fitted_to(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        rotation, scale, mean = self._fit(target)
        matrix = np.eye(4)
        matrix[:3, :3] = scale * rotation
        matrix[:3, 3] = mean - scale * rotation @ self._mean
        return matrix

    def _fit(self, target: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
        """Fit the canonical points to [n,3] targets, weighted least squares: rotation, scale and the targets' mean."""
        mean = self._weights @ target
        u, singular, vt = np.linalg.svd((target - mean).T @ (self._weights[:, None] * self._centred))
        sign = np.array([1.0, 1.0, math.copysign(1.0, np.linalg.det(u) * np.linalg.det(vt))])
        return (u * sign) @ vt, float(singular @ sign) / self._variance, mean


def _unprojected(plane: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Move image-plane points to camera space, in centimetres, right-handed."""
    depth = (plane[:, 2] + 1) / scale
    return np.column_stack([plane[:, 0] * depth, plane[:, 1] * depth, -depth])


def pose_of(matrix: NDArray[np.float64]) -> HeadPose:
    """Return the pose of a transformation matrix [4,4]: R = Ry(yaw) Rx(-pitch) Rz(-roll); column 3 is the nose."""
    rotation = matrix[:3, :3] / np.linalg.norm(matrix[:3, 0])
    yaw = math.atan2(rotation[0, 2], rotation[2, 2])
    pitch = math.asin(min(max(float(rotation[1, 2]), -1.0), 1.0))
    roll = -math.atan2(rotation[1, 0], rotation[1, 1])
    return HeadPose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll), matrix)


def _messages(data: bytes) -> tuple[bytes, list[dict[int, int | bytes]]]:
    """Return the mesh (bytes of its message) and the weighted points."""
    parts = [(number, value) for number, value in _fields(data) if isinstance(value, bytes)]
    meshes = [value for number, value in parts if number == 1]
    if len(meshes) != 1:
        raise ValueError(f"{len(meshes)} meshes")
    return meshes[0], [dict(_fields(value)) for number, value in parts if number == 2]


def _float(value: int | bytes) -> float:
    if isinstance(value, int):
        raise TypeError("a weight is not a float")
    return float(struct.unpack("<f", value)[0])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protobuf message: number, and an int (varint) or bytes (fixed-size, length-delimited)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(data):
            raise ValueError("truncated field")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("endless number")

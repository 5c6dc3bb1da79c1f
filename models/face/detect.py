"""Find faces with YuNet: boxes, five landmarks, scores.

The decoding of the network's outputs follows OpenCV's ``FaceDetectorYN`` (modules/objdetect/src/face_detect.cpp,
Apache-2.0): for each cell of strides 8, 16 and 32 a class score, an object score, a box
and five points.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.media.image import Pixels, halve
from models.weights.runtime import Network, Tensor

STRIDES = (8, 16, 32)

# Score: OpenCV's value for demos that must not miss a face. NMS overlap: OpenCV's default.
MIN_SCORE = 0.6
NMS_IOU = 0.3
# Long side of the picture in the first run of the network. A face of a selfie is then 60-200 px, in the middle of
# YuNet's range (10-300 px), and a run costs 2.6 ms. The second run at 640 (12 ms) is for small faces.
FIRST_SIDE = 320
SECOND_SIDE = 640
# If no face reaches this score in the first run, a second run follows. Real frontal faces score 0.85-0.95.
CONFIDENT = 0.8
# Landmarks are uncertain by about a pixel. If the eyes are closer than this many pixels, the face is run again alone.
COARSE_BELOW = 16.0


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in a picture. All coordinates are in pixels of that picture.

    Attributes:
        box: left, top, width, height; may reach over the border of the picture.
        points: float32 [5,2]: the eye on the left side of the picture, the other eye, nose tip, mouth corners in the
            same order.
        score: 0-1, geometric mean of the class and object scores.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]
    score: float

    @property
    def inter_eye(self) -> float:
        """Return the distance between the eye centres in pixels."""
        return float(np.hypot(*(self.points[1] - self.points[0])))

    def scaled(self, factor: float) -> Face:
        """Return the face in a picture that is so many times as large."""
        left, top, width, height = self.box
        box = (left * factor, top * factor, width * factor, height * factor)
        return Face(box, (self.points * np.float32(factor)).astype(np.float32), self.score)


class Detector:
    """Finds faces; thread-safe.

    Args:
        network: the loaded YuNet.
    """

    __slots__ = ("_order", "network")

    def __init__(self, network: Network) -> None:
        self.network = network
        self._order = {name: index for index, name in enumerate(network.outputs)}

    def detect(self, pixels: Pixels) -> tuple[Face, ...]:
        """Find the faces of a picture, the one with the largest box first.

        If the first run of the network is not confident, a second one follows at a larger size.
        """
        faces = self.detect_at(pixels, FIRST_SIDE)
        side = FIRST_SIDE
        if max(pixels.shape[:2]) > FIRST_SIDE and not any(face.score >= CONFIDENT for face in faces):
            faces, side = self.detect_at(pixels, SECOND_SIDE) or faces, SECOND_SIDE
        if faces and faces[0].inter_eye * side / max(pixels.shape[:2]) < COARSE_BELOW:
            faces = (self.refine(pixels, faces[0]), *faces[1:])
        return faces

    def refine(self, pixels: Pixels, face: Face) -> Face:
        """Detect one small face again in its surroundings alone, to place its landmarks more exactly.

        Args:
            pixels: the whole picture, BGR.
            face: the face as it was found in the whole picture.

        Returns:
            The face with better landmarks, in pixels of the whole picture; the given face if it is not found again.
        """
        left, top, width, height = face.box
        reach = max(width, height)
        middle_x, middle_y = left + width / 2, top + height / 2
        x, y = max(int(middle_x - reach), 0), max(int(middle_y - reach), 0)
        part = pixels[y : max(int(middle_y + reach), y + 1), x : max(int(middle_x + reach), x + 1)]
        if not part.size:
            return face
        shift = np.array([x, y], np.float32)
        nearby = [
            Face((near.box[0] + x, near.box[1] + y, near.box[2], near.box[3]), near.points + shift, near.score)
            for near in self.detect_at(part, FIRST_SIDE)
        ]
        # The same face, not a neighbour's: all landmarks within half an eye distance of where they were.
        same = [near for near in nearby if np.abs(near.points - face.points).max() < 0.5 * face.inter_eye]
        return max(same, key=lambda near: near.score, default=face)

    def detect_at(self, pixels: Pixels, side: int) -> tuple[Face, ...]:
        """Run the network once on the picture, scaled so that its long side is ``side`` pixels."""
        small, block = halve(pixels, max(pixels.shape[:2]) // side)
        height, width = small.shape[0] * block, small.shape[1] * block
        ratio = side / max(height, width)
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        small = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        # Strides go up to 32, so both sides must be multiples of it. Like OpenCV, pad black at the right and bottom.
        canvas = np.zeros((-(-size[1] // 32) * 32, -(-size[0] // 32) * 32, 3), np.uint8)
        canvas[: size[1], : size[0]] = small
        tensor = canvas.transpose(2, 0, 1)[None].astype(np.float32)
        rows = self._decode(self.network.run(tensor), canvas.shape[1])
        scale = np.array([width / size[0], height / size[1]], np.float32)
        faces = [Face(_box(row, scale), row[4:14].reshape(5, 2) * scale, float(row[14])) for row in rows]
        return tuple(sorted(faces, key=lambda face: -face.box[2] * face.box[3]))

    def _decode(self, outputs: list[Tensor], width: int) -> NDArray[np.float32]:
        """Return rows without duplicates: left, top, width, height, ten point coordinates, score."""
        rows = []
        for stride in STRIDES:
            kinds = ("cls", "obj", "bbox", "kps")
            cls, obj, bbox, kps = (outputs[self._order[f"{kind}_{stride}"]][0] for kind in kinds)
            score = np.sqrt(cls[:, 0].clip(0, 1) * obj[:, 0].clip(0, 1))
            chosen = np.flatnonzero(score >= MIN_SCORE)
            columns = width // stride
            cells = np.stack([chosen % columns, chosen // columns], axis=1).astype(np.float32)
            centre = (cells + bbox[chosen, :2]) * stride
            extent = np.exp(bbox[chosen, 2:]) * stride
            points = (kps[chosen].reshape(-1, 5, 2) + cells[:, None]) * stride
            rows.append(np.concatenate([centre - extent / 2, extent, points.reshape(-1, 10), score[chosen, None]], 1))
        return _suppress(np.concatenate(rows).astype(np.float32))


def _box(row: NDArray[np.float32], scale: NDArray[np.float32]) -> tuple[float, float, float, float]:
    left, top, width, height = (row[:4].reshape(2, 2) * scale).reshape(4).tolist()
    return left, top, width, height


def _suppress(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Greedy non-maximum suppression: of boxes that overlap more than ``NMS_IOU``, only the best scored one stays."""
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    kept = []
    while len(rows):
        best, rows = rows[0], rows[1:]
        kept.append(best)
        overlap = (
            np.minimum(rows[:, :2] + rows[:, 2:4], best[:2] + best[2:4]) - np.maximum(rows[:, :2], best[:2])
        ).clip(min=0)
        shared = overlap[:, 0] * overlap[:, 1]
        union = rows[:, 2] * rows[:, 3] + best[2] * best[3] - shared
        rows = rows[shared <= NMS_IOU * union]
    return np.stack(kept) if kept else np.zeros((0, 15), np.float32)

"""Follow one face through a video: 478 landmarks, 52 blendshapes and the pose of the head, frame by frame.

This is MediaPipe's FaceLandmarker, rebuilt on LiteRT. A detector finds the face once. After that, the landmarks of a
frame give the square region of interest of the next frame (1.5 times their box, turned by the line through the outer
eye corners), so the search is not repeated. Unlike MediaPipe's video mode, it does not smooth the landmarks: smoothing
would flatten a blink of three to five frames and delay the answer to a challenge. docs/models.md compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face import blendshapes as shapes
from models.face.detect import Face
from models.face.head_pose import CanonicalFace, HeadPose
from models.face.mesh_model import SIDE, BlendshapeNetwork, MeshNetwork, load_task
from models.media.image import Pixels
from models.weights.packs import PackStore

MIN_PRESENCE = 0.5
"""The network's face flag below which there is no face; MediaPipe's default."""

REGION_SCALE = 1.5
"""Side of the region of interest over the longer side of the landmarks' box; MediaPipe's value."""

MIN_OVERLAP = 0.5
"""Intersection over union of two successive regions below which the track has jumped; MediaPipe's default."""

# The landmarks' box relative to YuNet's: its longer side, and how far its middle is lower. Medians over the six
# development clips; 90 % are within 0.82-0.94 and 0.03-0.08. The second run of the network corrects the difference.
SEED_SIZE = 0.89
SEED_DOWN = 0.05

# Corners of the eye on the left side of the picture (outer, inner) and of the other (inner, outer).
EYE_CORNERS = np.array([33, 133, 362, 263], np.intp)


@dataclass(frozen=True, slots=True)
class Region:
    """A square part of the picture; it may be turned and may reach over the border.

    Attributes:
        x: centre, pixels.
        y: centre, pixels.
        side: pixels.
        angle: radians, clockwise in the picture.
    """

    x: float
    y: float
    side: float
    angle: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Return the [2,3] matrix from pixels of the crop to pixels of the picture."""
        scale = self.side / SIDE
        cos, sin = scale * math.cos(self.angle), scale * math.sin(self.angle)
        half = SIDE / 2
        return np.array([[cos, -sin, self.x - (cos - sin) * half], [sin, cos, self.y - (sin + cos) * half]])


@dataclass(frozen=True, slots=True)
class MeshReading:
    """The landmarks of one frame, and the measures taken from them.

    Attributes:
        points: float32 [478,3], x and y in pixels of the picture, z in the same scale (smaller is nearer to the camera,
            relative to the middle of the head). Indices as in MediaPipe's face mesh.
        presence: 0-1, the network's face flag.
        blendshapes: float32 [52], 0-1, in the order of :data:`models.face.blendshapes.NAMES`.
        pose: turn of the head.
        inter_eye: distance between the middles of the two eyes (between their corners), pixels; shrinks with yaw.
        box: left, top, width, height of the landmarks, pixels; may reach over the border.
        tracked: the region came from the frame before; False if a detected face started a new track.
    """

    points: NDArray[np.float32]
    presence: float
    blendshapes: NDArray[np.float32]
    pose: HeadPose
    inter_eye: float
    box: tuple[float, float, float, float]
    tracked: bool

    def shape(self, name: str) -> float:
        """Return one blendshape by name.

        Raises:
            KeyError: no blendshape has that name.
        """
        return float(self.blendshapes[shapes.INDEX[name]])


class FaceMesh:
    """The loaded landmark networks. Create them with :meth:`load`.

    **For one thread at a time**: LiteRT interpreters keep their tensors between calls. Any number of trackers may share
    one ``FaceMesh`` in the same thread; each other thread loads its own (30-70 ms, 20 MB).
    """

    __slots__ = ("_blendshapes", "_canonical", "_mesh", "name", "sha256")

    def __init__(
        self, *, name: str, sha256: str, mesh: MeshNetwork, blendshapes: BlendshapeNetwork, canonical: CanonicalFace
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self._mesh = mesh
        self._blendshapes = blendshapes
        self._canonical = canonical

    @classmethod
    def load(cls, store: PackStore, *, threads: int = 1) -> FaceMesh:
        """Load the task file of a store.

        Args:
            store: where the models are.
            threads: threads of one run.

        Raises:
            ModelMissing: the model is not in the cache, or no manifest names one (``model_missing``).
            ModelCorrupt: the hash is wrong, or the task file has another content (``model_corrupt``).
        """
        task = load_task(store)
        return cls(
            name=task.name,
            sha256=task.sha256,
            mesh=MeshNetwork(task, threads),
            blendshapes=BlendshapeNetwork(task, threads, points=len(shapes.LANDMARKS), shapes=len(shapes.NAMES)),
            canonical=CanonicalFace(task.geometry),
        )

    def tracker(self) -> Tracker:
        """Start following a face in a new video."""
        return Tracker(self)

    def landmarks_in(self, pixels: Pixels, region: Region) -> tuple[NDArray[np.float32], float]:
        """Find the landmarks of the face in a region of a picture.

        Args:
            pixels: BGR, upright.
            region: where the face is.

        Returns:
            float32 [478,3] in pixels of the picture, and the presence.
        """
        matrix = region.matrix
        # Like MediaPipe, continue the edge beyond the border: then a face at the border keeps its landmarks.
        crop = cv2.warpAffine(
            pixels,
            matrix,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        in_crop, presence = self._mesh.run(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        points = np.empty_like(in_crop)
        points[:, :2] = in_crop[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] = in_crop[:, 2] * (region.side / SIDE)
        return points, presence

    def read(self, pixels: Pixels, points: NDArray[np.float32], presence: float, *, tracked: bool) -> MeshReading:
        """Compute blendshapes, pose and measures of landmarks.

        Args:
            pixels: the picture, for its size.
            points: the landmarks, float32 [478,3], in its pixels.
            presence: 0-1, the network's face flag.
            tracked: the region came from the frame before.
        """
        height, width = pixels.shape[:2]
        corners = points[EYE_CORNERS, :2]
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        return MeshReading(
            points=points,
            presence=presence,
            blendshapes=self._blendshapes.run(points[shapes.LANDMARKS, :2]),
            pose=self._canonical.pose(points, width, height),
            inter_eye=float(np.hypot(*(corners[2:].mean(0) - corners[:2].mean(0)))),
            box=(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])),
            tracked=tracked,
        )


class Tracker:
    """Follows one face through the frames of one video. It holds only the region of the next frame.

    Args:
        mesh: the networks, which other trackers of the same thread may share.
    """

    __slots__ = ("_mesh", "_region")

    def __init__(self, mesh: FaceMesh) -> None:
        self._mesh = mesh
        self._region: Region | None = None

    @property
    def lost(self) -> bool:
        """Return whether there is no face to follow; then :meth:`step` needs the detector's faces."""
        return self._region is None

    def step(self, pixels: Pixels, faces: Sequence[Face] | None = None) -> MeshReading | None:
        """Read the next frame.

        Args:
            pixels: BGR, upright.
            faces: the faces that the detector found in this frame, the main one first; None if it did not run. While
                a face is followed, they matter only if none of them is that face: then the main one is followed.

        Returns:
            The reading; None if no face is followed and none was found. Then :attr:`lost` is true, and the caller may
            give the same frame again, with the detector's faces.
        """
        previous = self._region
        if previous is not None and faces and not any(_same(previous, face) for face in faces):
            previous = None
        if previous is not None:
            points, presence = self._mesh.landmarks_in(pixels, previous)
            region = region_of(points)
            # A face does not move by half its width between two frames: that is a cut, or another face.
            if presence >= MIN_PRESENCE and _overlap(previous, region) >= MIN_OVERLAP:
                self._region = region
                return self._mesh.read(pixels, points, presence, tracked=True)
        self._region = None
        for face in faces or ():
            reading = self._start(pixels, seed(face))
            if reading is not None:
                return reading
        return None

    def _start(self, pixels: Pixels, region: Region) -> MeshReading | None:
        """Run the network twice: the second run corrects the difference between the detector's box and ours."""
        points, presence = self._mesh.landmarks_in(pixels, region)
        if presence < MIN_PRESENCE:
            return None
        points, presence = self._mesh.landmarks_in(pixels, region_of(points))
        if presence < MIN_PRESENCE:
            return None
        self._region = region_of(points)
        return self._mesh.read(pixels, points, presence, tracked=False)


def region_of(points: NDArray[np.float32]) -> Region:
    """Return the region of interest for the face with these landmarks."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    x, y = (low + high).tolist()
    return Region(x / 2, y / 2, REGION_SCALE * float((high - low).max()), _angle(points[EYE_CORNERS[[0, 3]], :2]))


def seed(face: Face) -> Region:
    """Return the region of interest for a face that YuNet found: its box without the hair."""
    left, top, width, height = face.box
    angle = _angle(face.points[:2])
    long, down = max(width, height), SEED_DOWN * height
    return Region(
        left + width / 2 - down * math.sin(angle),
        top + height / 2 + down * math.cos(angle),
        REGION_SCALE * SEED_SIZE * long,
        angle,
    )


def _angle(line: NDArray[np.float32]) -> float:
    """Return the angle of the line between two points, in radians, clockwise in the picture."""
    across = line[1] - line[0]
    return math.atan2(float(across[1]), float(across[0]))


def _same(region: Region, face: Face) -> bool:
    """Return whether the detected face is the one in the region."""
    return _overlap(region, seed(face)) >= MIN_OVERLAP


def _overlap(a: Region, b: Region) -> float:
    """Return the intersection over union of two regions, ignoring their angles (they turn together)."""
    reach = (a.side + b.side) / 2
    shared = 1.0
    for distance in (abs(a.x - b.x), abs(a.y - b.y)):
        shared *= min(max(reach - distance, 0.0), a.side, b.side)
    return shared / (a.side**2 + b.side**2 - shared)

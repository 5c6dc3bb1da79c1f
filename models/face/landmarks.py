"""Following one face through a video: 478 landmarks, 52 blendshapes and the pose of the head, frame by frame.

MediaPipe's FaceLandmarker rebuilt on LiteRT. A detector finds the face once; then each frame's square region of
interest comes from the landmarks of the frame before (1.5 times their box, turned by the line through the outer eye
corners), so the search is not repeated. Unlike in MediaPipe's video mode the landmarks are not smoothed: a blink lasts
three to five frames and must not be flattened, and an answer to a challenge must not come late. docs/models.md compares
the two.
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
"""Face flag below which there is no face; MediaPipe's default."""

REGION_SCALE = 1.5
"""Side of the region of interest over the longer side of the landmarks' box; MediaPipe's value."""

MIN_OVERLAP = 0.5
"""Intersection over union of a frame's region and the next below which the track has jumped; MediaPipe's default."""

# The landmarks' box against YuNet's: longer side, and how far its middle lies below. Medians over the six development
# clips; 90 % lie within 0.82-0.94 and 0.03-0.08, and the second look takes the difference away.
SEED_SIZE = 0.89
SEED_DOWN = 0.05

# Corners of the eye on the left side of the picture (outer, inner) and of the other (inner, outer).
EYE_CORNERS = np.array([33, 133, 362, 263], np.intp)


@dataclass(frozen=True, slots=True)
class Region:
    """A square part of the picture, perhaps turned and perhaps reaching over the border.

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
        """[2,3]: pixels of the crop to pixels of the picture."""
        scale = self.side / SIDE
        cos, sin = scale * math.cos(self.angle), scale * math.sin(self.angle)
        half = SIDE / 2
        return np.array([[cos, -sin, self.x - (cos - sin) * half], [sin, cos, self.y - (sin + cos) * half]])


@dataclass(frozen=True, slots=True)
class MeshReading:
    """What was read off one frame.

    Attributes:
        points: float32 [478,3], x and y in pixels of the picture, z in the same scale (smaller is nearer to the camera,
            relative to the middle of the head). Indices as in MediaPipe's face mesh.
        presence: 0-1, the network's face flag.
        blendshapes: float32 [52], 0-1, in the order of :data:`models.face.blendshapes.NAMES`.
        pose: turn of the head.
        inter_eye: distance between the middles of the two eyes (between their corners), pixels; shrinks with yaw.
        box: left, top, width, height of the landmarks, pixels; may reach over the border.
        tracked: the region came from the frame before; False when a detected face started a new track.
    """

    points: NDArray[np.float32]
    presence: float
    blendshapes: NDArray[np.float32]
    pose: HeadPose
    inter_eye: float
    box: tuple[float, float, float, float]
    tracked: bool

    def shape(self, name: str) -> float:
        """One blendshape by name.

        Raises:
            KeyError: there is none of that name.
        """
        return float(self.blendshapes[shapes.INDEX[name]])


class FaceMesh:
    """The loaded networks. Make one with :meth:`load`.

    **For one thread at a time**: LiteRT interpreters keep their tensors between calls. Any number of trackers may share
    one ``FaceMesh`` in the same thread; another thread loads its own (30-70 ms, 20 MB).
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
            store: where the models lie.
            threads: threads of one run.

        Raises:
            ModelMissing: not in the cache, or no manifest names one.
            ModelCorrupt: wrong hash, or not the task file this module knows.
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

    def look(self, pixels: Pixels, region: Region) -> tuple[NDArray[np.float32], float]:
        """Landmarks in a region of a picture.

        Args:
            pixels: BGR, upright.
            region: where the face is.

        Returns:
            float32 [478,3] in pixels of the picture, and the presence.
        """
        matrix = region.matrix
        # Beyond the border the edge is continued, as MediaPipe does: a face at the border keeps its landmarks.
        crop = cv2.warpAffine(
            pixels,
            matrix,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        found, presence = self._mesh.run(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        points = np.empty_like(found)
        points[:, :2] = found[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] = found[:, 2] * (region.side / SIDE)
        return points, presence

    def read(self, pixels: Pixels, points: NDArray[np.float32], presence: float, *, tracked: bool) -> MeshReading:
        """Blendshapes, pose and measures of landmarks that were found in a picture."""
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
    """Follows one face through the frames of one video. Holds the region of the next frame, nothing else.

    Args:
        mesh: the networks, which other trackers of the same thread may share.
    """

    __slots__ = ("_mesh", "_region")

    def __init__(self, mesh: FaceMesh) -> None:
        self._mesh = mesh
        self._region: Region | None = None

    @property
    def lost(self) -> bool:
        """There is no face to follow: give :meth:`step` the detector's faces with the next frame."""
        return self._region is None

    def step(self, pixels: Pixels, faces: Sequence[Face] | None = None) -> MeshReading | None:
        """Read the next frame.

        Args:
            pixels: BGR, upright.
            faces: what the detector found in this frame, the main face first; None when it was not asked. While a face
                is followed they only matter when none of them is that face: then the main one is followed instead.

        Returns:
            None when no face is followed and none was found: :attr:`lost` is then true. The same frame may be given
            again, with the detector's faces.
        """
        previous = self._region
        if previous is not None and faces and not any(_same(previous, face) for face in faces):
            previous = None
        if previous is not None:
            points, presence = self._mesh.look(pixels, previous)
            region = region_of(points)
            # A face does not leap by half its width between two frames: that is a cut, or another face.
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
        """Two looks: a detector's box frames the face differently from its landmarks, the second look corrects that."""
        points, presence = self._mesh.look(pixels, region)
        if presence < MIN_PRESENCE:
            return None
        points, presence = self._mesh.look(pixels, region_of(points))
        if presence < MIN_PRESENCE:
            return None
        self._region = region_of(points)
        return self._mesh.read(pixels, points, presence, tracked=False)


def region_of(points: NDArray[np.float32]) -> Region:
    """Where to look for the face whose landmarks these are."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    x, y = (low + high).tolist()
    return Region(x / 2, y / 2, REGION_SCALE * float((high - low).max()), _angle(points[EYE_CORNERS[[0, 3]], :2]))


def seed(face: Face) -> Region:
    """Where to look for the landmarks of a face that YuNet found: its box without the hair, which they leave out."""
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
    """Angle of the line from the first to the second of two points, radians, clockwise in the picture."""
    across = line[1] - line[0]
    return math.atan2(float(across[1]), float(across[0]))


def _same(region: Region, face: Face) -> bool:
    """Whether the detected face is the one in the region."""
    return _overlap(region, seed(face)) >= MIN_OVERLAP


def _overlap(a: Region, b: Region) -> float:
    """Intersection over union of two regions as if they were not turned (they turn together)."""
    reach = (a.side + b.side) / 2
    shared = 1.0
    for distance in (abs(a.x - b.x), abs(a.y - b.y)):
        shared *= min(max(reach - distance, 0.0), a.side, b.side)
    return shared / (a.side**2 + b.side**2 - shared)

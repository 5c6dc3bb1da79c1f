"""Take the readings of each frame, once for all checks; the pixels themselves are not kept.

Every frame gets the cheap readings (a thumbnail, the change to the frame before). Ten frames a second get landmarks,
blendshapes and pose. Every fifth of those also gets the face detector, which notices a second face, and passive PAD.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.align import align
from models.face.detect import Detector, Face
from models.face.landmarks import FaceMesh, MeshReading
from models.face.pad import passive_pad
from models.face.quality import QualityMeasure, Subject, assess
from models.face.upright import quarter_turns, turn_by
from models.liveness.device_frame import find_device_frame
from models.liveness.regions import region_colours
from models.liveness.screen import grid_peak
from models.media.image import Pixels
from models.states import State
from models.weights.runtime import Network

DETAIL_RATE = 10.0
"""Frames a second that get landmarks: a blink lasts 0.1 to 0.4 s, a turn of the head a second."""
DETECT_EVERY = 5
"""The detector runs on every n-th frame with landmarks: twice a second."""
THUMB = 64
"""Side of the thumbnails in pixels."""
PATCH = 128
"""Side of the grey face patch in pixels."""
TILTED = 12.0
"""Degrees of tilt from which a face is aligned by the landmarks of the mesh (models/face/upright.py, WORTH)."""
_FIVE = ((33, 133), (362, 263), (1,), (61,), (291,))
"""Landmarks of the mesh whose means are the detector's five: the eye on the left side of the picture, the other eye,
the tip of the nose, the corners of the mouth."""
_ORIENTED_IN = 30
"""Frames in which a first face decides whether a film is sideways: a second. A film of no one is not turned."""
_CALM = 10
"""Percentile of the change over the picture's parts that stands for the calmest ones: walls, not people."""


@dataclass(frozen=True, slots=True)
class Glance:
    """The cheap readings of every frame.

    Attributes:
        time_s: seconds after the first frame.
        thumb: grey float32 [64,64], 0-255.
        step: mean difference to the frame before, in grey levels at full size; 0 for the first.
        calm: the same in the calmest tenth of the picture; None if it was not measured.
    """

    time_s: float
    thumb: NDArray[np.float32]
    step: float
    calm: float | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """The full readings of some frames.

    Attributes:
        index: number of the frame.
        time_s: seconds after the first frame.
        faces: faces that the detector found; None if it did not run.
        mesh: landmarks and the measures taken from them; None if no face was found.
        patch: grey uint8 [128,128], the face upright and centred; None without landmarks.
        skin: mean red, green and blue of forehead and cheeks, 0-255; None without landmarks.
        live: passive PAD, probability of a bona fide presentation; None if it did not run.
        grid: strength of a regular grid (:func:`models.liveness.screen.grid_peak`); None if not measured.
        quality: quality measures of the picture; empty if not measured.
        aligned: the face for the embedders, uint8 [112,112,3]; None if not measured.
        around: mean red, green and blue beside the head; None if there is too little, or without landmarks.
        regions: colours of the regions (:func:`models.liveness.regions.region_colours`); None without landmarks.
        framed: how far a frame around the face is closed (:mod:`models.liveness.device_frame`), 0 if there is none;
            None if it was not looked for.
    """

    index: int
    time_s: float
    faces: tuple[Face, ...] | None
    mesh: MeshReading | None
    patch: NDArray[np.uint8] | None
    skin: NDArray[np.float64] | None
    live: float | None = None
    grid: float | None = None
    quality: tuple[QualityMeasure, ...] = ()
    aligned: Pixels | None = None
    around: NDArray[np.float64] | None = None
    regions: NDArray[np.float64] | None = None
    framed: float | None = None

    @property
    def blocked(self) -> bool:
        """Return whether the picture is too bad for a comparison, or was not measured."""
        return not self.quality or any(measure.blocking for measure in self.quality)


@dataclass(frozen=True, slots=True)
class Readings:
    """All readings of a capture."""

    glances: tuple[Glance, ...]
    details: tuple[Detail, ...]

    @property
    def seconds(self) -> float:
        """Return the time from the first to the last frame, in seconds."""
        return self.glances[-1].time_s - self.glances[0].time_s if self.glances else 0.0

    @property
    def followed(self) -> tuple[Detail, ...]:
        """Return the details with landmarks."""
        return tuple(detail for detail in self.details if detail.mesh is not None)


class Observer:
    """Reads the frames of one capture, in their order. For one thread, like its mesh.

    Args:
        mesh: finds landmarks.
        detector: finds faces.
        pad: passive PAD; None if its model is missing.
    """

    def __init__(self, *, mesh: FaceMesh, detector: Detector, pad: Network | None) -> None:
        self._tracker = mesh.tracker()
        self._detector = detector
        self._pad = pad
        self._glances: list[Glance] = []
        self._details: list[Detail] = []
        self._next_detail = 0.0
        self._before: NDArray[np.uint8] | None = None
        self._quarters: int | None = None

    def see(self, pixels: Pixels, time_s: float) -> Detail | None:
        """Read a frame.

        Args:
            pixels: BGR, upright.
            time_s: seconds after the first frame; must increase.

        Returns:
            The full readings if the frame is one of those that get them; else None.
        """
        pixels = self._upright(pixels)
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        # Not rounded to whole grey levels: nearly equal frames differ from equal ones by less than one.
        thumb = cv2.resize(grey.astype(np.float32), (THUMB, THUMB), interpolation=cv2.INTER_AREA)
        due = time_s + 1e-6 >= self._next_detail
        step, calm = 0.0, None
        if self._before is not None and self._before.shape == grey.shape:
            change = cv2.absdiff(grey, self._before)
            step = float(cv2.mean(change)[0])
            if due:
                small = cv2.resize(change.astype(np.float32), (THUMB, THUMB), interpolation=cv2.INTER_AREA)
                calm = float(np.percentile(small, _CALM))
        self._before = grey
        self._glances.append(Glance(time_s, thumb.astype(np.float32, copy=False), step, calm))
        if not due:
            return None
        self._next_detail = max(self._next_detail + 1 / DETAIL_RATE, time_s + 0.5 / DETAIL_RATE)
        detail = self._read_details(pixels, grey, len(self._glances) - 1, time_s)
        self._details.append(detail)
        return detail

    def readings(self) -> Readings:
        """Return the readings of all frames so far."""
        return Readings(tuple(self._glances), tuple(self._details))

    def _upright(self, pixels: Pixels) -> Pixels:
        """Turn the frames of a film that was filmed or sent sideways; the first frame with a face decides for all."""
        if self._quarters is None and len(self._glances) < _ORIENTED_IN:
            self._quarters = quarter_turns(self._detector, pixels)
        return turn_by(pixels, 90 * self._quarters) if self._quarters else pixels

    def _read_details(self, pixels: Pixels, grey: NDArray[np.uint8], index: int, time_s: float) -> Detail:
        asked = self._tracker.lost or len(self._details) % DETECT_EVERY == 0
        faces = self._detector.detect(pixels) if asked else None
        mesh = self._tracker.step(pixels, faces)
        if mesh is None:
            return Detail(index, time_s, faces, None, None, None)
        patch, skin, around = face_patch(grey, mesh), skin_colour(pixels, mesh), colour_around(pixels, mesh)
        regions = region_colours(pixels, mesh)
        if not faces:
            return Detail(index, time_s, faces, mesh, patch, skin, around=around, regions=regions)
        faces = (level(faces[0], mesh), *faces[1:])
        aligned = align(pixels, faces[0].points)
        return Detail(
            index,
            time_s,
            faces,
            mesh,
            patch,
            skin,
            live=None if self._pad is None else passive_pad(self._pad, without_noise(pixels), faces[0]).live,
            grid=grid_peak(pixels, faces[0]),
            quality=assess(Subject(pixels, 1, faces, aligned, None)),
            aligned=aligned,
            around=around,
            regions=regions,
            framed=_framed(pixels, faces[0]),
        )


def level(face: Face, mesh: MeshReading) -> Face:
    """Return a face with the landmarks of the mesh if the head is tilted: the detector's are those of a level face."""
    if abs(mesh.pose.roll) < TILTED:
        return face
    points = np.stack([mesh.points[list(which), :2].mean(axis=0) for which in _FIVE])
    return Face(face.box, points.astype(np.float32), face.score)


def _framed(pixels: Pixels, face: Face) -> float:
    frame = find_device_frame(pixels, face)
    return 0.0 if frame is None else frame.share


def without_noise(pixels: Pixels) -> Pixels:
    """Remove a camera's noise and keep the edges, before passive PAD.

    The network mistakes sensor noise for paper. Measured on the development clips: bona fide clips with a simulated
    noisy camera against replays have an AUC of 0.83 without and 0.88 with this filter, and 0.96 with both as filmed.
    The doubtful ones of some public photos rise by 0.1 to 1.2 (log10 odds); the sample print and screen stay at -4 and
    -2.
    """
    return cv2.bilateralFilter(pixels, 5, 15, 3).astype(np.uint8, copy=False)


def face_patch(grey: NDArray[np.uint8], mesh: MeshReading) -> NDArray[np.uint8]:
    """Cut the face out, upright, 128 x 128 pixels; the landmarks' box fills nine tenths of the side."""
    left, top, width, height = mesh.box
    scale = PATCH * 0.9 / max(width, height)
    matrix = cv2.getRotationMatrix2D((left + width / 2, top + height / 2), mesh.pose.roll, scale)
    matrix[0, 2] += PATCH / 2 - (left + width / 2)
    matrix[1, 2] += PATCH / 2 - (top + height / 2)
    return cv2.warpAffine(grey, matrix, (PATCH, PATCH), flags=cv2.INTER_AREA).astype(np.uint8, copy=False)


# Forehead, and the cheeks on the left and right side of the picture: skin without hair, eyes, lips. MediaPipe's mesh.
_SKIN = (
    (109, 10, 338, 337, 151, 108),
    (117, 118, 101, 36, 205, 187, 123),
    (346, 347, 330, 266, 425, 411, 352),
)


def skin_colour(pixels: Pixels, mesh: MeshReading) -> NDArray[np.float64]:
    """Return mean red, green and blue of forehead and cheeks, float64 [3]; NaN if they are outside the picture."""
    left, top, width, height = mesh.box
    x, y = max(int(left), 0), max(int(top), 0)
    part = pixels[y : max(int(top + height), y + 1), x : max(int(left + width), x + 1)]
    mask = np.zeros(part.shape[:2], np.uint8)
    for polygon in _SKIN:
        cv2.fillConvexPoly(mask, (mesh.points[list(polygon), :2] - [x, y]).round().astype(np.int32), 1)
    if not mask.any():
        return np.full(3, np.nan)
    return np.asarray(cv2.mean(part, mask)[2::-1], np.float64)


def colour_around(pixels: Pixels, mesh: MeshReading) -> NDArray[np.float64] | None:
    """Return mean red, green and blue beside the head and above the chin.

    The area below the chin is left out: there is the body, which is as near to a screen as the face.

    Returns:
        float64 [3]; None if the area is less than a twentieth of the picture.
    """
    rows, columns = pixels.shape[:2]
    left, top, width, height = mesh.box
    low, high = int(left - 0.4 * width), int(left + 1.4 * width)
    bottom = min(max(int(top + height), 0), rows)
    sides = (pixels[:bottom, : max(low, 0)], pixels[:bottom, max(high, 0) :])
    areas = [side.shape[0] * side.shape[1] for side in sides]
    if sum(areas) < rows * columns / 20:
        return None
    means = [np.asarray(cv2.mean(side)[2::-1]) * area for side, area in zip(sides, areas, strict=True) if area]
    return np.asarray(np.sum(means, 0) / sum(areas), np.float64)


def observe(observer: Observer, frames: Iterable[tuple[float, Pixels]]) -> Readings:
    """Read frames, each given as its time and its picture."""
    for time_s, pixels in frames:
        observer.see(pixels, time_s)
    return observer.readings()


def best_frames(readings: Readings, most: int) -> tuple[Detail, ...]:
    """Return the frames that suit a comparison best: none blocked, the best mean quality first."""
    usable = [detail for detail in readings.details if detail.aligned is not None and not detail.blocked]
    return tuple(sorted(usable, key=lambda detail: (-_mean_quality(detail), detail.index))[:most])


def worst_quality(readings: Readings) -> tuple[QualityMeasure, ...]:
    """Return the quality of the last measured frame, for advice if no frame was good enough."""
    measured = [detail.quality for detail in readings.details if detail.quality]
    return measured[-1] if measured else ()


def _mean_quality(detail: Detail) -> float:
    scores = [measure.score for measure in detail.quality if measure.score is not None]
    failed = sum(measure.state is State.FAIL for measure in detail.quality)
    return float(np.mean(scores)) - 25 * failed if scores else 0.0

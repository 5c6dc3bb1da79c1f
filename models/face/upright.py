"""Turn a picture so that its main face is upright, whatever the angle at which it was taken or sent.

The detector finds faces at almost any angle, but its landmarks are those of an upright face: of a face tilted by 30
degrees they show a tilt of 5, and in a picture that is upside down it sees eyes in the chin. Such a face is aligned
wrongly, and its person looks like somebody else. What tells the angle is the detector's *score*: it falls to both sides
of the upright picture alike. So turned copies of the face are scored, and the middle of the curve is upright.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.detect import FIRST_SIDE, Detector, Face
from models.media.image import Pixels

SURE = 0.915
"""Score below which a face is scored at all angles (``bench.conditions`` prints them)."""
LEAN = 2.5
"""Tilt of the eyes in degrees from which two turned copies are scored: 30 degrees of real tilt show so much or more."""
UNEVEN = 0.03
"""Difference of the scores of the copies turned to the left and to the right from which all angles are scored."""
WORTH = 12.0
"""Degrees of tilt that are undone; a smaller one changes nothing in the comparison."""
BETTER = 0.02
"""By how much the score may fall when the picture was turned: faces that are hard to see must not be turned wrongly."""
_SIDE = 160
"""Side of the copies of the face in pixels."""
_STEP, _REACH = 15, 2
"""Angles that are scored, and how many of them on each side are added up to find the middle."""
_ROOM = 2.4
"""Side of the copies in sizes of the face."""


def upright(detector: Detector, pixels: Pixels, faces: tuple[Face, ...]) -> tuple[Pixels, tuple[Face, ...], float]:
    """Turn a picture until its main face is upright.

    Args:
        detector: finds faces.
        pixels: the picture, BGR.
        faces: the faces found in it, the main one first.

    Returns:
        The picture, its faces, and by how many degrees it was turned, counter-clockwise. A picture whose face is
        upright comes back as it is.
    """
    if faces and faces[0].score >= SURE and abs(_lean(faces[0])) <= LEAN:
        return pixels, faces, 0.0
    copy = _copy(pixels, faces)
    side = _SIDE if faces else FIRST_SIDE
    if faces and faces[0].score >= SURE:
        left, right = (_score(detector, turn_by(copy, turn), side) for turn in (30, -30))
        if abs(left - right) < UNEVEN:
            return pixels, faces, 0.0
    angles = np.arange(0, 360, _STEP)
    scores = np.array([_score(detector, turn_by(copy, float(angle)), side) for angle in angles])
    if scores.max() <= 0:
        return pixels, faces, 0.0
    angle = _middle(angles, scores)
    if min(angle, 360 - angle) < WORTH:
        return pixels, faces, 0.0
    turned = turn_by(pixels, angle)
    found = detector.detect(turned)
    if not found or (faces and found[0].score < faces[0].score - BETTER):
        return pixels, faces, 0.0
    return turned, found, angle


def quarter_turns(detector: Detector, pixels: Pixels) -> int | None:
    """Return by how many quarter turns, counter-clockwise, a frame of a film is upright; None if it shows no face.

    A film is turned as a whole. Smaller tilts differ from frame to frame, and the mesh follows them (``level``).
    """
    faces = detector.detect(pixels)
    if faces and faces[0].score >= SURE:
        return 0
    scores = [max((face.score for face in faces), default=0.0)]
    scores += [_score(detector, turn_by(pixels, turn), FIRST_SIDE) for turn in (90, 180, 270)]
    best = int(np.argmax(scores))
    if not scores[best]:
        return None
    return best if scores[best] >= scores[0] + BETTER else 0


def turn_by(pixels: Pixels, degrees: float) -> Pixels:
    """Return a picture turned counter-clockwise. Quarter turns lose nothing; others fill the corners."""
    quarters, rest = divmod(degrees % 360, 90)
    if not rest:
        return np.ascontiguousarray(np.rot90(pixels, int(quarters)))
    height, width = pixels.shape[:2]
    side = math.ceil(math.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += [(side - width) / 2, (side - height) / 2]
    turned = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8, copy=False)


def _middle(angles: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Return the angle around which the scores are highest: the mean of the best window, weighted by the scores."""
    around = [np.roll(scores, shift) for shift in range(-_REACH, _REACH + 1)]
    best = int(np.argmax(np.sum(around, axis=0)))
    steps = np.arange(-_REACH, _REACH + 1)
    # Scores of a face lie close together, so what they have above the least of the window weighs.
    window = scores[(best + steps) % len(scores)]
    weight = window - window.min()
    shift = float((steps * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.0
    return (float(angles[best]) + shift * _STEP) % 360


def _score(detector: Detector, pixels: Pixels, side: int) -> float:
    return max((face.score for face in detector.detect_at(pixels, side)), default=0.0)


def _copy(pixels: Pixels, faces: tuple[Face, ...]) -> Pixels:
    """Return the surroundings of the main face, or the whole picture, small and round, so that it can be turned."""
    height, width = pixels.shape[:2]
    if not faces:
        ratio = min(1.0, FIRST_SIDE / max(height, width))
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    left, top, face_width, face_height = faces[0].box
    reach = _ROOM * max(face_width, face_height)
    ratio = _SIDE / max(reach, 1.0)
    matrix = np.array(
        [
            [ratio, 0, _SIDE / 2 - ratio * (left + face_width / 2)],
            [0, ratio, _SIDE / 2 - ratio * (top + face_height / 2)],
        ]
    )
    copy = cv2.warpAffine(pixels, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return copy.astype(np.uint8, copy=False)


def _lean(face: Face) -> float:
    """Return the tilt of the line between the eyes in degrees, positive clockwise."""
    across, down = (face.points[1] - face.points[0]).tolist()
    return math.degrees(math.atan2(down, across))

"""Look for the frame of a device around the face: the edge of a screen, or of a sheet of paper, on all four sides.

A phone that is held before the camera shows its screen as a bright quadrilateral with a band around it that has one
colour. Rooms have straight edges too: doors, windows, shelves. But behind a person's shoulders every edge ends at the
body, and the lower edge of a screen runs on across it. So only a closed quadrilateral counts, with the whole face
inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.detect import Face
from models.media.image import Pixels

SIDE = 320
"""The picture around the face is looked at with at most so many pixels on its longer side."""
_AROUND = 5.0
"""What is looked at first: a square around the face, so many times its longer side, as far as the picture reaches. The
face of a video call is a third of a screen high, and its frame is seen as sharply when the device is far away. The
whole picture comes second: a screen may show more of a person than the face."""
_WHOLE = 0.8
"""Share of the picture's sides from which the square around the face is looked at alone."""
_SHORTEST = 0.05
"""Shortest segment that counts, as share of the longer side."""
_TILT = math.radians(28)
"""Most that an edge may lean: a device that is held more askew shows no upright face."""
_SAME_PLACE = 0.012
"""Two segments are of one edge if they lie so close to one line (share of the longer side)."""
_MOST = 6
"""Edges of each side that are tried: those that segments cover longest."""
_SQUARE = math.radians(14)
"""Most that the angle between neighbouring sides may differ from a right one: the perspective of a hand-held device."""
_SLIMMEST, _WIDEST = 0.4, 2.6
"""Width of a screen relative to its height, from a tall phone to a wide one that lies on its side."""
_OUTSIDE = 0.15
"""A corner may lie outside the picture by so much of its longer side."""
_SEEN = 0.6
"""Least share of each side that lies inside the picture."""
_MARGIN = 0.02
"""An edge that is nearer to the border of the picture (share of the longer side) is a bar or frame of the film."""

CLOSED_FROM = 0.7
"""Share of the lower side and of two others from which the frame is closed. The fourth side needs half of it: the hand
that holds a device hides a part of it, and a dark device before a dark room has no edge. The largest such share in 150
living films is 0.62."""


@dataclass(frozen=True, slots=True)
class DeviceFrame:
    """The quadrilateral around a face whose sides are covered best.

    Attributes:
        corners: in pixels of the picture: upper left, upper right, lower right, lower left.
        covered: share of the visible part of each side on which an edge was found: top, right, bottom, left.
    """

    corners: NDArray[np.float64]
    covered: tuple[float, float, float, float]

    @property
    def share(self) -> float:
        """Return what decides: the share of the weakest of lower side and two others, or twice that of the fourth."""
        weakest, second, *_ = sorted(self.covered)
        return min(self.covered[2], second, 2 * weakest)


def find_device_frame(pixels: Pixels, face: Face) -> DeviceFrame | None:
    """Return the quadrilateral around a face whose sides are covered best; None if there is none.

    Args:
        pixels: BGR, upright.
        face: the largest face.
    """
    left, top, width, height = face.box
    reach = max(width, height) * _AROUND / 2
    x, y = max(int(left + width / 2 - reach), 0), max(int(top + height / 2 - reach), 0)
    near = pixels[y : int(top + height / 2 + reach) + 1, x : int(left + width / 2 + reach) + 1]
    found = [_frame_in(near, face, np.array([x, y], np.float64))]
    if min(near.shape[0] / pixels.shape[0], near.shape[1] / pixels.shape[1]) < _WHOLE:
        found.append(_frame_in(pixels, face, np.zeros(2)))
    return max((frame for frame in found if frame is not None), key=lambda frame: frame.share, default=None)


def _frame_in(part: Pixels, face: Face, origin: NDArray[np.float64]) -> DeviceFrame | None:
    """Look at one part of the picture, whose upper left corner is given."""
    scale = min(1.0, SIDE / max(part.shape[:2]))
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else part
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    segments = _segments(grey)
    left, top, width, height = face.box
    middle = (np.array([left + width / 2, top + height / 2]) - origin) * scale
    width, height = width * scale, height * scale
    sides = [
        _edges(segments, middle, grey.shape, vertical=vertical, sign=sign, beyond=beyond)
        for vertical, sign, beyond in (
            (False, -1, height * 0.4),
            (True, 1, width * 0.4),
            (False, 1, height * 0.5),
            (True, -1, width * 0.4),
        )
    ]
    best = _best(sides, grey.shape, height) if all(sides) else None
    return None if best is None else DeviceFrame(best.corners / scale + origin, best.covered)


def _segments(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the straight segments of a picture that are long enough, each as x, y of both ends."""
    found: Any = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(grey)[0]
    if found is None:  # a picture without any edge
        return np.empty((0, 4))
    segments = np.asarray(found, np.float64).reshape(-1, 4)
    return np.asarray(segments[np.hypot(*(segments[:, 2:] - segments[:, :2]).T) >= _SHORTEST * max(grey.shape)])


@dataclass(frozen=True, slots=True)
class _Edge:
    """A straight line: a point on it, its direction (unit), and the stretches along it that segments cover."""

    point: NDArray[np.float64]
    along: NDArray[np.float64]
    stretches: tuple[tuple[float, float], ...]

    @property
    def length(self) -> float:
        """Return how many pixels segments cover."""
        return sum(end - begin for begin, end in self.stretches)

    def covered(self, one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        """Return the share of the way between two points of the line that is covered."""
        begin, end = sorted((float((one - self.point) @ self.along), float((other - self.point) @ self.along)))
        shared = sum(max(0.0, min(end, to) - max(begin, start)) for start, to in self.stretches)
        return shared / max(end - begin, 1e-6)


def _edges(
    segments: NDArray[np.float64],
    middle: NDArray[np.float64],
    shape: tuple[int, ...],
    *,
    vertical: bool,
    sign: int,
    beyond: float,
) -> list[_Edge]:
    """Return the edges on one side of the face, those that are covered longest first, no two nearly the same."""
    one, other = segments[:, :2], segments[:, 2:]
    along = other - one
    lengths = np.hypot(*along.T)
    along = along / lengths[:, None]
    axis = 1 if vertical else 0
    along = along * np.where(along[:, axis] < 0, -1.0, 1.0)[:, None]
    longer = max(shape)
    centre = (one + other)[:, 1 - axis] / 2
    border = np.minimum(centre, shape[axis] - centre)
    upright = np.arccos(np.clip(along[:, axis], -1, 1)) <= _TILT
    kept = np.flatnonzero(upright & ((centre - middle[1 - axis]) * sign >= beyond) & (border >= _MARGIN * longer))
    edges: list[_Edge] = []
    for index in kept[np.argsort(-lengths[kept])]:
        point, direction = (one[index] + other[index]) / 2, along[index]
        if any(_same(edge, one[index], other[index], longer) for edge in edges):
            continue
        normal = np.array([-direction[1], direction[0]])
        near = [np.abs((ends[kept] - point) @ normal) <= _SAME_PLACE * longer for ends in (one, other)]
        close = kept[near[0] & near[1]]
        ends = np.sort(np.stack([(one[close] - point) @ direction, (other[close] - point) @ direction]), axis=0)
        edges.append(_Edge(point, direction, _joined(ends.T)))
        if len(edges) == 3 * _MOST:
            break
    return sorted(edges, key=lambda edge: -edge.length)[:_MOST]


def _same(edge: _Edge, one: NDArray[np.float64], other: NDArray[np.float64], longer: float) -> bool:
    normal = np.array([-edge.along[1], edge.along[0]])
    return all(abs(float((end - edge.point) @ normal)) <= _SAME_PLACE * longer for end in (one, other))


def _joined(stretches: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(map(tuple, stretches.tolist())):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


def _best(sides: Sequence[Sequence[_Edge]], shape: tuple[int, ...], face_height: float) -> DeviceFrame | None:
    """Try all quadrilaterals of one edge a side."""
    tops, rights, bottoms, lefts = sides
    size = (len(tops), len(rights), len(bottoms), len(lefts))
    pairs = (  # the corners: of which sides, and as many axes as those have
        _crossings(tops, lefts)[:, None, None, :],
        _crossings(tops, rights)[:, :, None, None],
        _crossings(bottoms, rights).swapaxes(0, 1)[None, :, :, None],
        _crossings(bottoms, lefts)[None, None],
    )
    corners = np.stack([np.broadcast_to(pair, (*size, 2)) for pair in pairs], -2)
    shares: dict[tuple[int, ...], float | None] = {}
    best: tuple[float, DeviceFrame] | None = None
    for place in np.argwhere(_are_screens(corners, shape, face_height)).tolist():
        quad, covered = corners[tuple(place)], []
        for side, edges in enumerate(sides):
            key = (side, place[side], place[side - 1], place[(side + 1) % 4])
            if key not in shares:
                shares[key] = _covered(edges[place[side]], quad[side], quad[(side + 1) % 4], shape)
            covered.append(shares[key])
        known = [share for share in covered if share is not None]
        if len(known) < len(covered):
            continue
        score = sum(sorted(known)[:3]) + known[2]
        if best is None or score > best[0]:
            best = score, DeviceFrame(quad, (known[0], known[1], known[2], known[3]))
    return None if best is None else best[1]


def _crossings(some: Sequence[_Edge], others: Sequence[_Edge]) -> NDArray[np.float64]:
    """Return where the lines cross. They are upright and level within ``_TILT``, so they always do."""
    found = np.empty((len(some), len(others), 2))
    for i, one in enumerate(some):
        for j, other in enumerate(others):
            matrix = np.stack([one.along, -other.along], 1)
            found[i, j] = one.point + np.linalg.solve(matrix, other.point - one.point)[0] * one.along
    return found


def _are_screens(corners: NDArray[np.float64], shape: tuple[int, ...], face_height: float) -> NDArray[np.bool_]:
    """Return which quadrilaterals [..., 4, 2] can be a screen that a face is on."""
    rows, columns = shape[:2]
    reach = _OUTSIDE * max(rows, columns)
    near = ((corners >= -reach) & (corners <= np.array([columns, rows]) + reach)).all((-1, -2))
    around = np.roll(corners, -1, -2) - corners
    lengths = np.maximum(np.hypot(around[..., 0], around[..., 1]), 1e-6)
    width, height = (lengths[..., 0] + lengths[..., 2]) / 2, (lengths[..., 1] + lengths[..., 3]) / 2
    directions = around / lengths[..., None]
    turns = (directions * np.roll(directions, -1, -2)).sum(-1)
    return np.asarray(
        near
        & (np.minimum(lengths[..., 1], lengths[..., 3]) >= face_height)
        & (width >= _SLIMMEST * height)
        & (width <= _WIDEST * height)
        & (np.abs(turns).max(-1) <= math.sin(_SQUARE))
    )


def _covered(edge: _Edge, one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, ...]) -> float | None:
    """Return the covered share of the visible part of a side; None if too little of it is visible."""
    rows, columns = shape[:2]
    points = one + (other - one) * _STEPS
    seen = ((points >= 0) & (points <= [columns, rows])).all(1)
    if seen.mean() < _SEEN:
        return None
    visible = points[seen]
    return edge.covered(visible[0], visible[-1])


_STEPS = np.linspace(0, 1, 41)[:, None]

"""Recognise a film by the movement of the face in it: a film that is sent again moves in the same way.

No person speaks, blinks and sways twice alike, to the tenth of a second. So the movement betrays a copy whatever was
done to the pictures: another background, a border, other light, mirrored, turned, cut in time, coded at a low rate.

Eleven measures of the landmarks are followed, in the frame of the eye corners and so free of place, size and tilt:
nose, lips, corners of the mouth, lids, chin and brows. Their changes over 0.3 s are compared, because two honest
answers to one plan are alike in their slow course (the head turns when it is asked to) and differ in the moments.
docs/liveness.md has the measured rates; ``python -m bench.near_copies`` repeats them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the service compares movements without loading a face model
    from models.liveness.readings import Detail

SAME_FROM = 0.70
"""Correlation of two movements from which one film is a copy of the other. Chosen on half of the people of the
development films: re-coded and changed films had 0.76 and more, save for two that are coded so low that the lids blur.
Two simulated honest answers to one plan reached 0.61."""

CHANNELS = 11
LEAST_SECONDS = 2.5
"""Shorter movements in common are not compared: by chance they can be alike."""
_GRID_S = 0.1
_CHANGE = 3
"""Steps of the grid between two values whose difference is compared: 0.3 s."""
_MOST_CUT_S = 3.0
_SHIFT_S = 0.05
"""A copy may begin up to 3 s earlier or later than the original; shifts are tried in steps of 50 ms."""

# MediaPipe's mesh: corners of the eye on the left side of the picture (outer, inner) and of the other (inner, outer).
_EYES = (33, 133, 362, 263)
# Nose tip, lips, corners of the mouth, lids of both eyes, chin, brows.
_NOSE, _LIPS, _MOUTH, _LIDS, _CHIN, _BROWS = 1, (13, 14), (61, 291), ((159, 145), (386, 374)), 152, (105, 334)
_NOISE = np.array([10, 10, 12, 12, 10, 10, 8, 8, 14, 10, 10]) / 1000
"""Standard deviation of the measures in a face at rest, in eye distances: what divides them to one scale."""
_SIDES = np.array([-1, 1, 1, 1, -1, 1, 1, 1, 1, 1, 1])
_OTHER_SIDE = np.array([0, 1, 2, 3, 4, 5, 7, 6, 8, 10, 9])
"""What mirroring does to the measures: those across change their sign, lids and brows change places."""
_UNIT = 1e-4
"""Eye distances of one step of the stored numbers."""


@dataclass(frozen=True, slots=True)
class Movement:
    """The movement of the face in a film.

    Attributes:
        times_s: float64 [n], seconds after the first frame, increasing.
        values: float64 [n, 11], in eye distances.
    """

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def mirrored(self) -> Movement:
        """Return the movement of the mirrored film."""
        return Movement(self.times_s, (self.values * _SIDES)[:, _OTHER_SIDE])

    def to_bytes(self) -> bytes:
        """Encode for storage: for each frame the time in milliseconds and the measures, 26 bytes together."""
        times = np.round(self.times_s * 1000).astype(">u4").view(np.uint8).reshape(-1, 4)
        steps = np.round(self.values / _UNIT).clip(-32768, 32767).astype(">i2").view(np.uint8)
        return np.hstack([times, steps.reshape(len(times), -1)]).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Movement:
        """Decode what :meth:`to_bytes` returned.

        Raises:
            ValueError: the length is not a multiple of 26 bytes.
        """
        rows = np.frombuffer(data, np.uint8).reshape(-1, 4 + 2 * CHANNELS)
        times = rows[:, :4].copy().view(">u4")[:, 0].astype(np.float64) / 1000
        return cls(times, rows[:, 4:].copy().view(">i2").astype(np.float64) * _UNIT)


def movement_of(details: Sequence[Detail]) -> Movement:
    """Return the movement of the face in the frames that have landmarks."""
    followed = [(detail.time_s, detail.mesh.points) for detail in details if detail.mesh is not None]
    values = np.array([_measures(points) for _, points in followed], np.float64).reshape(-1, CHANNELS)
    return Movement(np.array([time_s for time_s, _ in followed], np.float64), values)


def compare_movements(earlier: Movement, later: Movement) -> float:
    """Return the greatest correlation of two movements over all shifts in time, as they are and mirrored, -1 to 1.

    The result is 0 if they have less than ``LEAST_SECONDS`` in common.
    """
    if len(earlier.times_s) < 2 or len(later.times_s) < 2:
        return 0.0
    first = _changes(earlier, 0.0)
    return max(_best_shift(first, form) for form in (later, later.mirrored()))


def _best_shift(first: NDArray[np.float64], later: Movement) -> float:
    """Return the greatest correlation over all shifts. The later film is sampled twice, half a grid step apart."""
    best = 0.0
    for half in (0.0, _SHIFT_S):
        second = _changes(later, half)
        for shift in range(-round(_MOST_CUT_S / _GRID_S), round(_MOST_CUT_S / _GRID_S) + 1):
            a, b = first[max(shift, 0) :], second[max(-shift, 0) :]
            count = min(len(a), len(b))
            if count * _GRID_S >= LEAST_SECONDS:
                best = max(best, _correlation(a[:count], b[:count]))
    return best


def _changes(movement: Movement, start_s: float) -> NDArray[np.float64]:
    """Return the changes over 0.3 s, in units of the noise, on an even grid in time."""
    times = np.arange(movement.times_s[0] + start_s, movement.times_s[-1], _GRID_S)
    even = np.stack([np.interp(times, movement.times_s, one) for one in movement.values.T], axis=1)
    return np.asarray((even[_CHANGE:] - even[:-_CHANGE]) / _NOISE, np.float64)


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(0), b - b.mean(0)
    length = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / length if length > 1e-9 else 0.0


def _measures(points: NDArray[np.float32]) -> list[float]:
    """Return the eleven measures of one frame, in the frame of the eye corners."""
    corners = points[list(_EYES), :2].astype(np.float64)
    across = (corners[2] + corners[3] - corners[0] - corners[1]) / 2
    size = max(float(np.hypot(*across)), 1e-6)
    right = across / size
    axes = np.array([[right[0], -right[1]], [right[1], right[0]]])
    place = (points[:, :2] - corners.mean(0)) @ axes / size
    upper, lower = _LIPS
    left, other = _MOUTH
    return [
        place[_NOSE, 0],
        place[_NOSE, 1],
        place[upper, 1] - place[lower, 1],
        place[left, 0] - place[other, 0],
        (place[left, 0] + place[other, 0]) / 2,
        (place[left, 1] + place[other, 1]) / 2,
        *(place[above, 1] - place[below, 1] for above, below in _LIDS),
        place[_CHIN, 1],
        *(place[brow, 1] for brow in _BROWS),
    ]

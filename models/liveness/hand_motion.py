"""Compare the motion of the phone, by its sensor, with that of the picture's background.

A hand that holds a phone trembles, and what its camera sees trembles with it. If a program delivers the pictures, they
do not know of the hand: they stand still, or move by themselves. The sensor turns with the phone about three axes whose
order and signs differ between browsers, so the picture's shifts are fitted by all three; how well they fit is judged.

Nothing here speaks for a person. Many phones have no such sensor, or a browser that does not show it; stabilised
cameras hide small motions, and a phone on a table shows none. So only what is clear is called a contradiction
(:mod:`models.liveness.contradictions`), and one alone decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, not_assessed, passed
from models.liveness.readings import THUMB, Glance

NAME = "motion"

Sample = Sequence[float]
"""Milliseconds after the first frame, and degrees a second about three axes."""

STILL_PHONE, MOVING_PHONE = 0.3, 3.0
"""Degrees a second, root mean square, up to which a phone lies still and from which it clearly moves. A sensor's own
noise is below 0.1; simulated hands have 1.3 to 5 about all axes (``bench.hand_motion``)."""
STILL_PICTURE, MOVING_PICTURE = 0.1, 0.5
"""Pixels of the thumbnail in 0.14 s, root mean square, up to which the background stands still, and from which it
clearly moves as a whole. One is about a degree. Films as they are mostly have 0.0 to 0.1, hands of 5 degrees a second
0.3 to 0.9 (``bench.hand_motion``)."""
UNRELATED = 0.2
"""Share of the shifts that the sensor explains, below which the two have nothing to do with each other. For the hand
that holds the phone it is 0.9 in half of the films and 0.2 at the least, for another hand 0.1 to 0.4
(``bench.hand_motion``)."""

_STEP_S = 0.13
"""Least time between two compared frames: that of a live capture."""
_FEWEST = 20
_LAGS = np.arange(-0.4, 0.401, 0.05)
"""Seconds by which the sensor may be late: cameras and recorders are."""
_GAP_MS = 250
"""Pauses of the sensor over which nothing is compared."""
_TEXTURE = 0.05
"""Least squared gradient, in grey levels, along the weaker direction: a white wall shows no shift."""
_FARTHEST = 8.0
_ITERATIONS = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """How phone and picture moved.

    Attributes:
        pairs: pairs of frames that were compared.
        phone: turning of the phone, degrees a second, root mean square.
        picture: shift that both sides of the background have in common, pixels of the thumbnail, root mean square.
        explained: share of the shifts that the turning explains, at the best delay, 0 to 1.
    """

    pairs: int
    phone: float
    picture: float
    explained: float


def check_motion(glances: Sequence[Glance], samples: Sequence[Sample]) -> CheckResult:
    """Judge whether the picture moves as the phone does.

    Args:
        glances: of the film.
        samples: of the phone's sensor, in order of time; empty without a sensor.
    """
    compared = compare_motion(glances, samples)
    if compared is None:
        return not_assessed(NAME, "no_sensor" if not samples else "not_measured", samples=len(samples))
    values = {
        "pairs": compared.pairs,
        "phone": compared.phone,
        "picture": compared.picture,
        "explained": compared.explained,
    }
    reason = _contradiction(compared)
    return not_assessed(NAME, reason, **values) if reason else passed(NAME, **values)


def _contradiction(compared: Compared) -> str:
    if compared.phone <= STILL_PHONE:
        return "phone_still" if compared.picture >= MOVING_PICTURE else ""
    if compared.phone < MOVING_PHONE:
        return ""
    if compared.picture <= STILL_PICTURE:
        return "picture_still"
    return "motion_unrelated" if compared.picture >= MOVING_PICTURE and compared.explained < UNRELATED else ""


def compare_motion(glances: Sequence[Glance], samples: Sequence[Sample]) -> Compared | None:
    """Measure how phone and picture moved; None if one of them was not measured in enough frames."""
    chosen = _spaced(glances)
    if len(chosen) <= _FEWEST or len(samples) <= _FEWEST:
        return None
    angles = _Angles(samples)
    pairs = [pair for pair in pairwise(chosen) if angles.cover(pair[0].time_s, pair[1].time_s)]
    found = [(pair, shifts) for pair in pairs if (shifts := _shifts(pair[0].thumb, pair[1].thumb)) is not None]
    if len(found) < _FEWEST:
        return None
    times = np.array([[first.time_s, second.time_s] for (first, second), _ in found])
    left, right, whole = (_centred(np.array([shifts[part] for _, shifts in found])) for part in range(3))
    common = float((left * right).sum() / len(found))
    turned = angles.turned(times)
    speed = turned / np.diff(times, axis=1)
    return Compared(
        len(found),
        float(np.sqrt((speed**2).sum(1).mean())),
        float(np.sqrt(max(common, 0.0))),
        max(_explained(whole, _centred(angles.turned(times + lag))) for lag in _LAGS),
    )


def _spaced(glances: Sequence[Glance]) -> list[Glance]:
    chosen: list[Glance] = []
    for glance in glances:
        if not chosen or glance.time_s >= chosen[-1].time_s + _STEP_S:
            chosen.append(glance)
    return chosen


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - values.mean(0), np.float64)


def _explained(shifts: NDArray[np.float64], turned: NDArray[np.float64]) -> float:
    """Return the share of the shifts [N,2] that some linear function of the turning [N,3] explains."""
    fitted, *_ = np.linalg.lstsq(turned, shifts, rcond=None)
    total = float((shifts**2).sum())
    return 1 - float(((shifts - turned @ fitted) ** 2).sum()) / total if total > 0 else 0.0


class _Angles:
    """The sum of a sensor's turning, at any time."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        table = np.array(sorted(samples, key=lambda sample: sample[0]), np.float64)
        self._times = table[:, 0] / 1000
        steps = np.diff(self._times)[:, None] * (table[1:, 1:] + table[:-1, 1:]) / 2
        self._angles = np.vstack([np.zeros(3), np.cumsum(steps, axis=0)])
        after = np.flatnonzero(np.diff(self._times) > _GAP_MS / 1000)
        self._pauses = self._times[after], self._times[after + 1]

    def cover(self, from_s: float, to_s: float) -> bool:
        """Return whether the sensor spoke all the time."""
        begins, ends = self._pauses
        inside = self._times[0] <= from_s and to_s <= self._times[-1]
        return bool(inside and not ((begins < to_s) & (ends > from_s)).any())

    def turned(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the degrees [N,3] by which the phone turned between two times [N,2]."""
        at = np.stack([np.interp(times, self._times, self._angles[:, axis]) for axis in range(3)], -1)
        return np.asarray(at[:, 1] - at[:, 0], np.float64)


def _part(left: slice, *more: slice) -> NDArray[np.float64]:
    """Return weights of columns beside the head, above the shoulders."""
    weights = np.zeros((THUMB, THUMB))
    for columns in (left, *more):
        weights[: THUMB * 11 // 16, columns] = 1
    return cv2.GaussianBlur(weights, (0, 0), 1.5).astype(np.float64)


_SIDE = THUMB * 14 // 64
_PARTS = (_part(slice(_SIDE)), _part(slice(THUMB - _SIDE, None)), _part(slice(_SIDE), slice(THUMB - _SIDE, None)))
"""The left side, the right side, and both. Where a person fills them, left and right do not agree."""


def _shifts(before: NDArray[np.float32], after: NDArray[np.float32]) -> list[NDArray[np.float64]] | None:
    """Return by how much each part shifted [2]; None if one cannot be measured."""
    one, other = (cv2.GaussianBlur(thumb, (0, 0), 1.0).astype(np.float64) for thumb in (before, after))
    slopes = np.stack([cv2.Sobel(one, cv2.CV_64F, 1, 0), cv2.Sobel(one, cv2.CV_64F, 0, 1)]) / 8
    found = [_shift(one, other, slopes, weights) for weights in _PARTS]
    return [shift for shift in found if shift is not None] if all(shift is not None for shift in found) else None


def _shift(
    before: NDArray[np.float64], after: NDArray[np.float64], slopes: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Find a shift by least squares on the gradient (Lucas and Kanade, 1981); what moves otherwise has less weight."""
    shift = np.zeros(2)
    for _ in range(_ITERATIONS):
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        back = cv2.warpAffine(
            after,
            matrix,
            (THUMB, THUMB),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rest = back - before
        rest = rest - (weights * rest).sum() / weights.sum()
        usual = 1.48 * float(np.median(np.abs(rest[weights > 0.5]))) + 0.5
        trust = weights / (1 + (rest / (2 * usual)) ** 2)
        square = np.einsum("ixy,jxy,xy->ij", slopes, slopes, trust)
        if np.linalg.eigvalsh(square)[0] / trust.sum() < _TEXTURE:
            return None
        step = np.linalg.solve(square, np.einsum("ixy,xy,xy->i", slopes, rest, trust))
        shift = shift - np.clip(step, -2, 2)
    return shift if np.abs(shift).max() < _FARTHEST else None

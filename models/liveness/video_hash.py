"""Fingerprints of frames, to know a recording again that was sent before: perhaps encoded anew, scaled or cut.

A frame's print is the signs of the 255 lowest frequencies of its thumbnail (pHash, Zauner 2010, with more bits: signs
of a discrete cosine transform survive scaling, brightness and compression). Encoding six videos anew (VP8 or H.264 at
low quality, two thirds of the size) changed at most 3.1 % of the bits of any frame, 0.4 to 1.0 % on average; two frames
that are a tenth of a second apart differ in 1 to 35 % (bench/prints.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the service looks prints up without loading a face model
    from models.liveness.readings import Glance

BITS = 255
_SIDE = 16
KEPT = 8
"""Frames of a capture whose prints are kept."""
_BAND_BITS = 64
_BANDS = 2
"""So many bands of so many bits of each kept frame can be looked up exactly. At 1 % changed bits a band survives with
0.53, so that of 16 bands not one does in 6 of a million recordings."""

MOST_CHANGED = 0.04
LEAST_KNOWN = 6
"""A recording is the same when at least 6 of 8 kept frames are found again with at most 4 % of their bits changed, all
at one distance in time, and 2.4 % on average: new encodings change up to 1.9 %. A cut at either end takes away one or
two frames. Other parts of a video in which hardly anything moves have up to 8 such frames, but with 3 % on average."""
MOST_MEAN = 0.024
_JITTER_S = 0.05
"""How far encoders and other frame rates move a frame in time."""


@dataclass(frozen=True, slots=True)
class Prints:
    """Prints of some frames.

    Attributes:
        times_s: float64 [n], seconds after the first frame.
        bits: bool [n, 255].
    """

    times_s: NDArray[np.float64]
    bits: NDArray[np.bool_]

    def kept(self) -> Prints:
        """Those that are kept of a capture, evenly spread in time."""
        wanted = np.linspace(self.times_s[0], self.times_s[-1], KEPT + 2)[1:-1]
        chosen = np.unique(np.abs(self.times_s[:, None] - wanted[None]).argmin(0))
        return Prints(self.times_s[chosen], self.bits[chosen])

    def bands(self) -> list[int]:
        """Signed 64-bit numbers under which these frames can be looked up."""
        found: list[int] = []
        for band in range(_BANDS):
            chosen = self.bits[:, _ORDER[band * _BAND_BITS : (band + 1) * _BAND_BITS]]
            part = np.ascontiguousarray(np.packbits(chosen, axis=1))
            # The band's number makes the same bits in another band another number.
            found += (part.view(">i8")[:, 0].astype(np.int64) ^ np.int64(band)).tolist()
        return list(dict.fromkeys(found))

    def to_bytes(self) -> bytes:
        """For storage: per frame its time in milliseconds (4 bytes) and its bits (32 bytes)."""
        times = np.round(self.times_s * 1000).astype(">u4").view(np.uint8).reshape(-1, 4)
        return np.hstack([times, np.packbits(self.bits, axis=1)]).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Prints:
        """Undo :meth:`to_bytes`.

        Raises:
            ValueError: not of that form.
        """
        rows = np.frombuffer(data, np.uint8).reshape(-1, 36)
        times = rows[:, :4].copy().view(">u4")[:, 0].astype(np.float64) / 1000
        return cls(times, np.unpackbits(rows[:, 4:], axis=1)[:, :BITS].astype(bool))


# Bits of a band are spread over all frequencies: high ones change first.
_ORDER = np.random.default_rng(20261124).permutation(BITS)


def prints_of(glances: Sequence[Glance]) -> Prints:
    """Make the prints of all frames of a capture; there must be at least one."""
    bits = np.stack([cv2.dct(glance.thumb)[:_SIDE, :_SIDE].ravel()[1:] > 0 for glance in glances])
    return Prints(np.array([glance.time_s for glance in glances]), bits)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two recordings are.

    Attributes:
        known: kept frames of the earlier one that were found again, at the distance in time at which most were.
        changed: mean share of their bits that changed; 1 when none was found.
        same: it is the same recording.
    """

    known: int
    changed: float
    same: bool


def likeness(earlier: Prints, now: Prints) -> Likeness:
    """Look for the kept frames of an earlier recording among all frames of this one."""
    apart = (earlier.bits[:, None] != now.bits[None]).mean(2)
    distances = now.times_s[None] - earlier.times_s[:, None]
    best = Likeness(0, 1.0, same=False)
    # Frames hardly differ while nobody moves, so the nearest frame is often not the right one: each distance in time at
    # which any frame was found is tried for all.
    for distance in np.unique(distances[apart <= MOST_CHANGED].round(2)):
        there = np.where(np.abs(distances - distance) <= _JITTER_S, apart, np.inf).min(1)
        found = there <= MOST_CHANGED
        known, changed = int(found.sum()), float(there[found].mean()) if found.any() else 1.0
        if (known, -changed) > (best.known, -best.changed):
            same = known >= min(LEAST_KNOWN, len(there)) and changed <= MOST_MEAN
            best = Likeness(known, changed, same=same)
    return best

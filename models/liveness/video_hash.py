"""Perceptual hashes of videos, to recognise a video that was sent before, even if re-encoded, scaled or cut.

The hash of a frame is the signs of the 255 lowest frequencies of its thumbnail (pHash, Zauner 2010, with more bits:
signs of a discrete cosine transform survive scaling, brightness and compression). Re-encoding six videos (VP8 or H.264
at low quality, two thirds of the size) changed at most 3.1 % of the bits of any frame, 0.4 to 1.0 % on average. Two
frames that are a tenth of a second apart differ in 1 to 35 % (``python -m bench.video_hashes``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the service looks hashes up without loading a face model
    from models.liveness.readings import Glance

BITS = 255
_SIDE = 16
STORED_FRAMES = 8
"""Frames of a video whose hashes are stored."""
_BAND_BITS = 64
_BANDS = 2
"""The index finds a frame by any of its 2 bands of 64 bits, if all bits of the band are equal. At 1 % changed bits a
band survives with probability 0.53: of the 16 bands of a video, none survives in 6 of a million videos."""

MOST_CHANGED = 0.04
LEAST_MATCHED = 6
"""Two videos are the same if at least 6 of 8 stored frames are found again with at most 4 % of their bits changed, all
at one distance in time, and 2.4 % on average: re-encoding changes up to 1.9 % on average. A cut at either end removes
one or two frames. Other parts of a video in which hardly anything moves share up to 8 such frames, but with 3 % on
average."""
MOST_MEAN = 0.024
_JITTER_S = 0.05
"""How far encoders and other frame rates move a frame in time, in seconds."""


@dataclass(frozen=True, slots=True)
class VideoHash:
    """The perceptual hash of a video: the hashes of all its frames, or of some.

    Attributes:
        times_s: float64 [n], seconds after the first frame.
        bits: bool [n, 255].
    """

    times_s: NDArray[np.float64]
    bits: NDArray[np.bool_]

    def reduced(self) -> VideoHash:
        """Return the hash of the few frames that are stored, evenly spread in time."""
        wanted = np.linspace(self.times_s[0], self.times_s[-1], STORED_FRAMES + 2)[1:-1]
        chosen = np.unique(np.abs(self.times_s[:, None] - wanted[None]).argmin(0))
        return VideoHash(self.times_s[chosen], self.bits[chosen])

    def bands(self) -> list[int]:
        """Return the signed 64-bit numbers by which the index finds these frames."""
        numbers: list[int] = []
        for band in range(_BANDS):
            chosen = self.bits[:, _ORDER[band * _BAND_BITS : (band + 1) * _BAND_BITS]]
            part = np.ascontiguousarray(np.packbits(chosen, axis=1))
            # Mixing in the band's index gives equal bits in different bands different numbers.
            numbers += (part.view(">i8")[:, 0].astype(np.int64) ^ np.int64(band)).tolist()
        return list(dict.fromkeys(numbers))

    def to_bytes(self) -> bytes:
        """Encode for storage: for each frame its time in milliseconds (4 bytes) and its bits (32 bytes)."""
        times = np.round(self.times_s * 1000).astype(">u4").view(np.uint8).reshape(-1, 4)
        return np.hstack([times, np.packbits(self.bits, axis=1)]).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> VideoHash:
        """Decode what :meth:`to_bytes` returned.

        Raises:
            ValueError: the length is not a multiple of 36 bytes.
        """
        rows = np.frombuffer(data, np.uint8).reshape(-1, 36)
        times = rows[:, :4].copy().view(">u4")[:, 0].astype(np.float64) / 1000
        return cls(times, np.unpackbits(rows[:, 4:], axis=1)[:, :BITS].astype(bool))


# Bits of a band are spread over all frequencies: high ones change first.
_ORDER = np.random.default_rng(20261124).permutation(BITS)


def hash_frames(glances: Sequence[Glance]) -> VideoHash:
    """Hash all frames of a video; there must be at least one."""
    bits = np.stack([cv2.dct(glance.thumb)[:_SIDE, :_SIDE].ravel()[1:] > 0 for glance in glances])
    return VideoHash(np.array([glance.time_s for glance in glances]), bits)


@dataclass(frozen=True, slots=True)
class HashMatch:
    """How similar two videos are by their hashes.

    Attributes:
        matched_count: stored frames of the earlier video found again, at the distance in time at which most were.
        changed: mean share of their bits that changed; 1 if none was found.
        same: the two are the same video.
    """

    matched_count: int
    changed: float
    same: bool


def compare_hashes(earlier: VideoHash, later: VideoHash) -> HashMatch:
    """Look for the stored frames of an earlier video among all frames of a later one.

    Args:
        earlier: the stored hash, :meth:`VideoHash.reduced`.
        later: the hash of all frames of the video that is checked.
    """
    apart = (earlier.bits[:, None] != later.bits[None]).mean(2)
    distances = later.times_s[None] - earlier.times_s[:, None]
    best = HashMatch(0, 1.0, same=False)
    # While the person keeps still, neighbouring frames hardly differ and the nearest one is often the wrong one. So
    # each distance in time at which any frame matches is tried for all frames.
    for distance in np.unique(distances[apart <= MOST_CHANGED].round(2)):
        nearest = np.where(np.abs(distances - distance) <= _JITTER_S, apart, np.inf).min(1)
        matched = nearest <= MOST_CHANGED
        count, changed = int(matched.sum()), float(nearest[matched].mean()) if matched.any() else 1.0
        if (count, -changed) > (best.matched_count, -best.changed):
            same = count >= min(LEAST_MATCHED, len(nearest)) and changed <= MOST_MEAN
            best = HashMatch(count, changed, same=same)
    return best

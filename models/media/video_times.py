"""Make the timestamps of frames strictly increasing, and measure how even they are."""

from __future__ import annotations

import numpy as np

# WebM rounds to milliseconds, so even at 60 frames a second an interval is wrong by at most 6 %. At 20 % the camera
# waited for light or the recorder dropped frames. One such interval in twenty is tolerated.
_UNEVEN = 0.20
_TOLERATED = 0.05


class Timeline:
    """Times of the frames of one video, in the order of presentation.

    If a frame has no timestamp, or one that is not later than that of the frame before, it is placed one usual interval
    after that frame, and counted. All later frames are shifted by the same time, so they keep their distances.

    Args:
        rate: frames per second that the file declares, to place frames without a timestamp. An invalid rate counts
            as 30.
    """

    def __init__(self, rate: float | None) -> None:
        self._step = 1 / rate if rate and 1 <= rate <= 240 else 1 / 30
        self._shift: float | None = None
        self._last = 0.0
        self._intervals: list[float] = []
        self.frames = 0
        self.repaired = 0

    def place(self, stamp: float | None) -> float:
        """Return the time of the next frame in seconds since the first, which is at 0.

        Args:
            stamp: seconds as the file declares them, or None.
        """
        time = 0.0
        if self.frames:
            time = self._last + self._step
            if stamp is not None and self._shift is not None and stamp + self._shift > self._last:
                time = stamp + self._shift
            else:
                self.repaired += 1
            self._intervals.append(time - self._last)
        if stamp is not None:
            self._shift = time - stamp
        elif not self.frames:
            self.repaired += 1
        self.frames += 1
        self._last = time
        return time

    @property
    def seconds(self) -> float:
        """Return the time from the first frame to the last, in seconds."""
        return self._last

    @property
    def rate(self) -> float:
        """Return the frames per second on average; 0 for fewer than two frames."""
        return (self.frames - 1) / self._last if self._last > 0 else 0.0

    @property
    def variable(self) -> bool:
        """Return whether more than one interval in twenty differs from the median by more than a fifth."""
        if len(self._intervals) < 2:
            return False
        intervals = np.asarray(self._intervals)
        median = np.median(intervals)
        return bool(np.mean(np.abs(intervals - median) > _UNEVEN * median) > _TOLERATED)


class Thinning:
    """Selects at most ``rate`` frames a second by their times: the first frame in each slot of 1/rate seconds.

    Args:
        rate: frames per second; None keeps every frame.
    """

    # Timestamps are rounded to a millisecond: a frame due at 0.1 s may be stamped 0.099.
    _ROUNDING = 0.0015

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._slot = -1

    def keep(self, time: float) -> bool:
        """Return whether the frame at this time is wanted; call it once for each frame, in order."""
        if self._rate is None:
            return True
        slot = int((time + self._ROUNDING) * self._rate)
        wanted, self._slot = slot > self._slot, slot
        return wanted

"""When each frame is shown: timestamps made strictly increasing, and what they say about the recording."""

from __future__ import annotations

import numpy as np

# WebM rounds to milliseconds, so that even at 60 frames a second an interval is off by 6 % at most; 20 % is a camera
# that waits for light or a recorder that dropped frames. One hiccup in twenty intervals is forgiven.
_UNEVEN = 0.20
_FORGIVEN = 0.05


class Timeline:
    """Times of the frames of one video, in the order of presentation.

    A frame without a timestamp, or with one that is not later than the frame before, is placed one usual interval
    after it, and counted. What follows a jump back moves along, so the frames after it keep their own distances.

    Args:
        rate: frames per second that the file declares, to place frames that say nothing; nonsense is taken as 30.
    """

    def __init__(self, rate: float | None) -> None:
        self._step = 1 / rate if rate and 1 <= rate <= 240 else 1 / 30
        self._shift: float | None = None
        self._last = 0.0
        self._intervals: list[float] = []
        self.frames = 0
        self.repaired = 0

    def place(self, stamp: float | None) -> float:
        """Time of the next frame in seconds since the first, which is at 0.

        Args:
            stamp: seconds as the file says, or None.
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
        """From the first frame to the last."""
        return self._last

    @property
    def rate(self) -> float:
        """Frames per second on average; 0 for less than two frames."""
        return (self.frames - 1) / self._last if self._last > 0 else 0.0

    @property
    def variable(self) -> bool:
        """Whether more than one interval in twenty is a fifth away from the median."""
        if len(self._intervals) < 2:
            return False
        intervals = np.asarray(self._intervals)
        median = np.median(intervals)
        return bool(np.mean(np.abs(intervals - median) > _UNEVEN * median) > _FORGIVEN)


class Thinning:
    """Picks at most ``rate`` frames a second, by their times alone: the first frame in each slot of 1/rate seconds.

    Args:
        rate: frames per second; None keeps every frame.
    """

    # Timestamps are rounded to a millisecond: a frame due at 0.1 s may say 0.099.
    _ROUNDING = 0.0015

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._slot = -1

    def keep(self, time: float) -> bool:
        """Whether the frame at this time is wanted; ask once for each, in order."""
        if self._rate is None:
            return True
        slot = int((time + self._ROUNDING) * self._rate)
        wanted, self._slot = slot > self._slot, slot
        return wanted

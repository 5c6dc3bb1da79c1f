"""Collect the frames of a live capture: bounded, in order, and kept only from the start of the recording."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid, TooLarge
from models.errors import ImageRefused
from models.guidance import sentence
from models.media.image import probe
from models.media.video_frames import FRAME_LIMITS, JpegFrame, join_frames

FRAME_HEADER = struct.Struct(">II")
"""Before each JPEG: its number, and when it was taken in milliseconds of the phone's clock. Both must increase."""

MAX_FRAME_MESSAGE = FRAME_HEADER.size + FRAME_LIMITS.max_bytes
"""Bytes of one message with a frame."""

MAX_RATE = 15.0
"""Frames a second, over two seconds, that are kept; further frames are dropped. Phones are asked for five to ten."""

MAX_BYTES = 20_000_000
"""Bytes of one recording: 20 seconds of 15 frames with 60 kB each."""

MAX_WRONG = 20
"""Unusable frames after which the capture ends."""

_BURST_S = 2.0

MOST_MOTION = 1000
"""Samples of the phone's motion that are kept: 50 s of the page's 20 a second."""
MAX_REPORTS = 300
"""Messages about camera and motion in one capture. The page sends one every two seconds, for four minutes at most."""
_MOTION_MARGIN_MS = 1000
"""Milliseconds before and after the film from which samples are stored: the clocks of camera and sensor differ."""


@dataclass(frozen=True, slots=True)
class _Kept:
    frame: JpegFrame
    arrived_ms: int


class Recording:
    """The frames of one capture. Times are whole milliseconds; arrival times are of the server's clock."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._size: tuple[int, int] | None = None
        self._bytes = 0
        self._last_seq = -1
        self._last_ms: int | None = None
        self._wrong = 0
        self._reports = 0
        self._motion: list[tuple[int, float, float, float]] = []

    def add(self, seq: int, captured_ms: int, jpeg: bytes, arrived_ms: int) -> bool:
        """Add a frame.

        Args:
            seq: number of the frame.
            captured_ms: when it was taken, of the phone's clock.
            jpeg: the frame.
            arrived_ms: when it arrived, of the server's clock.

        Returns:
            Whether the frame was kept; False when it is unusable or frames come too fast.

        Raises:
            Invalid: the frame is not later than the one before (``frame_order``), its size differs
                (``frame_size_changed``), or more than ``MAX_WRONG`` frames were unusable (``frame_unusable``).
            TooLarge: the recording has more than ``MAX_BYTES`` (``live_too_long``).
        """
        if seq <= self._last_seq or (self._last_ms is not None and captured_ms <= self._last_ms):
            raise Invalid("Frames must come in the order in which they were taken.", code=ErrorCode.FRAME_ORDER)
        self._last_seq, self._last_ms = seq, captured_ms
        try:
            info = probe(jpeg, FRAME_LIMITS)
        except ImageRefused as error:
            return self._note_wrong(sentence(error.code))
        if info.unended or not jpeg.startswith(b"\xff\xd8"):
            # Frames are stored as they are, and the decoder of films guesses what is missing.
            return self._note_wrong(sentence("truncated"))
        if info.orientation != 1:
            return self._note_wrong("Frames must be upright, without a note to turn them.")
        if self._size is None:
            self._size = info.width, info.height
        elif (info.width, info.height) != self._size:
            raise Invalid("The frames change their size.", hint="Begin again.", code=ErrorCode.FRAME_SIZE_CHANGED)
        recent = [kept for kept in self._kept[-64:] if captured_ms - kept.frame.time_ms < 1000 * _BURST_S]
        if len(recent) >= MAX_RATE * _BURST_S:
            return False
        self._bytes += len(jpeg)
        if self._bytes > MAX_BYTES:
            raise TooLarge("The recording became too large.", hint="Send smaller frames.", code=ErrorCode.LIVE_TOO_LONG)
        self._kept.append(_Kept(JpegFrame(captured_ms, jpeg), arrived_ms))
        return True

    def note_motion(self, samples: Sequence[tuple[int, float, float, float]]) -> None:
        """Keep samples of the phone's motion, the newest only: milliseconds of its clock and three speeds of turning.

        Raises:
            Invalid: more than ``MAX_REPORTS`` messages came (``live_message``).
        """
        self._reports += 1
        if self._reports > MAX_REPORTS:
            raise Invalid("The phone says too much.", hint="Begin again.", code=ErrorCode.LIVE_MESSAGE)
        self._motion = [*self._motion, *samples][-MOST_MOTION:]

    def note_unreadable(self) -> None:
        """Count a frame whose pixels could not be read.

        Raises:
            Invalid: more than ``MAX_WRONG`` frames were unusable (``frame_unusable``).
        """
        self._note_wrong("A frame could not be opened as a picture.")

    def forget_before(self, captured_ms: int) -> None:
        """Drop the frames taken before an instant, because the recording begins, or begins again, there."""
        self._kept = [kept for kept in self._kept if kept.frame.time_ms >= captured_ms]
        self._bytes = sum(len(kept.frame.jpeg) for kept in self._kept)

    def close(self, until_ms: int) -> tuple[bytes, dict[str, Any]]:
        """Return the recording up to an instant as a video, and when its frames arrived.

        Args:
            until_ms: the last frame to keep, of the phone's clock.

        Returns:
            The video, and its size in pixels with the pairs (taken, arrived) and the samples of the phone's motion,
            both in milliseconds from the first frame.

        Raises:
            Invalid: there are fewer than two frames (``live_too_short``).
        """
        kept = [entry for entry in self._kept if entry.frame.time_ms <= until_ms]
        if self._size is None or len(kept) < 2:
            raise Invalid("Nothing was recorded.", hint="Begin again.", code=ErrorCode.LIVE_TOO_SHORT)
        video = join_frames([entry.frame for entry in kept], *self._size)
        first = kept[0]
        arrivals = [[entry.frame.time_ms - first.frame.time_ms, entry.arrived_ms - first.arrived_ms] for entry in kept]
        begin = first.frame.time_ms
        motion = [
            [time_ms - begin, *speeds]
            for time_ms, *speeds in self._motion
            if begin - _MOTION_MARGIN_MS <= time_ms <= until_ms + _MOTION_MARGIN_MS
        ]
        return video, {"width": self._size[0], "height": self._size[1], "times_ms": arrivals, "motion": motion}

    def _note_wrong(self, what: str) -> bool:
        self._wrong += 1
        if self._wrong > MAX_WRONG:
            raise Invalid(what, hint="Record a video and send it instead.", code=ErrorCode.FRAME_UNUSABLE)
        return False

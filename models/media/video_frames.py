"""Store a live capture as a video file: the JPEG frames as received, with their times, without re-encoding.

The file is Matroska with MJPEG, so that live captures go through the same reader and checks as uploaded videos.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av

from models.media.image import ImageLimits

FRAME_LIMITS = ImageLimits(max_bytes=200_000, max_pixels=1280 * 960, min_side=160, formats=frozenset({"JPEG"}))
"""One frame: 640 x 480 at good quality has 60 kB; 1280 x 960 is for phones that cannot scale, and is halved."""

_MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """One frame as a camera sent it.

    Attributes:
        time_ms: when it was taken, milliseconds of any clock that does not go back.
        jpeg: the file, without EXIF rotation.
    """

    time_ms: int
    jpeg: bytes


def join_frames(frames: Sequence[JpegFrame], width: int, height: int) -> bytes:
    """Join frames into one file, the first at time 0. The same frames give the same bytes.

    Args:
        frames: at least one; their times increase.
        width: columns of every frame.
        height: rows of every frame.

    Raises:
        ValueError: there is no frame, or the times do not increase.
    """
    if not frames or any(b.time_ms <= a.time_ms for a, b in pairwise(frames)):
        raise ValueError("the frames must be in the order of their times")
    file = io.BytesIO()
    # Without "bitexact" the file would name the library that wrote it and a random number.
    with av.open(file, "w", format="matroska", options={"fflags": "+bitexact"}) as output:
        track = output.add_stream("mjpeg", rate=10)
        track.width, track.height, track.pix_fmt = width, height, "yuvj420p"
        track.time_base = _MILLISECONDS
        for frame in frames:
            packet = av.Packet(frame.jpeg)
            packet.stream, packet.time_base, packet.is_keyframe = track, _MILLISECONDS, True
            packet.pts = packet.dts = frame.time_ms - frames[0].time_ms
            output.mux_one(packet)
    return file.getvalue()

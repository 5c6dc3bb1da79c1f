"""What a decoded video is, and what one of its frames is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.media.image import Pixels

Ended = Literal["whole", "truncated", "damaged"]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a decoded video is.

    Attributes:
        container: as in :class:`models.media.video_files.VideoFile`.
        codec: one of :data:`models.media.video_probe.CODECS`.
        pixel_format: FFmpeg's name, such as ``yuv420p``.
        width: columns of the upright frame at full size.
        height: rows of the upright frame at full size.
        rotation: degrees clockwise that were undone: 0, 90, 180 or 270.
        mirrored: left and right were exchanged as well.
        seconds: from the first frame to the last.
        frames: number of decoded frames, including those that were thinned out.
        key_frames: number of these that are coded without other frames. A recorder writes one every few seconds.
        mean_rate: frames per second; 0 for a single frame.
        variable_rate: the intervals between frames vary (:attr:`models.media.video_times.Timeline.variable`).
        repaired_times: frames whose timestamp was missing or did not increase.
        ended: ``whole``, or why only the frames before the damage were used.
        has_audio: the file also has a sound track.
        tags: the software or device that made the file. ``x264`` is set if that encoder signed its stream, which no
            camera does.
    """

    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int
    mirrored: bool
    seconds: float
    frames: int
    key_frames: int
    mean_rate: float
    variable_rate: bool
    repaired_times: int
    ended: Ended
    has_audio: bool
    tags: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame.

    Attributes:
        index: its number among all decoded frames, from 0, including those that were thinned out.
        time_s: seconds since the first frame, strictly increasing.
        pixels: uint8 [height, width, 3], BGR, upright.
        key: it is coded without other frames.
    """

    index: int
    time_s: float
    pixels: Pixels
    key: bool

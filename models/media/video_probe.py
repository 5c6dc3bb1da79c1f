"""Check a video without a decoder, by its headers and timestamps, against the limits of what is accepted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from models.errors import VideoRefused
from models.media.video_files import VideoFile, read_file
from models.media.video_open import MEDIA_ERRORS, OpenVideo, Work, open_video, tags

MAX_BESIDE, MAX_SOUND = 1_000_000, 6_000_000
"""Bytes of a file that belong to no frame: tables and tags have some kilobytes, space that a phone reserves for its
table of contents some hundred; and 30 seconds of uncompressed sound 5.8 million."""


CODECS = frozenset(
    {"vp8", "vp9", "h264", "mjpeg", "hevc", "libdav1d", "mpeg4", "h263", "mpeg1video", "mpeg2video", "msmpeg4"}
)
"""Decoders: those of browsers, of phones (HEVC, AV1, and MPEG-4 part 2 and H.263 of old ones) and of cameras."""


WORK_S = 12.0
"""Processor seconds of opening and decoding one video. A frame of 4K takes 10 to 30 ms (``bench.bounded films``)."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Limits of accepted videos and of the frames that are returned.

    Attributes:
        max_bytes: file size. Phones record 1280 x 720 at 8 Mbit/s, so 30 seconds are 30 MB.
        min_seconds: shortest time from the first frame to the last; a person cannot answer a prompt in less than a
            second.
        max_seconds: longest time from the first frame to the last.
        max_pixels: stored width x height: 4096 x 2304, what cameras call 4K. A decoder keeps several such frames; one
            that needs more than its process may take is refused with ``video_too_many_pixels``.
        max_frames: stored frames: 30 seconds at 240 a second, the most a phone records, and a few more.
        max_rate: frames per second on average: 240, and the rounding of timestamps to milliseconds.
        max_packet: bytes of one stored frame. An uncompressed frame of 3840 x 2160 has 12.4 MB.
        max_side_out: longer side of returned frames, in pixels; 640 is the largest size the face detector uses.
        containers: as in :class:`models.media.video_files.VideoFile`.
        codecs: FFmpeg's own decoders by name.
    """

    max_bytes: int = 32_000_000
    min_seconds: float = 1.0
    max_seconds: float = 30.0
    max_pixels: int = 4096 * 2304
    max_frames: int = 7300
    max_rate: float = 245.0
    max_packet: int = 12_500_000
    max_side_out: int = 640
    containers: frozenset[str] = frozenset({"webm", "matroska", "mp4", "mov", "avi", "mpegts"})
    codecs: frozenset[str] = CODECS


@dataclass(frozen=True, slots=True)
class VideoHeader:
    """What a file declares without being decoded; all of it can be false.

    Attributes:
        container: as in :class:`models.media.video_files.VideoFile`.
        codec: one of :data:`CODECS`.
        width: stored columns, before rotation; 0 if the container does not declare them.
        height: stored rows, before rotation; 0 if the container does not declare them.
        seconds: from the first timestamp to the last.
        packets: stored frames, including those that are never shown.
        whole: the end of the file is present.
        has_audio: the file also has a sound track; it is never read.
        tags: the software or device that made the file (:data:`models.media.video_open._TAGS`).
    """

    container: str
    codec: str
    width: int
    height: int
    seconds: float
    packets: int
    whole: bool
    has_audio: bool
    tags: dict[str, str]


def probe_video(
    data: bytes,
    limits: VideoLimits | None = None,
    *,
    work_seconds: float | None = WORK_S,
    clock: Callable[[], float] = time.thread_time,
) -> VideoHeader:
    """Check a file by its headers and timestamps, without decoding a frame: 1 to 20 ms.

    Args:
        data: the file's bytes.
        limits: what is accepted; default :class:`VideoLimits`.
        work_seconds: see :class:`models.media.video.VideoReader`.
        clock: see :class:`models.media.video.VideoReader`.

    Raises:
        VideoRefused: the file is refused; its code is one of :data:`models.media.video.CODES`.
    """
    limits = limits or VideoLimits()
    return probe(data, checked_file(data, limits), limits, Work(work_seconds, clock))


def checked_file(data: bytes, limits: VideoLimits) -> VideoFile:
    """Check the size and the container of a file, by its bytes alone.

    Raises:
        VideoRefused: the file is refused; its code is one of :data:`models.media.video.CODES`.
    """
    if len(data) > limits.max_bytes:
        raise VideoRefused("video_too_many_bytes", f"The file has {len(data)} bytes; {limits.max_bytes} are accepted")
    file = read_file(data)
    if file.container not in limits.containers:
        raise VideoRefused("unsupported_video", f"{file.container} files are not accepted here")
    return file


def probe(data: bytes, file: VideoFile, limits: VideoLimits, work: Work) -> VideoHeader:
    """Check headers and timestamps of a file whose bytes were checked.

    Args:
        data: the file's bytes.
        file: what :func:`checked_file` returned.
        limits: what is accepted.
        work: counts the time.

    Raises:
        VideoRefused: the file is refused; its code is one of :data:`models.media.video.CODES`.
    """
    with open_video(data, file, work, limits.codecs) as video:
        width, height = video.stream.width, video.stream.height
        if width * height > limits.max_pixels:
            raise too_many_pixels(width, height)
        stamps, packets, filled = _walk(video, limits, work)
        if len(data) - filled > MAX_BESIDE + (MAX_SOUND if video.has_audio else 0):
            raise VideoRefused("video_damaged", "The file holds far more than its pictures and sound")
        seconds = max(stamps) - min(stamps) if stamps else 0.0
        if packets == 0:
            raise VideoRefused("video_no_frames" if file.whole else "video_truncated", "The file holds no frame")
        if seconds > limits.max_seconds:
            raise too_long(limits)
        # A fifth more, for frames that are never shown. The exact number is known after decoding.
        if packets > 1.2 * max(limits.max_rate * seconds, limits.max_rate):
            raise too_fast()
        if seconds < limits.min_seconds and len(stamps) == packets:
            code = "video_too_short" if file.whole else "video_truncated"
            raise VideoRefused(code, f"The video lasts {seconds:.2f} s")
        return VideoHeader(
            container=file.container,
            codec=video.stream.codec_context.codec.name,
            width=width,
            height=height,
            seconds=seconds,
            packets=packets,
            whole=file.whole,
            has_audio=video.has_audio,
            tags=tags(video),
        )


def _walk(video: OpenVideo, limits: VideoLimits, work: Work) -> tuple[set[float], int, int]:
    """Return the distinct timestamps of all stored frames, their number and their bytes."""
    stamps: set[float] = set()
    packets = video.container.demux(video.stream)
    avi = video.container.format.name == "avi"  # which tells only the order of decoding
    count = filled = 0
    while True:
        with work:
            try:
                packet = next(packets, None)
            except MEDIA_ERRORS:
                packet = None
            video.source.check()
        if packet is None:
            return stamps, count, filled
        if packet.size == 0:  # an empty packet makes a decoder return the frames it holds
            continue
        count += 1
        filled += packet.size
        if count > 1.2 * limits.max_frames:
            raise too_fast()
        moment = stamp(packet.dts if avi else packet.pts, packet.time_base)
        if moment is not None:
            stamps.add(moment)


def stamp(pts: int | None, base: Fraction | None) -> float | None:
    """Return a timestamp in seconds; None if the file has none."""
    if pts is None or not base:
        return None
    seconds = float(pts * base)
    return seconds if math.isfinite(seconds) else None


def too_many_pixels(width: int, height: int) -> VideoRefused:
    """Make the refusal of frames of this size."""
    return VideoRefused("video_too_many_pixels", f"The frames have {width} x {height} pixels")


def too_long(limits: VideoLimits) -> VideoRefused:
    """Make the refusal of a video longer than these limits."""
    return VideoRefused("video_too_long", f"The video lasts longer than {limits.max_seconds:g} s")


def too_fast() -> VideoRefused:
    """Make the refusal of a video with more frames than any camera records."""
    return VideoRefused("video_too_fast", "The video has too many frames for its length")

"""Open a video with FFmpeg in a confined way: no other file or address, no other demuxer or decoder."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from models.errors import VideoRefused
from models.media.video_files import VideoFile

MEDIA_ERRORS = (av.FFmpegError, ValueError, RuntimeError, OverflowError, MemoryError)
"""What PyAV raises for bytes that it cannot use; VideoRefused is not among them."""

_DEMUXERS = {
    "webm": "matroska",
    "matroska": "matroska",
    "mp4": "mov",
    "mov": "mov",
    "avi": "avi",
    "mpegts": "mpegts",
}

_OPTIONS = {
    # The bytes are passed in memory. Other files or addresses that a file names are neither opened nor looked up.
    "protocol_whitelist": "none",
    "format_whitelist": "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts",
    "enable_drefs": "0",
    # Opening reads headers only: without this, FFmpeg would decode frames of every stream to complete them.
    "codec_whitelist": "none",
    "probesize": "65536",
    "max_streams": "16",
    # An edit list can hide or repeat parts. All that was recorded is judged, as it was recorded.
    "ignore_editlist": "1",
    "advanced_editlist": "0",
    "ignore_chapters": "1",
}

_TAG_LENGTH = 100
_TAGS = {
    "encoder",
    "handler_name",
    "vendor_id",
    "creation_time",
    "major_brand",
    "compatible_brands",
    "software",
    "make",
    "model",
    "com.android.version",
    "com.android.manufacturer",
    "com.android.model",
    "com.apple.quicktime.software",
    "com.apple.quicktime.make",
    "com.apple.quicktime.model",
    "com.apple.quicktime.creationdate",
}
"""Tags that tell what made a file. No other tag is read: places, names and free text are private."""


class Work:
    """Bounds the time spent inside FFmpeg, which counts only within ``with work:``.

    Args:
        limit: seconds; None means without limit.
        clock: returns seconds that never decrease.
    """

    def __init__(self, limit: float | None, clock: Callable[[], float]) -> None:
        self._limit, self._clock = limit, clock
        self._used = self._since = 0.0

    def __enter__(self) -> Self:
        self._since = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._used += self._clock() - self._since

    def over(self) -> bool:
        """Return whether the limit was passed; call it within ``with work:``."""
        return self._limit is not None and self._used + self._clock() - self._since > self._limit

    def check(self) -> None:
        """Stop if the limit was passed; call it within ``with work:``.

        Raises:
            VideoRefused: the limit was passed (``video_timeout``).
        """
        if self.over():
            raise VideoRefused("video_timeout", f"Reading the video took longer than {self._limit} s")


class Source:
    """The bytes as a file that seems to end when the time or the number of bytes to read is used up.

    FFmpeg may swallow what a callback raises, so :meth:`read` raises nothing; :meth:`check` does.
    """

    def __init__(self, data: bytes, work: Work) -> None:
        self._file = io.BytesIO(data)
        self._work = work
        # A table of contents may send the reader to the same place many times: 900 "frames" of 30 MB each. Normal files
        # are read once; those with sound apart from the picture in blocks of 32 kB around every frame.
        self._bytes_left = 4 * len(data) + 64_000_000

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes; return none if a limit was passed."""
        if self._bytes_left <= 0 or self._work.over():
            return b""
        piece = self._file.read(size)
        self._bytes_left -= len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to another position, never before the start."""
        base = {0: 0, 1: self._file.tell()}.get(whence, len(self._file.getbuffer()))
        return self._file.seek(max(0, base + offset))

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._file.tell()

    def check(self) -> None:
        """Raise an error if reading stopped at a limit.

        Raises:
            VideoRefused: the time is used up (``video_timeout``), or the file made FFmpeg read too many bytes
                (``video_damaged``).
        """
        self._work.check()
        if self._bytes_left <= 0:
            raise VideoRefused("video_damaged", "The file makes its reader read the same bytes too often")


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """An opened file and its video stream."""

    container: InputContainer
    stream: VideoStream
    source: Source
    has_audio: bool


@contextmanager
def open_video(data: bytes, file: VideoFile, work: Work, codecs: frozenset[str]) -> Iterator[OpenVideo]:
    """Open the bytes as the recognised container; no decoder runs.

    Args:
        data: the file.
        file: what :func:`models.media.video_files.read_file` returned for it.
        work: counts the time.
        codecs: names of FFmpeg's decoders that may be used later.

    Raises:
        VideoRefused: the file cannot be opened (``video_damaged``, ``video_truncated``), has no frame
            (``video_no_frames``), has sound only (``video_no_picture``), has a codec that is not accepted
            (``unsupported_video``), or took too long (``video_timeout``).
    """
    with work:
        source = Source(data, work)
        try:
            container = av.open(
                source,
                "r",
                format=_DEMUXERS[file.container],
                options=dict(_OPTIONS),
                metadata_errors="replace",
                io_open=_refuse,
            )
        except MEDIA_ERRORS as error:
            source.check()
            raise _cannot_open(file, error) from error
    try:
        yield OpenVideo(container, _choose(container, codecs), source, bool(container.streams.audio))
    finally:
        container.close()


def tags(video: OpenVideo) -> dict[str, str]:
    """Return the listed tags of the file and of its video track, cut to 100 printable characters."""
    listed: dict[str, str] = {}
    for prefix, metadata in (("", video.container.metadata), ("track_", video.stream.metadata)):
        for key, value in metadata.items():
            name = str(key).lower()
            text = "".join(letter for letter in str(value)[:_TAG_LENGTH] if letter.isprintable()).strip()
            if name in _TAGS and text:
                listed[prefix + name] = text
    return listed


def _choose(container: InputContainer, codecs: frozenset[str]) -> VideoStream:
    # A cover picture is a video stream of one frame, and no recording.
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoRefused("video_no_picture", "The file holds no moving picture")
    chosen = streams[0]
    for stream in container.streams:
        if stream.index != chosen.index:
            stream.discard = Discard.all
    # A stream with an unknown codec has no context.
    context: Any = chosen.codec_context
    name = context.codec.name if context is not None else "unknown"
    if name not in codecs:
        raise VideoRefused("unsupported_video", f"The codec {name} is not accepted")
    return chosen


def _cannot_open(file: VideoFile, error: Exception) -> VideoRefused:
    if not file.whole:
        return VideoRefused("video_truncated", "The file ends before its first frame")
    if isinstance(error, av.error.EOFError):
        return VideoRefused("video_no_frames", "The file holds no frame")
    return VideoRefused("video_damaged", "The file is damaged and cannot be opened")


def _refuse(url: str, flags: int, options: dict[str, str]) -> Any:  # noqa: ARG001 - PyAV's signature
    raise PermissionError("a video names another file")

"""Opening a video with FFmpeg, and nothing but this video: no other file, no address, no other demuxer or decoder."""

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
"""What PyAV raises for bytes that it cannot use; VideoRefused is none of them."""

_DEMUXERS = {"webm": "matroska", "matroska": "matroska", "mp4": "mov", "mov": "mov"}

_OPTIONS = {
    # The bytes are handed over in memory; whatever else a file names is neither opened nor looked up.
    "protocol_whitelist": "none",
    "format_whitelist": "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2",
    "enable_drefs": "0",
    # Opening reads headers only: without this, FFmpeg would decode frames of every stream to complete them.
    "codec_whitelist": "none",
    "probesize": "65536",
    "max_streams": "16",
    # An edit list can hide or repeat parts. What was recorded is what is judged.
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
"""Tags that tell what made a file. Everything else stays unread: places, names and free text are nobody's business."""


class Work:
    """Bounds the time spent inside FFmpeg, which is counted only within ``with work:``.

    Args:
        limit: seconds; None is without end.
        clock: seconds of anything that does not go back.
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
        """Whether the limit was passed; to be asked within ``with work:``."""
        return self._limit is not None and self._used + self._clock() - self._since > self._limit

    def check(self) -> None:
        """Stop when the limit was passed; to be asked within ``with work:``.

        Raises:
            VideoRefused: ``video_timeout``.
        """
        if self.over():
            raise VideoRefused("video_timeout", f"Reading the video took longer than {self._limit} s")


class Source:
    """The bytes as a file that pretends to end when time or patience are over.

    FFmpeg may swallow what a callback raises, so nothing is raised here.
    """

    def __init__(self, data: bytes, work: Work) -> None:
        self._file = io.BytesIO(data)
        self._work = work
        # A table of contents may send the reader to the same place again and again: 900 "frames" of 30 MB each. Honest
        # files are read once, and those with sound apart from the picture in blocks of 32 kB around every frame.
        self._patience = 4 * len(data) + 64_000_000

    def read(self, size: int = -1) -> bytes:
        """Read on; nothing when a limit was passed."""
        if self._patience <= 0 or self._work.over():
            return b""
        piece = self._file.read(size)
        self._patience -= len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere, never before the start."""
        base = {0: 0, 1: self._file.tell()}.get(whence, len(self._file.getbuffer()))
        return self._file.seek(max(0, base + offset))

    def tell(self) -> int:
        """Position in bytes."""
        return self._file.tell()

    def check(self) -> None:
        """Say why reading stopped.

        Raises:
            VideoRefused: ``video_timeout`` or ``video_damaged``.
        """
        self._work.check()
        if self._patience <= 0:
            raise VideoRefused("video_damaged", "The file leads its reader around in circles")


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """A file that was opened, and its one stream of interest."""

    container: InputContainer
    stream: VideoStream
    source: Source
    has_audio: bool


@contextmanager
def opened(data: bytes, file: VideoFile, work: Work, codecs: frozenset[str]) -> Iterator[OpenVideo]:
    """Open the bytes as the container they were recognised as; no decoder runs.

    Args:
        data: the file.
        file: what :func:`models.media.video_files.read_file` said about it.
        work: where time is counted.
        codecs: names of FFmpeg's decoders that may be used later.

    Raises:
        VideoRefused: ``video_damaged``, ``video_truncated``, ``video_no_frames``, ``video_no_picture``,
            ``unsupported_video`` or ``video_timeout``.
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
    """Tags of the file and of the video track that are on the list, cut to 100 printable characters."""
    found: dict[str, str] = {}
    for prefix, metadata in (("", video.container.metadata), ("track_", video.stream.metadata)):
        for key, value in metadata.items():
            name = str(key).lower()
            text = "".join(letter for letter in str(value)[:_TAG_LENGTH] if letter.isprintable()).strip()
            if name in _TAGS and text:
                found[prefix + name] = text
    return found


def _choose(container: InputContainer, codecs: frozenset[str]) -> VideoStream:
    # A cover picture is a video stream of one frame; it is not what was recorded.
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoRefused("video_no_picture", "The file holds no moving picture")
    chosen = streams[0]
    for stream in container.streams:
        if stream.index != chosen.index:
            stream.discard = Discard.all
    # Some streams have a codec that nobody can decode: then there is no context at all.
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

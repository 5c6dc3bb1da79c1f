"""The decoders of pictures and videos as one part that can be replaced: in this process, or in one without keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from models.media import image, video
from models.media.image import ImageInfo, ImageLimits, Pixels
from models.media.video import Frame, VideoHeader, VideoInfo, VideoLimits, VideoReader


class Film(Protocol):
    """A video that is read once, frame by frame."""

    def __iter__(self) -> Iterator[Frame]:
        """Decode the frames that are analysed.

        Raises:
            VideoRefused: the video is refused; its code is one of :data:`models.media.video.CODES`.
        """
        ...

    @property
    def info(self) -> VideoInfo:
        """Return what the video is, once all frames were read."""
        ...


class Decoders(Protocol):
    """What decodes media. Several threads may use one object at once."""

    def decode(
        self, data: bytes, limits: ImageLimits | None = None, *, max_scale: int | None = None
    ) -> tuple[Pixels, ImageInfo]:
        """Decode a picture, as :func:`models.media.image.decode` does."""
        ...

    def film(self, data: bytes, limits: VideoLimits | None = None) -> Film:
        """Open a video whose frames are analysed: at most 30 a second (``VideoReader`` with ``thin``)."""
        ...

    def probe_video(self, data: bytes, limits: VideoLimits | None = None) -> VideoHeader:
        """Check a video by its headers, as :func:`models.media.video_probe.probe_video` does."""
        ...

    def close(self) -> None:
        """End what runs beside this process."""
        ...


class InProcess:
    """Decoders in this process: for measurements and tests on files that one trusts."""

    def decode(
        self, data: bytes, limits: ImageLimits | None = None, *, max_scale: int | None = None
    ) -> tuple[Pixels, ImageInfo]:
        """Decode a picture."""
        return image.decode(data, limits, max_scale=max_scale)

    def film(self, data: bytes, limits: VideoLimits | None = None) -> VideoReader:
        """Open a video whose frames are analysed."""
        return VideoReader(data, limits, thin=True)

    def probe_video(self, data: bytes, limits: VideoLimits | None = None) -> VideoHeader:
        """Check a video by its headers."""
        return video.probe_video(data, limits)

    def close(self) -> None:
        """Do nothing."""

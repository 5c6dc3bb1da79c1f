"""Decode one short video frame by frame, safely and within bounds.

The container is recognised and its tables are checked before FFmpeg gets a byte (:mod:`models.media.video_files`).
FFmpeg can open only this one file (:mod:`models.media.video_open`). Because headers can lie, every bound is checked
again while frames are decoded. Anything unusable is refused with a stable code:

========================  ===========================================================================
``video_empty``           no bytes
``not_a_video``           the bytes are no video
``unsupported_video``     a video, but of a container or codec that is not accepted
``video_no_picture``      sound only
``video_no_frames``       a video track without a single frame
``video_truncated``       the end is missing, and too little is left
``video_damaged``         broken inside, and too little is left before that; or impossible tables
``video_too_short``       shorter than the limit
``video_too_long``        longer than the limit
``video_too_many_bytes``  the file is larger than the limit
``video_too_many_pixels``  its frames have more pixels than the limit
``video_too_fast``        more frames, or more per second, than the limit
``video_size_changed``    the frames change their size, as when the phone is turned while recording
``video_timeout``         decoding took more time than allowed
========================  ===========================================================================

If a video is cut off or damaged, the frames before that point are used, as long as they last ``min_seconds``. Uploads
break off on bad networks, and an old person should not have to repeat ten seconds because the last one is missing.
:attr:`VideoInfo.ended` reports it. All answers to a challenge must then be in the frames before that point.

Nothing after the first damage that the decoder notices is used: decoders fill gaps with guessed pixels, which must not
be judged. The decoder notices most damage in H.264 and almost none in VP8 and VP9, which have no redundancy to check.

This module loads no neural network runtime. :func:`probe_video` runs no decoder at all, so the API process may use it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import av
from av.video.reformatter import VideoReformatter

from models.errors import VideoRefused
from models.media.video_info import Ended, Frame, VideoInfo
from models.media.video_open import MEDIA_ERRORS, OpenVideo, Work, open_video
from models.media.video_pixels import Pose, encoder_note, read_pose, to_upright
from models.media.video_probe import (
    WORK_S,
    VideoHeader,
    VideoLimits,
    checked_file,
    probe,
    probe_video,
    stamp,
    too_fast,
    too_long,
    too_many_pixels,
)
from models.media.video_times import Thinning, Timeline

__all__ = [
    "CODES",
    "MAX_LOOKED",
    "Frame",
    "VideoHeader",
    "VideoInfo",
    "VideoLimits",
    "VideoReader",
    "VideoRefused",
    "probe_video",
    "read_frames",
]

CODES = frozenset(
    {
        "video_empty",
        "not_a_video",
        "unsupported_video",
        "video_no_picture",
        "video_no_frames",
        "video_truncated",
        "video_damaged",
        "video_too_short",
        "video_too_long",
        "video_too_many_bytes",
        "video_too_many_pixels",
        "video_too_fast",
        "video_size_changed",
        "video_timeout",
    }
)

LOOKED_RATE, THIN_ABOVE = 30.0, 36.0
"""Frames a second that are analysed of a video with more than the second number: checks gain nothing from more
(docs/liveness.md), and each costs 2 to 3 ms. A video of 30 with uneven times is analysed whole."""

SLOW_MOTION = 62.0
"""Frames a second above which frames that no other frame needs are not decoded: most cameras write such frames."""

MAX_LOOKED = 1100
"""Frames that are analysed at most: 30 seconds at 36 a second, and a few more."""


def read_frames(data: bytes, limits: VideoLimits | None = None, *, rate: float | None = None) -> Iterator[Frame]:
    """Decode a file frame by frame; :class:`VideoReader` also describes the video.

    Args:
        data: the file's bytes.
        limits: what is accepted; default :class:`VideoLimits`.
        rate: see :class:`VideoReader`.

    Raises:
        VideoRefused: the video is refused, at the first frame or at a later one; its code is one of :data:`CODES`.
    """
    yield from VideoReader(data, limits, rate=rate)


class VideoReader:
    """Decodes a video once, frame by frame, and then describes it.

    It keeps only what the decoder itself needs. A refusal can come at any frame, also after the last one; the caller
    must then discard the frames it already has. The same file always gives the same frames, times and outcome, except
    for ``video_timeout``.

    Args:
        data: the file's bytes.
        limits: what is accepted; default :class:`VideoLimits`.
        rate: return at most this many frames a second, chosen by their times; the others are decoded too.
        thin: return what is analysed: at most 30 frames a second of a video that has clearly more.
        work_seconds: how long opening and decoding may take together, without the caller's work between frames; None
            means without limit. On a machine with 2 cores, 10 seconds of 640 x 480 take 0.4 s, 30 seconds of
            1920 x 1080 up to 4.4 s. Decoding one frame cannot be interrupted; its bytes and pixels are bounded.
        clock: measures this time, in seconds. The default counts the processor time of the calling thread, so that a
            busy machine causes no refusal.

    Raises:
        VideoRefused: the headers are refused, see :func:`probe_video`; its code is one of :data:`CODES`.
    """

    def __init__(
        self,
        data: bytes,
        limits: VideoLimits | None = None,
        *,
        rate: float | None = None,
        thin: bool = False,
        work_seconds: float | None = WORK_S,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._data = data
        self._limits = limits or VideoLimits()
        self._work = Work(work_seconds, clock)
        self._file = checked_file(data, self._limits)
        self.header = probe(data, self._file, self._limits, self._work)
        many = thin and self.header.packets > THIN_ABOVE * self.header.seconds
        self._thinning, self._thin, self._looked = Thinning(LOOKED_RATE if many else rate), thin, 0
        self._ended: Ended = "whole" if self._file.whole else "truncated"
        self._started = False
        self._info: VideoInfo | None = None

    @property
    def info(self) -> VideoInfo:
        """Return what the decoded video is.

        Raises:
            RuntimeError: not all frames were read yet, or the video was refused.
        """
        if self._info is None:
            raise RuntimeError("The video was not read to its end")
        return self._info

    def __iter__(self) -> Iterator[Frame]:
        """Decode the frames, once.

        Raises:
            VideoRefused: the video is refused; its code is one of :data:`CODES`.
            RuntimeError: the frames were read before.
        """
        if self._started:
            raise RuntimeError("A video is read once")
        self._started = True
        with open_video(self._data, self._file, self._work, self._limits.codecs) as video:
            yield from self._read(video)

    def _read(self, video: OpenVideo) -> Iterator[Frame]:
        rate = video.stream.average_rate
        timeline, reformatter = Timeline(float(rate) if rate else None), VideoReformatter()
        first: av.VideoFrame | None = None
        pose, keys = Pose(), 0
        for decoded in self._decode(video):
            if first is None:
                first, pose = decoded, read_pose(decoded)
            if decoded.width * decoded.height > self._limits.max_pixels:
                raise too_many_pixels(decoded.width, decoded.height)
            if (decoded.width, decoded.height) != (first.width, first.height):
                raise VideoRefused("video_size_changed", "The frames change their size")
            index, said = timeline.frames, decoded.dts if self._file.container == "avi" else decoded.pts
            moment = timeline.place(stamp(said, decoded.time_base))
            keys += bool(decoded.key_frame)
            self._check_times(timeline)
            if self._thinning.keep(moment):
                self._looked += 1
                if self._thin and self._looked > MAX_LOOKED:
                    raise too_fast()
                with self._work:
                    try:
                        pixels = to_upright(
                            decoded, pose, reformatter, self._limits.max_side_out, video.stream.sample_aspect_ratio
                        )
                    except MEDIA_ERRORS as error:
                        raise VideoRefused(
                            "unsupported_video", "The pixel format of the frames cannot be converted"
                        ) from error
                yield Frame(index, moment, pixels, bool(decoded.key_frame))
        if first is None:
            raise VideoRefused("video_truncated" if self._ended == "truncated" else "video_damaged", "No frame is left")
        if timeline.seconds < self._limits.min_seconds:
            code = {"whole": "video_too_short", "truncated": "video_truncated"}.get(self._ended, "video_damaged")
            raise VideoRefused(code, f"Only {timeline.seconds:.2f} s could be read")
        self._info = self._describe(video, first, pose, timeline, keys)

    def _decode(self, video: OpenVideo) -> Iterator[av.VideoFrame]:
        """Yield all frames up to the end or the first damage."""
        context = video.stream.codec_context
        context.thread_count, context.thread_type = 1, "NONE"
        context.options = _decoder_options(self._limits)
        if self._thin and self.header.packets > SLOW_MOTION * self.header.seconds:
            context.skip_frame = "NONREF"
        packets = video.container.demux(video.stream)
        going = True
        while going:
            with self._work:
                try:
                    packet = next(packets)
                    if packet.size > self._limits.max_packet:
                        raise VideoRefused("video_damaged", "A stored frame is larger than a raw one")
                    if packet.is_corrupt:  # the file ends within it
                        self._ended, going = "truncated", False
                    # The last, empty packet makes the decoder return the frames it still holds.
                    frames = video.stream.decode(packet if going else None)
                    going = going and packet.size > 0
                except StopIteration:
                    break
                except MemoryError as error:
                    raise VideoRefused("video_too_many_pixels", "The frames need too much memory") from error
                except MEDIA_ERRORS:
                    self._ended, going, frames = "damaged", False, []
                video.source.check()
            for frame in frames:
                if frame.is_corrupt:
                    self._ended = "damaged"
                    return
                yield frame

    def _check_times(self, timeline: Timeline) -> None:
        limits = self._limits
        if timeline.seconds > limits.max_seconds:
            raise too_long(limits)
        # A camera that has just started has no meaningful average rate over less than a second.
        if timeline.frames > limits.max_frames or (timeline.seconds > 1 and timeline.rate > limits.max_rate):
            raise too_fast()

    def _describe(self, video: OpenVideo, first: av.VideoFrame, pose: Pose, timeline: Timeline, keys: int) -> VideoInfo:
        turned = pose.rotation in {90, 270}
        tags = dict(self.header.tags)
        note = encoder_note(first)
        if note:
            tags["x264"] = note
        return VideoInfo(
            container=self._file.container,
            codec=self.header.codec,
            pixel_format=first.format.name,
            width=first.height if turned else first.width,
            height=first.width if turned else first.height,
            rotation=pose.rotation,
            mirrored=pose.mirrored,
            seconds=timeline.seconds,
            frames=timeline.frames,
            key_frames=keys,
            mean_rate=timeline.rate,
            variable_rate=timeline.variable,
            repaired_times=timeline.repaired,
            ended=self._ended,
            has_audio=video.has_audio,
            tags=tags,
        )


def _decoder_options(limits: VideoLimits) -> dict[str, str]:
    return {
        # Checked before memory is allocated. A tenth more, because codecs store whole blocks of up to 64 pixels.
        "max_pixels": str(limits.max_pixels * 11 // 10),
        # Stop at damage instead of guessing pixels.
        "err_detect": "explode",
        # H.264 only: wait for frames out of order as long as the standard allows, instead of adapting after errors.
        "strict": "1",
    }

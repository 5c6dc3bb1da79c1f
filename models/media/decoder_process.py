"""Decode media in processes that hold no key, see no database and can open nothing (:mod:`models.media.decoder_child`).

The process with keys passes the bytes in shared memory and gets pixels back in it. It checks every number of the
answer, so a decoder that was taken over can return wrong pixels for its own file and nothing else. A job that dies,
hangs or takes too much memory gets the ordinary refusal of an unreadable file.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from models.errors import DecoderMissing, ImageRefused, VideoRefused
from models.media import image
from models.media.confine import Bounds
from models.media.decoder_job import Job, room_for
from models.media.decoder_wire import SLOTS, WireError, as_fields, seconds, whole
from models.media.decoders import Decoders, InProcess
from models.media.image import ImageInfo, ImageLimits, Pixels
from models.media.video import CODES, MAX_LOOKED, Frame, VideoHeader, VideoInfo, VideoLimits

log = logging.getLogger("certify.decoder")

PATIENCE_S = 120.0
"""Seconds without a message after which a job counts as hung. It takes at most 20 s of the processor, and a worker
gives way to everything else on a busy machine."""

WARM_BYTES, WARM_JOBS = 8_000_000, 100
"""JPEGs of which file and pixels together have no more bytes are decoded one after another in the same job, up to this
number: a fork costs 5 to 15 ms, a quarter of a selfie's whole way. Every other file gets a fork of its own."""

_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    # A job that decodes one picture after another keeps its memory between them. Else the kernel takes back and clears
    # each page every time, a thousand of them for a selfie: 5 ms of 30.
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}


def start_decoders() -> Decoders:
    """Return decoders in a process without keys, which starts when the first file comes.

    Other systems than Linux have neither the memory nor the filter; there the decoders run in this process, for
    development.
    """
    if platform.system() == "Linux":
        return DecoderProcess()
    log.warning("this system cannot confine decoders: they run in the process with the keys")
    return InProcess()


class DecoderProcess:
    """Decoders in another process, which starts with the first job and again after it died.

    Several threads may use one object at once. Linux only (:func:`start_decoders`).
    """

    def __init__(self, bounds: Bounds | None = None, *, patience_s: float = PATIENCE_S) -> None:
        self._bounds = bounds or Bounds()
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._warned = False
        self._warm: list[Job] = []

    @property
    def pid(self) -> int | None:
        """The process that forks for each job; None before the first job."""
        return None if self._process is None else self._process.pid

    def decode(
        self, data: bytes, limits: ImageLimits | None = None, *, max_scale: int | None = None
    ) -> tuple[Pixels, ImageInfo]:
        """Decode a picture; see :func:`models.media.image.decode`.

        Raises:
            ImageRefused: the picture is refused, or its decoder died (``not_an_image``).
            DecoderMissing: no decoder can be started (``decoder_missing``).
        """
        limits = limits or ImageLimits()
        info, shape = image.plan(data, limits, max_scale=max_scale)
        request = {"do": "picture", "limits": _plain(limits), "max_scale": max_scale}
        room = room_for(data) + shape[0] * shape[1] * 3
        warm = info.format == "JPEG" and room <= WARM_BYTES
        answer: Mapping[str, Any] = {}
        # A job that served others may have reached its limits; then a new one decides.
        for job in [*self._idle(warm), None]:
            used = job or self.begin(WARM_BYTES if warm else room)
            answer = used.ask(request, data)
            pixels = used.pixels(0, *shape) if answer.get("done") == [*shape, 3] else None
            if warm and (pixels is not None or "refused" in answer) and used.jobs < WARM_JOBS:
                self._warm.append(used)
            else:
                used.close()
            if pixels is not None:
                return pixels, info
            if answer:
                break
        if "refused" in answer:
            raise ImageRefused(_code(answer["refused"], image.CODES, "not_an_image"), "The decoder refused it")
        if "memory" in answer:
            raise ImageRefused("too_many_pixels", "The picture needs too much memory; choose a smaller size")
        raise ImageRefused("not_an_image", "The picture is damaged: its decoder did not answer")

    def film(self, data: bytes, limits: VideoLimits | None = None) -> FilmOfProcess:
        """Open a video whose frames are analysed. It is decoded while its frames are read.

        Raises:
            DecoderMissing: no decoder can be started (``decoder_missing``); raised when the frames are read.
        """
        return FilmOfProcess(self, data, limits or VideoLimits())

    def probe_video(self, data: bytes, limits: VideoLimits | None = None) -> VideoHeader:
        """Check a video by its headers; see :func:`models.media.video_probe.probe_video`.

        Raises:
            VideoRefused: the video is refused, or what reads it died (``video_damaged``).
            DecoderMissing: no decoder can be started (``decoder_missing``).
        """
        limits = limits or VideoLimits()
        with self.begin(room_for(data)) as job:
            answer = job.ask({"do": "header", "limits": _plain(limits)}, data)
        _refuse(answer)
        try:
            return as_fields(VideoHeader, answer.get("done"))
        except WireError:
            raise _no_answer() from None

    def close(self) -> None:
        """End the other process."""
        with self._lock:
            self._end()

    def __del__(self) -> None:
        """End the other process when nothing refers to this object any more, such as at the end of a command."""
        self._end()

    def _idle(self, wanted: bool) -> list[Job]:
        try:
            return [self._warm.pop()] if wanted else []
        except IndexError:
            return []

    def begin(self, room: int) -> Job:
        """Start a job; start the other process again if it has died.

        Args:
            room: bytes of shared memory that the job needs.

        Raises:
            DecoderMissing: no decoder can be started (``decoder_missing``).
        """
        for _ in range(2):
            job = Job(room, self._patience_s)
            try:
                self._hand_over(job)
                job.begin()
            except (OSError, WireError):  # it died or ran out of processes before a byte of the file was read
                job.close()
                with self._lock:
                    self._end()
            else:
                if not (job.filtered or self._warned):
                    self._warned = True
                    log.warning("this kernel does not filter system calls: decoders are only limited")
                return job
        raise DecoderMissing("The process that decodes pictures does not start.")

    def _hand_over(self, job: Job) -> None:
        with self._lock:
            if self._process is None or self._control is None or self._process.poll() is not None:
                self._end()
                self._start()
            if self._control is not None:
                socket.send_fds(self._control, [b"j"], job.descriptors())

    def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "models.media.decoder_child",
                    str(self._bounds.memory),
                    str(self._bounds.cpu_seconds),
                ],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # No name of a database, no path of a key. The paths of the program itself, absolute.
                env={**_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path)},
                start_new_session=True,
            )

    def _end(self) -> None:
        while self._warm:
            self._warm.pop().close()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None


class FilmOfProcess:
    """A video that another process decodes, read once."""

    def __init__(self, decoders: DecoderProcess, data: bytes, limits: VideoLimits) -> None:
        self._decoders, self._data, self._limits = decoders, data, limits
        self._info: VideoInfo | None = None

    @property
    def info(self) -> VideoInfo:
        """Return what the video is.

        Raises:
            RuntimeError: not all frames were read yet, or the video was refused.
        """
        if self._info is None:
            raise RuntimeError("The video was not read to its end")
        return self._info

    def __iter__(self) -> Iterator[Frame]:
        """Return the frames that are analysed.

        Raises:
            VideoRefused: the video is refused, or its decoder died (``video_damaged``).
            DecoderMissing: no decoder can be started (``decoder_missing``).
        """
        side = self._limits.max_side_out
        slot = side * side * 3
        request = {"do": "film", "limits": _plain(self._limits), "slot": slot}
        with self._decoders.begin(room_for(self._data) + SLOTS * slot) as job:
            index, moment, count = -1, -1.0, 0
            answer = job.ask(request, self._data)
            while "frame" in answer:
                frame = _frame(answer["frame"], job, slot, self._limits)
                count += 1
                if frame.index <= index or frame.time_s <= moment or count > MAX_LOOKED:
                    raise _no_answer()
                index, moment = frame.index, frame.time_s
                yield frame
                answer = job.go_on()
        _refuse(answer)
        try:
            self._info = as_fields(VideoInfo, answer.get("done"))
        except WireError:
            raise _no_answer() from None


def _frame(values: object, job: Job, slot: int, limits: VideoLimits) -> Frame:
    try:
        index, moment, height, width, key, place = cast("list[object]", values)
        side = limits.max_side_out
        rows, columns = whole(height, 1, side), whole(width, 1, side)
        pixels = job.pixels(whole(place, 0, SLOTS - 1) * slot, rows, columns)
        return Frame(whole(index, 0, limits.max_frames), seconds(moment, limits.max_seconds), pixels, key is True)
    except (WireError, ValueError, TypeError):
        raise _no_answer() from None


def _refuse(answer: Mapping[str, Any]) -> None:
    if "refused" in answer:
        raise VideoRefused(_code(answer["refused"], CODES, "video_damaged"), "The decoder refused it")


def _no_answer() -> VideoRefused:
    return VideoRefused("video_damaged", "The video is damaged: its decoder did not answer")


def _code(value: object, known: frozenset[str], otherwise: str) -> str:
    return value if isinstance(value, str) and value in known else otherwise


def _plain(limits: ImageLimits | VideoLimits) -> dict[str, Any]:
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(limits).items()}

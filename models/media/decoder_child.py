"""Decode media in processes of their own: one for each job, forked from a process that has seen no media at all.

Run as ``python -m models.media.decoder_child`` by :mod:`models.media.decoder_process`, with a socket as standard input
and an environment without secrets. It loads the decoders once and then forks for each job that comes over the socket,
with a connection and a piece of shared memory of its own. The fork confines itself (:mod:`models.media.confine`)
before it reads a byte. It ends with the job, so what one file does to a decoder never reaches the next file.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import socket
import sys
import time
from dataclasses import asdict
from typing import Any

import av
import cv2
import numpy as np
import pillow_heif
from PIL import Image

from models.errors import ImageRefused, VideoRefused
from models.media import image
from models.media.confine import Bounds, confine, die_with_parent
from models.media.decoder_wire import SLOTS, WireError, receive, send
from models.media.image import ImageLimits, Pixels
from models.media.video import VideoReader, probe_video
from models.media.video_frames import JpegFrame, join_frames
from models.media.video_probe import CODECS, VideoLimits

LIFE_S = 600.0
"""Seconds after which a job is killed. Its processor time is bounded much sooner; this is for one that waits."""

_TICK_MS = 10_000


def main() -> None:
    """Fork for each job until the other end closes the socket."""
    control = socket.socket(fileno=os.dup(0))
    bounds = Bounds(int(sys.argv[1]), int(sys.argv[2]))
    _load()
    running: dict[int, float] = {}
    ended, wakeup = socket.socketpair()
    ended.setblocking(False)
    wakeup.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup.fileno())
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(ended, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(_TICK_MS if running else None)}
        if ended.fileno() in ready:
            ended.recv(4096)
        if control.fileno() in ready:
            message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if not message:
                return
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                for inherited in (control, ended, wakeup):
                    inherited.close()
                _job(descriptors, bounds)
            running[child] = time.monotonic() + LIFE_S
            for descriptor in descriptors:
                os.close(descriptor)
        for child, end in list(running.items()):
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
            if os.waitpid(child, os.WNOHANG)[0]:
                del running[child]


def _load() -> None:
    """Load everything that a job may need: later no file can be opened."""
    cv2.setNumThreads(1)
    Image.init()
    pillow_heif.register_heif_opener()
    for name in ("webp", *CODECS):
        av.CodecContext.create(name, "r")
    av.logging.set_level(av.logging.PANIC)
    for kind in ("JPEG", "PNG", "WEBP"):  # some modules load others when they are first used
        image.decode(_sample(kind))
    film = join_frames([JpegFrame(time_ms, _sample("JPEG")) for time_ms in range(0, 2000, 100)], 80, 80)
    list(VideoReader(film))
    gc.collect()
    gc.freeze()


def _sample(kind: str) -> bytes:
    return cv2.imencode(f".{kind.lower()}", np.full((80, 80, 3), 128, np.uint8))[1].tobytes()


def _job(descriptors: list[int], bounds: Bounds) -> None:
    """Serve one connection until the other end closes it, and end the process."""
    try:
        die_with_parent()
        os.close(0)
        connection = socket.socket(fileno=descriptors[0])
        memory = mmap.mmap(descriptors[1], 0)
        os.close(descriptors[1])
        filtered = confine(bounds)
        send(connection, {"ready": True, "filtered": filtered})
        while True:
            _serve(connection, memory)
    except (OSError, ValueError, KeyError, WireError):
        pass
    finally:
        os._exit(0)


def _serve(connection: socket.socket, memory: mmap.mmap) -> None:
    request = receive(connection)
    data = memory[: request["size"]]
    answer: list[int] | dict[str, Any]
    try:
        if request["do"] == "picture":
            answer = _picture(request, data, memory)
        elif request["do"] == "header":
            answer = asdict(probe_video(data, _video_limits(request)))
        else:
            answer = _film(request, data, memory, connection)
    except (ImageRefused, VideoRefused) as refused:
        send(connection, {"refused": refused.code, "message": refused.message})
    except MemoryError:
        send(connection, {"memory": True})
    else:
        send(connection, {"done": answer})


def _picture(request: dict[str, Any], data: bytes, memory: mmap.mmap) -> list[int]:
    limits = request["limits"]
    limits["formats"] = frozenset(limits["formats"])
    pixels, _ = image.decode(data, ImageLimits(**limits), max_scale=request["max_scale"])
    _place(memory, request["out"], pixels)
    return list(pixels.shape)


def _film(request: dict[str, Any], data: bytes, memory: mmap.mmap, connection: socket.socket) -> dict[str, Any]:
    reader = VideoReader(data, _video_limits(request), thin=True)
    free, slot = SLOTS, 0
    for frame in reader:
        while free == 0:
            taken = connection.recv(SLOTS)
            if not taken:
                raise ConnectionResetError("the other end has given up")
            free += len(taken)
        free -= 1
        _place(memory, request["out"] + slot * request["slot"], frame.pixels)
        send(connection, {"frame": [frame.index, frame.time_s, *frame.pixels.shape[:2], frame.key, slot]})
        slot = (slot + 1) % SLOTS
    return asdict(reader.info)


def _video_limits(request: dict[str, Any]) -> VideoLimits:
    limits = request["limits"]
    return VideoLimits(
        **limits | {"containers": frozenset(limits["containers"]), "codecs": frozenset(limits["codecs"])}
    )


def _place(memory: mmap.mmap, offset: int, pixels: Pixels) -> None:
    room = np.frombuffer(memory, np.uint8, pixels.size, offset)
    room[:] = pixels.reshape(-1)


if __name__ == "__main__":
    main()

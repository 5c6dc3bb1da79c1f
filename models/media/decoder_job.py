"""One job of a decoder as the process with keys sees it: a connection and shared memory of its own."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import socket
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np

from models.media.decoder_wire import WireError, receive, send
from models.media.image import Pixels

log = logging.getLogger("certify.decoder")

_SEALS = (0x0002 | 0x0004 | 0x0001) if sys.platform == "linux" else 0
"""F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL (fcntl.h): if a job could shorten the memory, the reader would crash."""


class Job:
    """One job: a connection and a piece of shared memory that only this job has."""

    def __init__(self, room: int, patience_s: float) -> None:
        self._out = 0
        self._descriptor = os.memfd_create("media", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        os.ftruncate(self._descriptor, room)
        fcntl.fcntl(self._descriptor, fcntl.F_ADD_SEALS, _SEALS)
        self._memory = mmap.mmap(self._descriptor, room)
        self._connection, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.settimeout(patience_s)
        self.filtered = False
        self.jobs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def descriptors(self) -> list[int]:
        """Return what the other process is given."""
        return [self._theirs.fileno(), self._descriptor]

    def begin(self) -> None:
        """Wait until the job is confined.

        Raises:
            WireError: it died before it read anything.
            OSError: likewise.
        """
        self._theirs.close()
        self.filtered = receive(self._connection).get("filtered") is True

    def ask(self, request: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        """Send a file with its request, and return the first answer; an empty one if the job died or hangs."""
        self.jobs += 1
        self._out = room_for(data)
        self._memory[: len(data)] = data
        with contextlib.suppress(OSError):  # it has ended; the answer is empty
            send(self._connection, {**request, "size": len(data), "out": self._out})
        return self._answer()

    def go_on(self) -> dict[str, Any]:
        """Tell the job that a frame was taken, and return the next answer."""
        with contextlib.suppress(OSError):
            self._connection.sendall(b"+")
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        try:
            return receive(self._connection)
        except (WireError, TimeoutError) as error:
            log.warning("a decoder gave no answer", extra={"reason": type(error).__name__})
            return {}

    def pixels(self, offset: int, height: int, width: int) -> Pixels:
        """Return a copy of pixels in the shared memory."""
        count = height * width * 3
        return np.frombuffer(self._memory, np.uint8, count, self._out + offset).reshape(height, width, 3).copy()

    def close(self) -> None:
        """Give the connection and the memory back; a job that still runs ends at its next message."""
        self._connection.close()
        self._theirs.close()
        self._memory.close()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def room_for(data: bytes) -> int:
    """Return the bytes that a file takes in shared memory: whole pages, at least one."""
    return -(-max(len(data), 1) // mmap.PAGESIZE) * mmap.PAGESIZE

"""The words between the HTTP process and a guide process, over a Unix socket: length-prefixed messages.

Request: first the plan as JSON, then frames as ``time (8 bytes, milliseconds) + JPEG``. Reply to each frame: a
:class:`Hint` as JSON. Both ends are ours and of one release, so there is no version.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import asdict, dataclass

_LENGTH = struct.Struct(">I")
_TIME = struct.Struct(">q")

MAX_MESSAGE = 1_000_000
"""Bytes between the two processes; frames are bounded to a fifth of it before they come here."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What the screen shows after a frame: as :class:`models.live.coach.Advice`, in milliseconds.

    ``time_ms`` is the frame's own time; ``unreadable`` that it is no usable picture, and nothing else is then known.
    """

    time_ms: int
    phase: str = "placing"
    say: tuple[str, ...] = ()
    start_ms: int | None = None
    prompt: int | None = None
    answered: tuple[bool, ...] = ()
    progress: float = 0.0
    unreadable: bool = False

    def to_bytes(self) -> bytes:
        """Encode."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Hint:
        """Undo :meth:`to_bytes`."""
        found = json.loads(data)
        return cls(**{**found, "say": tuple(found["say"]), "answered": tuple(found["answered"])})


def pack_frame(time_ms: int, jpeg: bytes) -> bytes:
    """Encode a frame."""
    return _TIME.pack(time_ms) + jpeg


def unpack_frame(data: bytes) -> tuple[int, bytes]:
    """Undo :func:`pack_frame`. Raises ValueError."""
    if len(data) < _TIME.size:
        raise ValueError("no frame")
    return _TIME.unpack_from(data)[0], data[_TIME.size :]


async def send(writer: asyncio.StreamWriter, message: bytes) -> None:
    """Send one message. Raises OSError."""
    if writer.is_closing():  # uvloop would raise a RuntimeError
        raise ConnectionResetError("the other end is gone")
    writer.write(_LENGTH.pack(len(message)) + message)
    await writer.drain()


async def receive(reader: asyncio.StreamReader) -> bytes:
    """Receive one message. Raises IncompleteReadError at the end, ValueError when it is too long."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MAX_MESSAGE:
        raise ValueError("the message is too long")
    return await reader.readexactly(length)

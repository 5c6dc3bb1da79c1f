"""The protocol between the HTTP process and a guide process over a Unix socket: length-prefixed messages.

The request is first the plans of the takes as a JSON list, then frames as ``time (8 bytes, milliseconds) + JPEG``. The
reply to each frame is a :class:`Hint` as JSON. Both ends are of the same release, so there is no version number.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import asdict, dataclass

_LENGTH = struct.Struct(">I")
_TIME = struct.Struct(">q")

MAX_MESSAGE = 1_000_000
"""Bytes of the largest message. Frames were bounded to a fifth of it before they come here."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What the screen shows after a frame: :class:`models.live.coach.Advice` with its times in milliseconds.

    Attributes:
        time_ms: when the frame was taken.
        phase: of the capture.
        say: guidance codes.
        start_ms: when the recording began; None before.
        prompt: index of the prompt to show, if any.
        answered: for each prompt, whether it was answered.
        progress: share of the recording that is done, 0 to 1.
        take: index of the take.
        back: whether the prompt asks the person back.
        reached: whether the movement of the prompt was seen.
        colours: whether the colours come next.
        moments: for each prompt, when it was shown and when the person was asked back, in milliseconds of the take.
        unreadable: the frame is not a usable picture; then nothing else is known.
    """

    time_ms: int
    phase: str = "placing"
    say: tuple[str, ...] = ()
    start_ms: int | None = None
    prompt: int | None = None
    answered: tuple[bool, ...] = ()
    progress: float = 0.0
    take: int = 0
    back: bool = False
    reached: bool = False
    colours: bool = False
    moments: tuple[tuple[int | None, int | None], ...] = ()
    unreadable: bool = False

    def to_bytes(self) -> bytes:
        """Encode the hint as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Hint:
        """Undo :meth:`to_bytes`."""
        values = json.loads(data)
        lists = {name: tuple(values[name]) for name in ("say", "answered")}
        return cls(**{**values, **lists, "moments": tuple((shown, back) for shown, back in values["moments"])})


def pack_frame(time_ms: int, jpeg: bytes) -> bytes:
    """Encode a frame with the time at which it was taken."""
    return _TIME.pack(time_ms) + jpeg


def unpack_frame(data: bytes) -> tuple[int, bytes]:
    """Undo :func:`pack_frame`.

    Raises:
        ValueError: the message is too short to be a frame.
    """
    if len(data) < _TIME.size:
        raise ValueError("the message is too short to be a frame")
    return _TIME.unpack_from(data)[0], data[_TIME.size :]


async def send(writer: asyncio.StreamWriter, message: bytes) -> None:
    """Send one message.

    Raises:
        OSError: the other end has closed the connection.
    """
    if writer.is_closing():  # uvloop would raise a RuntimeError
        raise ConnectionResetError("the other end is gone")
    writer.write(_LENGTH.pack(len(message)) + message)
    await writer.drain()


async def receive(reader: asyncio.StreamReader) -> bytes:
    """Receive one message.

    Raises:
        IncompleteReadError: the connection has ended.
        ValueError: the message is longer than ``MAX_MESSAGE``.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MAX_MESSAGE:
        raise ValueError("the message is too long")
    return await reader.readexactly(length)

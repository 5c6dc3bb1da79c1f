"""The messages between a process with keys and the one that decodes for it. Nothing that comes back is trusted."""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

T = TypeVar("T")

_LENGTH = struct.Struct(">I")
MAX_MESSAGE = 64_000
"""Bytes of the largest message: what a video declares about itself. Pixels go through shared memory."""

SLOTS = 8
"""Frames that the decoder may be ahead of the analysis."""

_MAX_TEXT = 200
_MAX_NUMBER = 2**40


class WireError(Exception):
    """The other end closed the connection, or sent what no message can be."""


def send(connection: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message.

    Raises:
        OSError: the other end is gone.
    """
    body = json.dumps(message).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket) -> dict[str, Any]:
    """Receive one message.

    Raises:
        WireError: the connection ended, or the message is none.
        TimeoutError: no message came in time.
    """
    try:
        (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
        if length > MAX_MESSAGE:
            raise WireError("a message is too long")
        message = json.loads(_exactly(connection, length))
    except TimeoutError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise WireError(str(error)) from error
    if not isinstance(message, dict):
        raise WireError("a message is no object")
    return message


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(size)
        if not part:
            raise WireError("the connection ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def whole(value: object, low: int, high: int) -> int:
    """Return a whole number within bounds.

    Raises:
        WireError: it is none.
    """
    if type(value) is not int or not low <= value <= high:
        raise WireError("a number is out of bounds")
    return value


def seconds(value: object, high: float) -> float:
    """Return seconds from 0 to a bound.

    Raises:
        WireError: it is no such number.
    """
    if type(value) not in (int, float) or not 0 <= cast("float", value) <= high:
        raise WireError("a time is out of bounds")
    return float(cast("float", value))


def as_fields(kind: type[T], values: object) -> T:
    """Build a dataclass of plain fields from what came over the wire.

    Raises:
        WireError: names or types are not those of the class, or a value has no sensible size.
    """
    names = {field.name: field.type for field in fields(cast("Any", kind))}
    if not isinstance(values, dict) or values.keys() != names.keys():
        raise WireError("the fields are not those that were expected")
    if not all(_is_plain(str(names[name]), value) for name, value in values.items()):
        raise WireError("a field is of the wrong kind")
    return kind(**values)


def _is_plain(kind: str, value: object) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return type(value) is int and 0 <= value <= _MAX_NUMBER
    if kind == "float":
        return type(value) in (int, float) and math.isfinite(cast("float", value)) and abs(value) <= _MAX_NUMBER  # type: ignore[arg-type]
    if kind.startswith("dict"):
        return isinstance(value, dict) and len(value) <= 64 and all(map(_is_text, (*value, *value.values())))
    return _is_text(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT and value.isprintable()

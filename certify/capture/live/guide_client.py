"""Asking the guide processes of this machine."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from certify.capture.live.wire import MAX_MESSAGE, Hint, pack_frame, receive, send
from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable

PATIENCE_S = 5.0
"""A guide that says nothing for so long is lost; it usually takes a hundredth of it."""


class GuideLost(Exception):
    """The guide process died or hangs. Another one can be asked, beginning anew."""


class Guidance:
    """The conversation with a guide about one capture."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, time_ms: int, jpeg: bytes) -> Hint:
        """Ask about a frame. One question at a time. Raises GuideLost."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await send(self._writer, pack_frame(time_ms, jpeg))
                return Hint.from_bytes(await receive(self._reader))
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise GuideLost from error


class GuidePool:
    """The guides of this machine, and how many captures each has.

    ``most`` bounds the captures at once: more would make everybody's guidance late.
    """

    def __init__(self, sockets: Sequence[Path], *, most: int) -> None:
        self._captures = Counter(dict.fromkeys(sockets, 0))
        self._most = most

    @property
    def captures(self) -> int:
        """How many captures are going on."""
        return self._captures.total()

    @asynccontextmanager
    async def guidance(self, plan: dict[str, Any]) -> AsyncIterator[Guidance]:
        """Begin a capture with the guide that has the fewest. Raises Unavailable (``live_full``, ``live_off``)."""
        if self.captures >= self._most:
            raise _unavailable("Too many people are being filmed at this moment.", ErrorCode.LIVE_FULL)
        for path, _ in reversed(self._captures.most_common()):
            try:
                reader, writer = await asyncio.open_unix_connection(path, limit=MAX_MESSAGE)
                await send(writer, json.dumps(plan).encode())
            except OSError:
                continue  # it is starting, or starting again
            self._captures[path] += 1
            try:
                yield Guidance(reader, writer)
            finally:
                self._captures[path] -= 1
                writer.close()
            return
        raise _unavailable("Live guidance is not available at this moment.", ErrorCode.LIVE_OFF)


def _unavailable(message: str, code: ErrorCode) -> Unavailable:
    return Unavailable(message, hint="Record a video and send it instead, or try again in a minute.", code=code)

"""Ask the guide processes of this machine for guidance about frames."""

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
"""Seconds without an answer after which a guide counts as lost; an answer usually takes a hundredth of it."""


class GuideLost(Exception):
    """The guide process died or hangs. Another one can be asked, from the beginning."""


class Guidance:
    """A connection to a guide about one capture."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, time_ms: int, jpeg: bytes) -> Hint:
        """Ask about a frame. There is one question at a time.

        Args:
            time_ms: when the frame was taken, in milliseconds of the phone's clock.
            jpeg: the frame.

        Returns:
            What the screen shows next.

        Raises:
            GuideLost: the guide did not answer within ``PATIENCE_S``, or closed the connection.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await send(self._writer, pack_frame(time_ms, jpeg))
                return Hint.from_bytes(await receive(self._reader))
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise GuideLost from error


class GuidePool:
    """The guides of this machine, and how many captures each of them has."""

    def __init__(self, sockets: Sequence[Path], *, most: int) -> None:
        """Make a pool.

        Args:
            sockets: one Unix socket for each guide process.
            most: captures at the same time; with more, guidance would be late for all of them.
        """
        self._captures = Counter(dict.fromkeys(sockets, 0))
        self._networks: Counter[str] = Counter()
        self._most = most

    @property
    def captures(self) -> int:
        """The number of captures in progress."""
        return self._captures.total()

    @asynccontextmanager
    async def guidance(self, takes: Sequence[dict[str, Any]], network: str) -> AsyncIterator[Guidance]:
        """Begin a capture with the guide that has the fewest.

        One network may hold as many places as are free, so it never takes the last ones: of 20 it gets 10, and the
        next network 5.

        Args:
            takes: what the session asks in each take (``models.liveness.plan``).
            network: where the capture comes from.

        Yields:
            The connection to the guide, for as long as the capture takes.

        Raises:
            Unavailable: too many captures (``live_full``), or no guide answers (``live_off``).
        """
        if self._networks[network] >= self._most - self.captures:
            raise _unavailable("Too many people are being filmed at this moment.", ErrorCode.LIVE_FULL)
        for path, _ in reversed(self._captures.most_common()):
            try:
                reader, writer = await asyncio.open_unix_connection(path, limit=MAX_MESSAGE)
                await send(writer, json.dumps(takes).encode())
            except OSError:
                continue  # this guide is starting, or restarting
            self._captures[path] += 1
            self._networks[network] += 1
            try:
                yield Guidance(reader, writer)
            finally:
                self._captures[path] -= 1
                self._networks[network] -= 1
                if not self._networks[network]:
                    del self._networks[network]
                writer.close()
            return
        raise _unavailable("Live guidance is not available at this moment.", ErrorCode.LIVE_OFF)


def _unavailable(message: str, code: ErrorCode) -> Unavailable:
    return Unavailable(message, hint="Record a video and send it instead, or try again in a minute.", code=code)

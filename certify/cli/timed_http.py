"""HTTP connections whose head must come in time: a client that never finishes its headers holds nothing for long."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""Seconds from the connection, or from the first byte of a further request, to the end of the headers. They have one or
two kilobytes, which take two seconds at the slowest rate that bodies may have (api/intake.py)."""


class TimedHttp(HttpToolsProtocol):
    """uvicorn's own protocol with a time limit for the head of each request.

    Between two requests uvicorn's ``timeout_keep_alive`` counts; within a body, :class:`api.intake.Intake`.
    """

    head_s = HEAD_S
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the headers."""
        super().on_message_begin()
        if self._late is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Stop waiting."""
        self._head_came()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(self.head_s, self._give_up)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()

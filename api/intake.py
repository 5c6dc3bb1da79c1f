"""Take in the body of a request before any work is done for it: at a least rate, on disk, and some uploads at a time.

A body that comes too slowly ends with 408, so half-sent ones hold neither memory nor a thread nor a connection to the
database. Only its first bytes are in memory; the rest waits in a temporary file that has no name. A sealed visit is
refused by its head (``head_check``) before the rest is read. Uploads then wait for their turn: few run at once, so
threads and connections are left for everyone else.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, TYPE_CHECKING

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem, problem_response
from api.network import network_of_scope
from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

IN_MEMORY = 65_536
"""Bytes of a body that stay in memory while it arrives; a body of JSON is never longer."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may come, in seconds and bytes.

    Attributes:
        grace_s: time before the least rate counts: a phone in a village needs some seconds for its first packets.
        bytes_per_s: least rate over the whole body; a poor connection of the second generation (EDGE) has 10,000.
        idle_s: time without a byte.
        whole_s: time for the whole body: a video of 20 MB at 33,000 bytes a second.
    """

    grace_s: float = 15.0
    bytes_per_s: float = 2000.0
    idle_s: float = 20.0
    whole_s: float = 600.0


UPLOADS_AT_ONCE = 6
"""Uploads that are worked on at the same time. Checking, sealing and storing takes 10 to 200 ms each."""

WAITING_FOR_A_NETWORK = 40
"""Uploads of one network (an address, or a /64 of IPv6) that may be under way. People behind a carrier's address
or in a nursing home send one after another: 300 an hour, each taking a minute, are five at a time."""

_TURN_S = 30.0


class Intake:
    """Middleware that reads whole bodies before it passes requests on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        head_check: Callable[[Scope, bytes], Awaitable[None]],
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            head_check: called with the first bytes of a sealed visit; raises a CertifyError to refuse it.
            pace: how slowly a body may come.
            clock: returns monotonic seconds.
        """
        self._app = app
        self._head_check = head_check
        self._pace = pace or Pace()
        self._clock = clock
        self._turns = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then pass the request on."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        if not is_upload(scope):
            await self._take(scope, receive, send, None)
            return
        network = network_of_scope(scope)
        if self._under_way[network] >= WAITING_FOR_A_NETWORK:
            await _busy(scope, receive, send)
            return
        self._under_way[network] += 1
        try:
            await self._take(scope, receive, send, self._turns)
        finally:
            self._under_way[network] -= 1
            if not self._under_way[network]:
                del self._under_way[network]

    async def _take(self, scope: Scope, receive: Receive, send: Send, turns: asyncio.Semaphore | None) -> None:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                whole = await self._read(scope, receive, body)
            except TimeoutError:
                await _too_slow(scope, receive, send)
                return
            except CertifyError as refused:
                await problem_response(refused, {"Connection": "close"})(scope, receive, send)
                return
            if not whole:
                return  # the client has gone
            if turns is None:
                await self._app(scope, _replay(body, receive), send)
                return
            try:
                async with _turn(turns):
                    await self._app(scope, _replay(body, receive), send)
            except _NoTurn:
                await _busy(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> bool:
        """Read the whole body into a file; return False if the client has gone.

        Raises:
            TimeoutError: it comes too slowly.
            CertifyError: its head is refused.
        """
        start, size, unchecked = self._clock(), 0, is_bundle(scope)
        while True:
            end = start + min(self._pace.grace_s + size / self._pace.bytes_per_s, self._pace.whole_s)
            left = end - self._clock()
            if left <= 0:  # a body that always has a next byte ready never lets a timeout in
                raise TimeoutError
            async with asyncio.timeout(min(left, self._pace.idle_s)):
                message = await receive()
            if message["type"] != "http.request":
                return False
            part, more = message.get("body", b""), message.get("more_body", False)
            body.write(part)
            size += len(part)
            if unchecked and (size >= HEAD_BYTES or not more):
                unchecked = False
                body.seek(0)
                await self._head_check(scope, body.read(HEAD_BYTES))
                body.seek(size)
            if not more:
                body.seek(0)
                return True


HEAD_BYTES = 2048
"""First bytes of a sealed visit that are checked; they hold its header (certify/doorstep/bundle.py)."""


def is_upload(scope: Scope) -> bool:
    """Tell whether a request carries media."""
    path: str = scope["path"]
    return path.endswith(("/media", "/references", "/upload")) or is_bundle(scope)


def is_bundle(scope: Scope) -> bool:
    """Tell whether a request carries a sealed visit."""
    path: str = scope["path"]
    return path.startswith("/v1/tablet/bundles/")


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names or b"transfer-encoding" in names


def _replay(body: IO[bytes], receive: Receive) -> Receive:
    """Return a function that gives the body as one message, and then what the client does."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body.read(), "more_body": False}

    return replay


class _NoTurn(Exception):
    """Too many uploads wait."""


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TURN_S):
            await turns.acquire()
    except TimeoutError:
        raise _NoTurn from None
    try:
        yield
    finally:
        turns.release()


async def _too_slow(scope: Scope, receive: Receive, send: Send) -> None:
    await _refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        ErrorCode.BODY_TOO_SLOW,
        "The request came too slowly.",
        "Send it again where the connection is better, or send a video in smaller chunks.",
    )(scope, receive, send)


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    await _refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.UPLOADS_BUSY,
        "Too many photos and videos are arriving at this moment.",
        "Send it again in a minute; what has arrived stays.",
    )(scope, receive, send)


def _refusal(status: HTTPStatus, code: ErrorCode, text: str, hint: str) -> Response:
    return problem(status, code, text, hint=hint, headers={"Connection": "close"})

"""Bound the body of every request, add security headers, and write a log line and metrics that name no person."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from api.journal import READ, Reading, entry, request_id_of
from api.routes.web import LOCATED, PAGE
from api.state import State
from certify.capture.uploads import MAX_CHUNK
from certify.domain.error_codes import ErrorCode
from certify.doorstep.bundle import MAX_BUNDLE
from certify.errors import Unavailable
from certify.logs import REQUEST_ID

log = logging.getLogger("certify.access")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}

_PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Only our own scripts, styles and connections; also pictures that the page itself made (blob:).
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types certify"
    ),
    "Permissions-Policy": (
        "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), midi=(), display-capture=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_RAW_HEADERS = _raw(_HEADERS)
_RAW_PAGE_HEADERS = _raw(_PAGE_HEADERS)
_RAW_LOCATED_HEADERS = _raw(
    _PAGE_HEADERS
    | {"Permissions-Policy": _PAGE_HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")}
)

_JSON_LIMIT = 64_000
"""Bytes of a body that is not media. The largest body of an honest caller has a few kilobytes."""


class BodyTooLarge(Exception):
    """The body is larger than the limit of its path."""


class BodyLimit:
    """Middleware that refuses a body larger than the limit of its path, by the announced and by the actual length."""

    def __init__(self, app: ASGIApp, *, media_limit: int) -> None:
        self._app = app
        self._media_limit = media_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count the bytes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        media = path.endswith(("/media", "/references"))
        chunk = scope["method"] == "PUT" and path.endswith("/upload")
        sealed = scope["method"] == "PUT" and path.startswith("/v1/tablet/bundles/")
        limit = self._media_limit if media else MAX_CHUNK if chunk else MAX_BUNDLE if sealed else _JSON_LIMIT
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        seen = 0
        started = False

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyTooLarge
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if not announced.isdigit() or int(announced) > limit:
            await _refusal(limit, media=media)(scope, receive, send)
            return
        try:
            await self._app(scope, receive_counted, send_noted)
        except BodyTooLarge:
            if started:
                raise
            await _refusal(limit, media=media)(scope, receive, send)


def _refusal(limit: int, *, media: bool) -> Response:
    return problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.TOO_MANY_BYTES,
        f"At most {limit:,} bytes are accepted here.",
        hint="Send a smaller photo, or a video in chunks." if media else "",
        headers={"Connection": "close"},
    )


def _headers_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    keep = scope.get(PAGE)
    if keep is None:
        return _RAW_HEADERS
    page = _RAW_LOCATED_HEADERS if scope.get(LOCATED) else _RAW_PAGE_HEADERS
    return [*page, (b"cache-control", keep.encode())]


class Observe:
    """Middleware that adds security headers to every answer, and writes one log line and two metrics per request.

    Log and metrics name the route, never the URL, because URLs hold ids.
    """

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "certify_http_requests", "Requests by route and status", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "certify_http_seconds",
            "Time to answer by route",
            ["method", "route"],
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record its status and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500
        withheld = False
        reading = scope[READ] = Reading()
        request_id = request_id_of(scope)
        REQUEST_ID.set(request_id)

        async def send_with_headers(message: Message) -> None:
            nonlocal status, withheld
            if withheld:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                refused = await _journal(scope, reading, status, request_id)
                if refused is not None:
                    await refused(scope, receive, send_with_headers_of)
                    withheld = True
                    return
                await send_with_headers_of(message)
            else:
                await send(message)

        async def send_with_headers_of(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # No route sets these headers itself. They are appended raw, because checking each for a duplicate
                # would cost more than the rest of this middleware.
                named = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), *_headers_of(scope), named]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - start
            # The route's template, not the URL: the ids in URLs do not belong in logs.
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if route != "unmatched" else "any"
            self._requests.labels(method, route, status).inc()
            self._seconds.labels(method, route).observe(seconds)
            log.info(
                "request",
                extra={
                    "method": method,
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 1),
                    "request_id": request_id,
                },
            )


async def _journal(scope: Scope, reading: Reading, status: int, request_id: str) -> Response | None:
    """Write what a request read into the journal; return the answer to give instead if that fails."""
    state: State | None = getattr(scope["app"].state, "certify", None) if "app" in scope else None
    if state is None or reading.principal is None:
        return None
    read = entry(scope, reading, status=status, now=state.service.clock(), request_id=request_id)
    if read is None:
        return None
    try:
        await state.journal.write(read)
    except Unavailable as error:
        log.error("the access journal cannot be written")  # noqa: TRY400 - the database's own log says why
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message, hint=error.hint)
    return None

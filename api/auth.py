"""Who may call what. Every route declares ``allow(...)`` or ``public(...)``; a test walks all routes and checks it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from secrets import compare_digest
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, WebSocket
from starlette.requests import HTTPConnection

from api.errors import Forbidden, TooManyRequests
from api.limits import RateLimiter
from api.state import State, state_of
from certify.domain.channels import Channel
from certify.people.access import device_mark
from certify.service import Unit
from certify.storage.sessions import get_session
from certify.tokens import Principal, Role, TokenRefused

DEVICE_HEADER = "X-Certify-Device"
"""What the page calls its device, chosen once by chance; a token of the page counts only together with it."""

COOKIE = "__Host-certify"
"""Access of a person to their own pages. No script can read it, no other site can send it."""

TABLET_COOKIE = "__Host-certify-tablet"
"""Access of an agent who is signed in at an enrolled tablet."""

_COOKIES = {Role.SELF: COOKIE, Role.TABLET: TABLET_COOKIE}

Admit = Callable[[str, str | None], Principal]


class Access:
    """Dependency: authenticates the caller, requires one of the roles, and applies the caller's rate limit.

    Asynchronous, though it waits for nothing: a plain function would be sent to a thread and back, which costs more
    than the check itself.
    """

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:
        """Return the caller. Raises TokenRefused, Forbidden, TooManyRequests."""
        state = state_of(request)
        principal = state.authenticator.authenticate(self._token(request), state.service.clock())
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role}' may not do this.")
        require_device(principal, request.headers.get(DEVICE_HEADER))
        limit(state.limiter, principal.key)
        return principal

    def _token(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
        for role, name in _COOKIES.items():
            cookie = request.cookies.get(name)
            if cookie and role in self.roles:
                if not _same_origin(request):
                    raise Forbidden("This page belongs to another site.")
                return cookie
        raise TokenRefused("This needs an access token.", hint="Send it as 'Authorization: Bearer …'.")


class LiveAccess:
    """Dependency of a WebSocket: as :class:`Access`, but the token comes in the first message.

    Browsers cannot send headers with a WebSocket, and a token in the address would end up in logs.
    """

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, websocket: WebSocket) -> Admit:
        """Return what takes token and device and returns the caller.

        It raises TokenRefused, Forbidden, TooManyRequests.
        """
        return partial(self._admit, websocket)

    def _admit(self, websocket: WebSocket, token: str, device: str | None) -> Principal:
        state: State = websocket.app.state.certify
        limit(state.limiter, f"ip|{network_of(websocket)}")
        if not _same_origin(websocket):
            raise Forbidden("This page belongs to another site.")
        principal = state.authenticator.authenticate(token, state.service.clock())
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role}' may not do this.")
        require_device(principal, device)
        limit(state.limiter, principal.key)
        return principal


class Public:
    """Dependency: open to everybody, for the reason given; limited by network address."""

    def __init__(self, reason: str, *, limited: bool) -> None:
        self.reason = reason
        self.limited = limited

    async def __call__(self, request: Request) -> None:
        """Apply the rate limit of the caller's address."""
        if self.limited:
            limit(state_of(request).limiter, f"ip|{network_of(request)}")


def allow(*roles: Role) -> Access:
    """Open a route to these roles only."""
    return Access(frozenset(roles))


def allow_live(*roles: Role) -> LiveAccess:
    """Open a WebSocket to these roles only."""
    return LiveAccess(frozenset(roles))


def public(reason: str, *, limited: bool = True) -> Public:
    """Open a route to everybody, saying why that is right."""
    return Public(reason, limited=limited)


def require_own_session(principal: Principal, session_id: UUID) -> None:
    """Hold a pensioner to the one session their token is for. Raises Forbidden."""
    if principal.role is Role.PENSIONER and principal.session != session_id:
        raise Forbidden("This token is for another session.")


def require_device(principal: Principal, device_id: str | None) -> None:
    """Hold a token to the device it was given to. Raises TokenRefused.

    No page of another site can send the header, so that it also protects what a cookie opens (CSRF).
    """
    if principal.device is not None and not compare_digest(principal.device, device_mark(device_id or "")):
        raise TokenRefused("This access belongs to another device.", hint="Sign in again on this one.")


def network_of(connection: HTTPConnection) -> str:
    """Return the address that somebody comes from, by which they are limited."""
    return connection.client.host if connection.client else "unknown"


def _same_origin(connection: HTTPConnection) -> bool:
    """Tell whether the page is ours, as a browser says; programs that are no browsers say nothing."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


def limit(limiter: RateLimiter, key: str) -> None:
    """Count a request by a key. Raises TooManyRequests."""
    wait = limiter.hit(key)
    if wait:
        raise TooManyRequests("Too many requests.", retry_after=wait)


def require_agent_at_visit(unit: Unit, caller: Principal, session_id: UUID) -> None:
    """Take the media of a visit only from an agent. Raises Forbidden, NotFound."""
    visit = get_session(unit.db, session_id).channel == Channel.DOORSTEP
    if visit and caller.role is not Role.AGENT:
        raise Forbidden("The photo or video of a visit comes from the agent who makes it.")

"""Authenticate callers and check their roles.

Every route declares ``allow(...)`` or ``public(...)``; a test checks that no route lacks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from secrets import compare_digest
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, WebSocket
from starlette.requests import HTTPConnection

from api.errors import Forbidden, PossessionRequired, TooManyRequests
from api.journal import begin
from api.limits import RateLimiter
from api.network import network_of
from api.state import State, state_of
from certify.issuers.tokens import KeysAwaited, Principal, Role, TokenRefused
from certify.people.access import device_mark
from certify.people.possession import is_confirmed
from certify.storage.tables.door import SignInRow

DEVICE_HEADER = "X-Certify-Device"
"""The id of the caller's device, which the page draws at random once. A token of the page is good only with it."""

COOKIE = "__Host-certify"
"""Cookie of a person who is signed in to their own pages. No script can read it, and no other site can send it."""

TABLET_COOKIE = "__Host-certify-tablet"
"""Cookie of an agent who is signed in at an enrolled tablet."""

SIGNED_IN = frozenset({Role.SELF, Role.TABLET})
"""Roles whose tokens belong to a sign-in that can be ended."""

_COOKIES = {Role.SELF: COOKIE, Role.TABLET: TABLET_COOKIE}

DESK = (Role.OFFICER, Role.SUPERVISOR)
"""Roles that change people's data and decide about them."""

READERS = (*DESK, Role.AUDITOR)
"""Roles that read people's data."""

_KEYS_WAIT_S = 2.0
"""Longest wait for an issuer's keys, after the issuer changed them. Other requests go on meanwhile."""

Admit = Callable[[str, str | None], Principal]


class Access:
    """Dependency that authenticates the caller, requires one of the roles, and applies the caller's rate limit.

    It is asynchronous: FastAPI runs a plain function in another thread, which costs more than the check itself. Only a
    sign-in is read from the database, because it can be ended at any time.
    """

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:
        """Return the caller.

        Raises:
            TokenRefused: there is no good token, it belongs to another device, or its sign-in has ended
                (``token_refused``).
            Unavailable: the issuer's keys are not known and it does not answer (``issuer_unreachable``), or the
                database does not answer (``database_unavailable``).
            Forbidden: the role may not call this route, or a page of another site sent the cookie (``forbidden``).
            TooManyRequests: the caller's rate limit is reached (``too_many_requests``).
        """
        state = state_of(request)
        principal = await _authenticated(state, self._token(request))
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role}' may not do this.")
        begin(request.scope, principal)
        require_device(principal, request.headers.get(DEVICE_HEADER))
        await require_live_sign_in(state, principal)
        limit(state.limiter, principal.key)
        return principal

    def _token(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
        for role, name in _COOKIES.items():
            cookie = request.cookies.get(name)
            if cookie and role in self.roles:
                if not same_origin(request):
                    raise Forbidden("This page belongs to another site.")
                return cookie
        raise TokenRefused("This needs an access token.", hint="Send it as 'Authorization: Bearer …'.")


async def _authenticated(state: State, token: str) -> Principal:
    """Return the caller of a token. If keys of its issuer are being fetched, wait a short time for them.

    Raises:
        TokenRefused: the token is not good (``token_refused``).
        Unavailable: the issuer's keys are not known, and it does not answer (``issuer_unreachable``).
    """
    try:
        return state.authenticator.authenticate(token, state.service.clock())
    except KeysAwaited as awaited:
        await asyncio.wait([asyncio.wrap_future(awaited.fetched)], timeout=_KEYS_WAIT_S)
    return state.authenticator.authenticate(token, state.service.clock())


class LiveAccess:
    """Dependency of a WebSocket that does the same as :class:`Access` with the token of the first message.

    Browsers cannot send headers with a WebSocket, and a token in the address would appear in logs.
    """

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, websocket: WebSocket) -> Admit:
        """Return a function that takes a token and a device id, and returns the caller.

        The function raises the same errors as :meth:`Access.__call__`.
        """
        return partial(self._admit, websocket)

    def _admit(self, websocket: WebSocket, token: str, device: str | None) -> Principal:
        state: State = websocket.app.state.certify
        limit(state.limiter, f"ip|{network_of(websocket)}")
        if not same_origin(websocket):
            raise Forbidden("This page belongs to another site.")
        principal = state.authenticator.authenticate(token, state.service.clock())
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role}' may not do this.")
        require_device(principal, device)
        limit(state.limiter, principal.key)
        return principal


class Public:
    """Dependency that opens a route to every caller, for the reason given, and limits them by network address."""

    def __init__(self, reason: str, *, limited: bool) -> None:
        self.reason = reason
        self.limited = limited

    async def __call__(self, request: Request) -> None:
        """Apply the rate limit of the caller's address.

        Raises:
            TooManyRequests: the address has reached its limit (``too_many_requests``).
        """
        if self.limited:
            limit(state_of(request).limiter, f"ip|{network_of(request)}")


def allow(*roles: Role) -> Access:
    """Return the dependency that opens a route to these roles only."""
    return Access(frozenset(roles))


def allow_live(*roles: Role) -> LiveAccess:
    """Return the dependency that opens a WebSocket to these roles only."""
    return LiveAccess(frozenset(roles))


def public(reason: str, *, limited: bool = True) -> Public:
    """Return the dependency that opens a route to every caller.

    Args:
        reason: why that is right.
        limited: whether requests are limited by network address.
    """
    return Public(reason, limited=limited)


def require_own_session(principal: Principal, session_id: UUID) -> None:
    """Check that a pensioner asks for the session that their token was issued for.

    Raises:
        Forbidden: the token is for another session (``forbidden``).
    """
    if principal.role is Role.PENSIONER and principal.session != session_id:
        raise Forbidden("This token is for another session.")


def require_device(principal: Principal, device_id: str | None) -> None:
    """Check that a token comes from the device that it was issued to.

    No page of another site can send the header. So the check also protects access by cookie from forged requests
    (CSRF).

    Raises:
        TokenRefused: the token belongs to another device (``token_refused``).
    """
    if principal.device is not None and not compare_digest(principal.device, device_mark(device_id or "")):
        raise TokenRefused("This access belongs to another device.", hint="Sign in again on this one.")


async def require_live_sign_in(state: State, principal: Principal) -> None:
    """Check that the sign-in of a token is neither ended nor over. Tokens of other roles have none.

    Raises:
        TokenRefused: it was ended, or the token is from before sign-ins were kept (``token_refused``).
        Unavailable: the database does not answer (``database_unavailable``).
    """
    if principal.role not in SIGNED_IN:
        return
    row = None if principal.sign_in is None else await state.quick.get(SignInRow, principal.sign_in)
    if row is None or row.ended_at is not None or row.expires_at <= state.service.clock():
        raise TokenRefused("This sign-in has ended.", hint="Sign in again.")


def require_possession(principal: Principal, now: datetime) -> None:
    """Check that a person who is signed in has just used a code or a link.

    Raises:
        PossessionRequired: they signed in by their face, or longer ago (``possession_required``).
    """
    if not is_confirmed(principal.confirmed_at, now):
        raise PossessionRequired(
            "This change needs a code that the fund sends to your known telephone or e-mail, or the link of a letter.",
            hint="Ask for a code (POST /v1/me/codes) and send it (POST /v1/me/codes/redeem).",
        )


def same_origin(connection: HTTPConnection) -> bool:
    """Tell whether a page of ours sent the request. Browsers name the page; other programs name none and pass."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


def limit(limiter: RateLimiter, key: str) -> None:
    """Count a request under a key.

    Raises:
        TooManyRequests: the key has reached its limit (``too_many_requests``).
    """
    wait = limiter.hit(key)
    if wait:
        raise TooManyRequests("Too many requests.", retry_after=wait)

"""Who may call what. Every route declares ``allow(...)`` or ``public(...)``; a test walks all routes and checks it."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from api.errors import Forbidden, TooManyRequests
from api.limits import RateLimiter
from api.state import state_of
from certify.tokens import Principal, Role, TokenRefused


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
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused("This needs an access token.", hint="Send it as 'Authorization: Bearer …'.")
        principal = state.authenticator.authenticate(token.strip(), state.service.clock())
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role}' may not do this.")
        _limit(state.limiter, principal.key)
        return principal


class Public:
    """Dependency: open to everybody, for the reason given; limited by network address."""

    def __init__(self, reason: str, *, limited: bool) -> None:
        self.reason = reason
        self.limited = limited

    async def __call__(self, request: Request) -> None:
        """Apply the rate limit of the caller's address."""
        if self.limited:
            _limit(state_of(request).limiter, f"ip|{request.client.host if request.client else 'unknown'}")


def allow(*roles: Role) -> Access:
    """Open a route to these roles only."""
    return Access(frozenset(roles))


def public(reason: str, *, limited: bool = True) -> Public:
    """Open a route to everybody, saying why that is right."""
    return Public(reason, limited=limited)


def require_own_session(principal: Principal, session_id: UUID) -> None:
    """Hold a pensioner to the one session their token is for. Raises Forbidden."""
    if principal.role is Role.PENSIONER and principal.session != session_id:
        raise Forbidden("This token is for another session.")


def _limit(limiter: RateLimiter, key: str) -> None:
    wait = limiter.hit(key)
    if wait:
        raise TooManyRequests("Too many requests.", retry_after=wait)

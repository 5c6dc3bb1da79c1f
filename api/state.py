"""The objects that all requests share while the application runs."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from api.limits import RateLimiter, SignInLimits
from api.readiness import Readiness
from certify.capture.live.guide_client import GuidePool
from certify.service import Service
from certify.storage.quick import QuickReader
from certify.tokens import Authenticator, Signer


@dataclass(frozen=True, slots=True)
class State:
    """The shared objects, built once at start and read by every request.

    Attributes:
        service: settings, database, policies and keys.
        authenticator: verifies tokens.
        session_signer: signs the tokens that the service itself issues.
        limiter: limits requests per caller or address.
        sign_in_limits: limits sign-in attempts.
        tablet_limiter: limits requests of tablets per network.
        quick: reads single rows without a thread.
        guides: processes that give guidance during live captures.
        readiness: whether this process can serve.
    """

    service: Service
    authenticator: Authenticator
    session_signer: Signer
    limiter: RateLimiter
    sign_in_limits: SignInLimits
    tablet_limiter: RateLimiter
    quick: QuickReader
    guides: GuidePool
    readiness: Readiness


def state_of(request: Request) -> State:
    """Return the state of the application that serves this request."""
    state: State = request.app.state.certify
    return state


async def current_state(request: Request) -> State:
    """Return the state, as a dependency. It is asynchronous to stay out of the thread pool."""
    return state_of(request)


async def service_of(request: Request) -> Service:
    """Return the service, as a dependency. It is asynchronous to stay out of the thread pool."""
    return state_of(request).service

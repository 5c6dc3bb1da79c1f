"""What the application holds while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from api.limits import DoorLimits, RateLimiter
from certify.capture.live.guide_client import GuidePool
from certify.service import Service
from certify.storage.quick import QuickReader
from certify.tokens import Authenticator, Signer


@dataclass(frozen=True, slots=True)
class State:
    """Built once at start, read by every request."""

    service: Service
    authenticator: Authenticator
    sessions: Signer
    limiter: RateLimiter
    door: DoorLimits
    tablets: RateLimiter
    quick: QuickReader
    guides: GuidePool


def state_of(request: Request) -> State:
    """Return the state of the application that serves this request."""
    state: State = request.app.state.certify
    return state


async def current_state(request: Request) -> State:
    """Dependency: the state. Asynchronous to stay out of the thread pool."""
    return state_of(request)


async def service_of(request: Request) -> Service:
    """Dependency: the service. Asynchronous to stay out of the thread pool."""
    return state_of(request).service

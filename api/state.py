"""The objects that all requests share while the application runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import Request

from api.limits import RateLimiter
from api.readiness import Readiness
from certify.capture.live.guide_client import GuidePool
from certify.issuers.tokens import Authenticator, Signer
from certify.service import Service
from certify.storage.journal import JournalWriter
from certify.storage.quick import QuickReader


@dataclass(frozen=True, slots=True)
class State:
    """The shared objects, built once at start and read by every request.

    Attributes:
        service: settings, database, policies and keys.
        strangers: the same with connections of its own, for routes that anyone may call. However many of them wait,
            the connections of payers and officers stay free.
        authenticator: verifies tokens.
        session_signer: signs the tokens that the service itself issues.
        limiter: limits requests per caller or address.
        tablet_limiter: limits requests of tablets per network.
        quick: reads single rows without a thread.
        journal: writes who reads about whom.
        guides: processes that give guidance during live captures.
        readiness: whether this process can serve.
    """

    service: Service
    strangers: Service
    authenticator: Authenticator
    session_signer: Signer
    limiter: RateLimiter
    tablet_limiter: RateLimiter
    quick: QuickReader
    journal: JournalWriter
    guides: GuidePool
    readiness: Readiness


STRANGERS_CONNECTIONS = 8
"""Connections to the database for all routes that anyone may call, together."""

_STRANGERS_PATHS = ("/v1/knock/", "/v1/sessions/", "/v1/tablet/")


def state_of(request: Request) -> State:
    """Return the state of the application that serves this request, with the connections that its route may use."""
    state: State = request.app.state.certify
    if request.url.path.startswith(_STRANGERS_PATHS):
        return replace(state, service=state.strangers)
    return state


async def current_state(request: Request) -> State:
    """Return the state, as a dependency. It is asynchronous to stay out of the thread pool."""
    return state_of(request)


async def service_of(request: Request) -> Service:
    """Return the service, as a dependency. It is asynchronous to stay out of the thread pool."""
    return state_of(request).service

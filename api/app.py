"""Build the FastAPI application from its parts."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry

from api import errors
from api.limits import TABLETS, RateLimiter, SignInLimits
from api.middleware import BodyLimit, Observe
from api.readiness import Readiness
from api.routes import (
    agents,
    attestations,
    beneficiaries,
    certificates,
    determinations,
    knock,
    ledger,
    live,
    me,
    operations,
    receipts,
    references,
    reviews,
    sessions,
    standings,
    tablet,
    uploads,
    web,
)
from api.routes.operations import Standings
from api.state import State
from certify.capture.live.guide_client import GuidePool
from certify.config import Env, Settings
from certify.issuers.file import load_issuers
from certify.production import require_production
from certify.service import Service, build_service
from certify.storage.quick import QuickReader
from certify.storage.signing import active_key, verifying_keys
from certify.tokens import OWN_ROLES, SESSION_ISSUER, Authenticator, Signer, development_signer

_DESCRIPTION = """
Proves once a year that a pensioner is alive and still entitled, and issues a certificate that payers can verify.

Errors are RFC 9457 problem details with a stable `code`. Every POST that changes something needs an
`Idempotency-Key`. If an answer was lost, send the same key again: nothing happens twice.
"""


NO_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
}
"""FastAPI would record each request with its address for any OpenTelemetry provider of the process, and with
``FASTAPI_OTEL_AUTO_CONFIGURE`` send it to the address in ``OTEL_…``. Addresses of requests hold ids of people."""

_LONGEST_SESSION = timedelta(days=30)
"""Longest life of a token that the service issues: a month, for people on their own phones (api/routes/knock.py). A
token of one session lives for a day or two."""


def create_app(settings: Settings | None = None, *, service: Service | None = None) -> FastAPI:
    """Build the application.

    Args:
        settings: None takes those of ``service``, or reads them from the environment as the server does.
        service: a running service, which the caller closes. None builds one at start and closes it at the end.
    """
    settings = settings or (service.settings if service else Settings())
    registry = CollectorRegistry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if service is None:
            require_production()  # 'certify serve' asked before; another way to start the application did not
        running = service or build_service(settings)
        state = build_state(running)
        await state.quick.open()
        app.state.certify = state
        app.state.metrics = registry
        registry.register(Standings(running))
        freeze_objects()
        yield
        gc.unfreeze()
        await state.quick.close()
        if service is None:
            running.database.close()

    # FastAPI's interactive pages load scripts from other hosts, so only the OpenAPI document is served.
    app = FastAPI(
        title="certify",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        telemetry=NO_TELEMETRY,
    )
    for module in (
        web,
        knock,
        me,
        tablet,
        agents,
        beneficiaries,
        attestations,
        receipts,
        references,
        sessions,
        standings,
        live,
        uploads,
        determinations,
        certificates,
        reviews,
        ledger,
        operations,
    ):
        app.include_router(module.router)
    errors.install(app)
    app.add_middleware(BodyLimit, media_limit=settings.max_upload_bytes)
    app.add_middleware(Observe, registry=registry)
    setattr(app, "openapi", lambda: _openapi(app))  # noqa: B010 - FastAPI's documented way to extend the document
    return app


def freeze_objects() -> None:
    """Exempt the objects loaded so far from garbage collection: they stay, and need no check during requests."""
    gc.collect()
    gc.freeze()


def build_state(service: Service) -> State:
    """Build the objects that all requests share.

    Raises:
        Unavailable: the file of issuers cannot be used (``issuers_file``).
    """
    settings = service.settings
    issuers = load_issuers(settings.issuers_file) if settings.issuers_file else []
    if settings.env is Env.DEVELOPMENT:
        issuers.append(development_signer(settings).issuer())
    with service.unit() as unit:
        key = active_key(unit.db, service.vault, "session", unit.now)
        earlier = verifying_keys(unit.db, "session", unit.now - _LONGEST_SESSION)
    retired = [row.public_jwk for row in earlier]
    signer = Signer(SESSION_ISSUER, key.to_jwk(), OWN_ROLES, retired=retired)
    authenticator = Authenticator([*issuers, signer.issuer()])
    authenticator.prepare(service.clock())
    return State(
        service=service,
        authenticator=authenticator,
        session_signer=signer,
        limiter=RateLimiter(settings.rate_limit),
        sign_in_limits=SignInLimits(unlimited=settings.rate_limit == "none"),
        tablet_limiter=RateLimiter("none" if settings.rate_limit == "none" else TABLETS),
        quick=QuickReader(service.database),
        guides=GuidePool([Path(path) for path in settings.guide_sockets], most=settings.live_captures),
        readiness=Readiness(service),
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = errors.PROBLEM_SCHEMA
        app.openapi_schema = schema
    return app.openapi_schema

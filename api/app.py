"""Build the FastAPI application from its parts."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from starlette.types import Scope

from api import errors
from api.intake import Intake
from api.limits import TABLETS, RateLimiter
from api.middleware import BodyLimit, Observe
from api.readiness import Readiness
from api.routes import (
    agents,
    attestations,
    beneficiaries,
    certificates,
    determinations,
    journal,
    knock,
    knock_phone,
    knock_visits,
    ledger,
    live,
    me,
    me_erasure,
    operations,
    proposals,
    receipts,
    references,
    reviews,
    sessions,
    sign_ins,
    standings,
    tablet,
    uploads,
    web,
)
from api.routes.operations import Standings
from api.state import STRANGERS_CONNECTIONS, State
from certify.capture.live.guide_client import GuidePool
from certify.config import Env, Settings
from certify.doorstep.receive import require_plausible
from certify.issuers.file import load_issuers
from certify.issuers.tokens import OWN_ROLES, SESSION_ISSUER, Authenticator, Signer, development_signer
from certify.production import require_production
from certify.service import Service, build_service
from certify.storage.database import Database
from certify.storage.journal import JournalWriter
from certify.storage.quick import QuickReader
from certify.storage.signing import active_key, verifying_keys

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
        public = Database(running.database.url, pool_size=STRANGERS_CONNECTIONS, overflow=0)
        state = build_state(running, replace(running, database=public))
        await state.quick.open()
        await state.journal.open()
        app.state.certify = state
        app.state.metrics = registry
        registry.register(Standings(running))
        freeze_objects()
        yield
        gc.unfreeze()
        await state.quick.close()
        public.close()
        await state.journal.close()
        if service is None:
            running.decoders.close()
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
        knock_phone,
        knock_visits,
        me,
        me_erasure,
        proposals,
        tablet,
        agents,
        sign_ins,
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
        journal,
        operations,
    ):
        app.include_router(module.router)
    errors.install(app)
    app.add_middleware(Intake, head_check=partial(check_head, app))
    app.add_middleware(BodyLimit, media_limit=settings.max_upload_bytes)
    app.add_middleware(Observe, registry=registry)
    setattr(app, "openapi", lambda: _openapi(app))  # noqa: B010 - FastAPI's documented way to extend the document
    return app


async def check_head(app: FastAPI, _scope: Scope, head: bytes) -> None:
    """Refuse a sealed visit by its first bytes, before the rest is read.

    Raises:
        CertifyError: the tablet is not known, or the visit has no plausible place in its chain.
    """
    strangers: Service = app.state.certify.strangers

    def check() -> None:
        with strangers.reading() as unit:
            require_plausible(unit, head)

    await run_in_threadpool(check)


def freeze_objects() -> None:
    """Exempt the objects loaded so far from garbage collection: they stay, and need no check during requests."""
    gc.collect()
    gc.freeze()


def build_state(service: Service, strangers: Service | None = None) -> State:
    """Build the objects that all requests share.

    Args:
        service: the running service.
        strangers: the same with connections of its own for public routes; None shares those of ``service``.

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
        strangers=strangers or service,
        authenticator=authenticator,
        session_signer=signer,
        limiter=RateLimiter(settings.rate_limit),
        tablet_limiter=RateLimiter(TABLETS),
        quick=QuickReader(service.database),
        journal=JournalWriter(service.database),
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

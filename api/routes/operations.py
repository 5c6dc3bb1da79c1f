"""Routes for operators: health, readiness and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.auth import allow, public
from api.errors import problems
from api.schemas.operations import HealthOut
from api.state import State, current_state
from certify.audit.checkpoints import refusals
from certify.issuers.tokens import Principal, Role
from certify.service import Service
from certify.storage.audited import last_audit
from certify.storage.people import count_by_standing
from certify.storage.row_macs import altered
from certify.storage.sessions import count_by_outcome

router = APIRouter(tags=["operations"])

_READY = HealthOut(status="ok", checks={"database": "ok", "schema": "current", "disk": "ok"}).model_dump_json().encode()
"""The answer when all is well, made once: load balancers ask for it all day."""


@router.get(
    "/health", dependencies=[Depends(public("says only that the process runs", limited=False))], responses=problems()
)
async def health() -> HealthOut:
    """Answer that the process runs."""
    return HealthOut(status="ok")


@router.get(
    "/ready",
    response_model=HealthOut,
    dependencies=[Depends(public("for load balancers; says only whether parts answer", limited=False))],
    responses=problems(503),
)
async def ready(state: Annotated[State, Depends(current_state)]) -> Response:
    """Check that requests can be served: the database answers, has the schema of this release, and can write.

    The answer is at most two seconds old.
    """
    await state.readiness.check()
    return Response(_READY, media_type="application/json")


@router.get(
    "/metrics",
    response_class=Response,
    responses={**problems(401, 403, 503), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, _caller: Annotated[Principal, Depends(allow(Role.OPERATOR))]) -> Response:
    """Return metrics in the Prometheus text format."""
    registry: CollectorRegistry = request.app.state.metrics
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Standings(Collector):
    """Collector of counts that are read from the database when metrics are requested."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield entitlements by standing and sessions by state and outcome."""
        with self._service.reading() as unit:
            standings, sessions = count_by_standing(unit.db), count_by_outcome(unit.db)
            audit = last_audit(unit.db)
        by_standing = GaugeMetricFamily("certify_entitlements", "Entitlements by standing", labels=["standing"])
        for standing, count in sorted(standings.items()):
            by_standing.add_metric([standing], count)
        yield by_standing
        by_outcome = GaugeMetricFamily("certify_sessions", "Capture sessions", labels=["state", "outcome"])
        for (state, outcome), count in sorted(sessions.items()):
            by_outcome.add_metric([state, outcome], count)
        yield by_outcome
        tampered = CounterMetricFamily(
            "certify_rows_altered", "Rows that this process found altered outside the service", labels=["table"]
        )
        for table, count in sorted(altered.items()):
            tampered.add_metric([table], count)
        yield tampered
        yield CounterMetricFamily(
            "certify_ledger_forks", "How often this process refused to sign a forked ledger", value=refusals()
        )
        if audit is not None:
            yield GaugeMetricFamily(
                "certify_audit_findings", "Findings of the newest audit of standings", value=audit.findings
            )
            yield GaugeMetricFamily(
                "certify_audit_started", "Unix time at which the newest audit began", value=audit.started_at.timestamp()
            )

    def describe(self) -> Iterator[Metric]:
        """Return no descriptions, so that the registration sends no query to the database."""
        return iter(())

"""Capture sessions: create, upload the photo, read the result."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api import schemas, views
from api.auth import allow, require_own_session
from api.errors import Forbidden, problems
from api.idempotency import Once, once
from api.routes.media import MEDIA_BODY, media_body
from api.state import service_of, state_of
from certify.capture import open_session, submit_media
from certify.domain.evidence import Channel
from certify.service import Service, Unit
from certify.storage.sessions import get_session
from certify.tokens import Principal, Role

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

_RESULT_LIFETIME = timedelta(hours=24)
"""How long after the session's end its token still reads the result."""


@router.post(
    "",
    status_code=201,
    response_model=schemas.SessionOpened,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
)
def create(
    body: schemas.SessionIn,
    request: Request,
    caller: Annotated[Principal, Depends(allow(Role.AGENT, Role.OFFICER, Role.MACHINE))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Open a session for a person. The token in the answer goes to the person's device."""
    if Channel(body.channel) is Channel.DOORSTEP and caller.role is not Role.AGENT:
        raise Forbidden("Only an agent can open a visit.")
    signer = state_of(request).sessions

    def work(unit: Unit) -> schemas.SessionOpened:
        row = open_session(unit, body.beneficiary_id, Channel(body.channel))
        lifetime = row.expires_at - unit.now + _RESULT_LIFETIME
        token = signer.issue(
            subject=str(row.beneficiary_id), role=Role.PENSIONER, now=unit.now, lifetime=lifetime, session=row.id
        )
        return schemas.SessionOpened(session=views.session(unit, row), token=token)

    return once.run(caller, work, status=201)


@router.post(
    "/{session_id}/media",
    status_code=202,
    response_model=schemas.SessionOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 415, 422, 503),
    openapi_extra=MEDIA_BODY,
)
def upload(
    session_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER, Role.AGENT))],
    data: Annotated[bytes, Depends(media_body)],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Send the photo. From the moment this answers 202 the photo is safe and will be decided exactly once."""
    require_own_session(caller, session_id)

    def work(unit: Unit) -> schemas.SessionOut:
        visit = get_session(unit.db, session_id).channel == Channel.DOORSTEP
        if visit and caller.role is not Role.AGENT:
            raise Forbidden("The photo of a visit comes from the agent who makes it.")
        return views.session(unit, submit_media(unit, session_id, data))

    return once.run(caller, work, status=202)


@router.get("/{session_id}", response_model=schemas.SessionOut, responses=problems(401, 403, 404, 422, 503))
def result(
    session_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER, Role.AGENT, Role.OFFICER, Role.AUDITOR, Role.MACHINE))],
    service: Annotated[Service, Depends(service_of)],
) -> Response:
    """Read a session: its state, and once decided its outcome with what to do next."""
    require_own_session(caller, session_id)
    with service.reading() as unit:
        return views.as_response(views.session(unit, get_session(unit.db, session_id)))

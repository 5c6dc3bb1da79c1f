"""Routes of capture sessions: open one, send the photo or video in one request, and read the result."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api import views
from api.auth import DESK, READERS, allow, require_own_session
from api.errors import CHANGES, problems
from api.idempotency import Once, once
from api.routes.media import CAPTURE_BODY, media_body
from api.schemas.sessions import SessionIn, SessionOpened, SessionOut
from api.scope import require_person_quickly, require_whole_person
from api.session_opened import opened
from api.state import service_of, state_of
from certify.capture.session import open_session, prepare_media, submit_media
from certify.domain.channels import Channel
from certify.issuers.tokens import Principal, Role
from certify.service import Service, Unit
from certify.storage.sessions import session_not_found
from certify.storage.tables.sessions import SessionRow

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])


@router.post(
    "",
    status_code=201,
    response_model=SessionOpened,
    responses=CHANGES,
)
def create(
    body: SessionIn,
    request: Request,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Open a session for a person at the counter. Pass token, nonce and plan of the answer to the person's device.

    A visit at home is not opened here: it comes as a sealed visit from an enrolled tablet. The plan lists the prompts
    for the person and their times, counted from the first frame of the video.
    """
    signer = state_of(request).session_signer

    def work(unit: Unit) -> SessionOpened:
        require_whole_person(unit, caller, body.beneficiary_id)
        row = open_session(
            unit,
            body.beneficiary_id,
            Channel(body.channel),
            device_id=body.device_id,
            assisted=body.assisted,
            at_counter=True,
        )
        return opened(signer, unit, row, subject=row.beneficiary_id)

    return once.run(caller, work, status=201)


@router.post(
    "/{session_id}/media",
    status_code=202,
    response_model=SessionOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 415, 422, 503),
    openapi_extra=CAPTURE_BODY,
)
def upload(
    session_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER))],
    data: Annotated[bytes, Depends(media_body)],
    once: Annotated[Once, Depends(once)],
    service: Annotated[Service, Depends(service_of)],
) -> Response:
    """Send the photo or video. The answer 202 means that it is stored and will be decided exactly once."""
    require_own_session(caller, session_id)
    media = prepare_media(service, session_id, data)

    def work(unit: Unit) -> SessionOut:
        return views.session(submit_media(unit, session_id, media), unit.now)

    return once.run(caller, work, status=202)


@router.get("/{session_id}", response_model=SessionOut, responses=problems(401, 403, 404, 422, 503))
async def result(
    session_id: UUID,
    request: Request,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER, *READERS))],
) -> Response:
    """Read a session: its state, and once it is decided, its outcome with guidance for the next attempt."""
    require_own_session(caller, session_id)
    state = state_of(request)
    row = await state.quick.get(SessionRow, session_id)
    if row is None:
        raise session_not_found()
    to_staff = caller.role is not Role.PENSIONER
    if to_staff:
        await require_person_quickly(state.service, caller, row.beneficiary_id)
    return views.as_response(views.session(row, state.service.clock(), to_staff=to_staff))

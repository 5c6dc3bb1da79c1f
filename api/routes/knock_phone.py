"""Certify again on a known phone: its key, which cannot leave it, stands for number and birth date."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.auth import allow, public
from api.device_key import device_key_of
from api.door import Gate
from api.errors import CHANGES, problems
from api.idempotency import Once, once
from api.pace import paced
from api.routes import knock
from api.schemas.own_pages import AcceptedOut, KnownPhoneIn
from api.schemas.sessions import SessionOpened
from api.session_opened import opened
from api.state import State, current_state
from certify.capture.known_phone import open_on_known_phone
from certify.domain.profile import PHOTOSENSITIVE
from certify.issuers.tokens import Principal, Role
from certify.people.access import device_mark
from certify.people.door import Purpose
from certify.service import Unit
from certify.storage.known_phones import forget_phones

router = APIRouter(prefix="/v1", tags=["own pages"])


@router.post(
    "/knock/phone/sessions",
    status_code=201,
    response_model=SessionOpened,
    dependencies=[Depends(public("a phone proves its key, which stands for the person", limited=False))],
    responses=problems(400, 404, 409, 413, 422, 503),
)
async def open_session(
    body: KnownPhoneIn,
    request: Request,
    state: Annotated[State, Depends(current_state)],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Open a capture session for the one person for whom this phone is known.

    The header `DPoP` (RFC 9449, ES256) with a nonce of `/v1/knock/nonce` proves the key of the phone. Nothing about the
    person is answered.
    """
    gate = Gate(state, request, Purpose.SESSION, body.device_id, lambda _: None)

    def work(unit: Unit) -> SessionOpened:
        row = open_on_known_phone(
            unit,
            device_id=body.device_id,
            device_key=device_key_of(unit, request),
            assisted=body.assisted,
            needs=(PHOTOSENSITIVE,) if body.avoid_flashes else (),
        )
        return opened(state.session_signer, unit, row, subject=row.id, device_id=body.device_id)

    caller = Principal(device_mark(body.device_id), Role.PENSIONER, "certify:door")
    return await paced(lambda: once.run(caller, work, status=201), knock.BEAT_S, gate=gate.enter)


@router.post("/me/phones/forget", status_code=202, response_model=AcceptedOut, responses=CHANGES)
def forget(
    caller: Annotated[Principal, Depends(allow(Role.SELF))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Let no phone be known for the person any more: each asks for number and birth date again."""

    def work(unit: Unit) -> AcceptedOut:
        forget_phones(unit.db, UUID(caller.subject))
        return AcceptedOut()

    return once.run(caller, work, status=202)

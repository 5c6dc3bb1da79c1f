"""Routes for officers about the sign-ins of people and of agents: list them, and end all of them at once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api import own_views
from api.auth import DESK, allow
from api.errors import CHANGES_WITHOUT_410, problems
from api.idempotency import Once, once
from api.schemas.doorstep import TabletSignInList, TabletSignInOut
from api.schemas.own_pages import SignInList, SignInsEnded
from api.scope import require_agent, require_person
from api.state import service_of
from certify.domain.states import SignInEnd
from certify.doorstep.tablets import end_sign_ins_of_agent
from certify.issuers.tokens import Principal
from certify.people.sign_ins import end_all_sign_ins, own_sign_ins
from certify.service import Service, Unit
from certify.storage.sign_ins import live_sign_ins_of_agent

router = APIRouter(prefix="/v1", tags=["sign-ins"])

_Officer = Annotated[Principal, Depends(allow(*DESK))]
_Service = Annotated[Service, Depends(service_of)]
_Once = Annotated[Once, Depends(once)]


@router.get("/beneficiaries/{beneficiary_id}/sign-ins", responses=problems(401, 403, 404, 422, 503))
def of_person(beneficiary_id: UUID, caller: _Officer, service: _Service) -> SignInList:
    """List where a person is signed in. Devices are not shown."""
    with service.reading() as unit:
        require_person(unit, caller, beneficiary_id)
        return own_views.sign_ins(own_sign_ins(unit, beneficiary_id), None)


@router.post(
    "/beneficiaries/{beneficiary_id}/sign-ins/end",
    response_model=SignInsEnded,
    responses=CHANGES_WITHOUT_410,
)
def end_of_person(beneficiary_id: UUID, caller: _Officer, once: _Once) -> Response:
    """End all sign-ins of a person at once, with their codes and links: somebody else may have come in."""

    def work(unit: Unit) -> SignInsEnded:
        require_person(unit, caller, beneficiary_id)
        return SignInsEnded(ended=end_all_sign_ins(unit, beneficiary_id, SignInEnd.ENDED_BY_OFFICER))

    return once.run(caller, work, status=200)


@router.get("/agents/{agent_id}/sign-ins", responses=problems(401, 403, 404, 422, 503))
def of_agent(agent_id: UUID, caller: _Officer, service: _Service) -> TabletSignInList:
    """List the tablets on which an agent is signed in."""
    with service.reading() as unit:
        require_agent(unit, caller, agent_id)
        rows = live_sign_ins_of_agent(unit.db, agent_id, unit.now)
        return TabletSignInList(items=[TabletSignInOut.model_validate(row, from_attributes=True) for row in rows])


@router.post(
    "/agents/{agent_id}/sign-ins/end",
    response_model=SignInsEnded,
    responses=CHANGES_WITHOUT_410,
)
def end_of_agent(agent_id: UUID, caller: _Officer, once: _Once) -> Response:
    """Sign an agent out on all tablets at once. The tablets stay enrolled; the passkey signs in again."""

    def work(unit: Unit) -> SignInsEnded:
        return SignInsEnded(ended=end_sign_ins_of_agent(unit, require_agent(unit, caller, agent_id)))

    return once.run(caller, work, status=200)

"""Routes for officers about agents, tablets, refused visits and holds; and the public check of an agent at the door."""

from __future__ import annotations

import base64
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from api.auth import DESK, READERS, allow, limit, public
from api.errors import CHANGES_WITHOUT_410, problems
from api.idempotency import Once, once
from api.network import network_of
from api.proposed import PROPOSES, proposing, status_of
from api.schemas.doorstep import (
    AgentChangeIn,
    AgentDetailOut,
    AgentIn,
    AgentList,
    AgentStateIn,
    BaseIn,
    DoorIn,
    DoorOut,
    HoldDecisionIn,
    HoldList,
    HoldOut,
    InvitedOut,
    PlaceOut,
    RefusedList,
    RefusedOut,
    TabletOut,
)
from api.schemas.proposals import ProposalOut, WhyIn
from api.scope import outside_scope, require_agent
from api.state import State, current_state
from certify.domain.four_eyes import Action
from certify.domain.route import Point
from certify.domain.states import AgentState
from certify.doorstep.agents import (
    AgentChange,
    NewAgent,
    add_agent,
    base_of,
    change_agent,
    check_agent,
    set_agent_state,
)
from certify.doorstep.calendar import today_of
from certify.doorstep.receive import is_admissible
from certify.doorstep.tablets import invite_tablet, revoke_tablet
from certify.doorstep.watch import confirm, release, score_agents, scores_page
from certify.issuers.tokens import Principal, Role
from certify.service import Unit
from certify.storage.agents import all_agents, get_agent
from certify.storage.bundles import missing_places, refused_bundles
from certify.storage.holds import open_holds
from certify.storage.tables.doorstep import AgentHoldRow, AgentRow, BundleRow, TabletRow
from certify.storage.tablets import tablets_of

router = APIRouter(prefix="/v1", tags=["agents"])

_State = Annotated[State, Depends(current_state)]
_Once = Annotated[Once, Depends(once)]
_Officer = Annotated[Principal, Depends(allow(*DESK))]
_Supervisor = Annotated[Principal, Depends(allow(Role.SUPERVISOR))]
_Reader = Annotated[Principal, Depends(allow(*READERS))]


@router.post(
    "/agents",
    status_code=201,
    response_model=AgentDetailOut,
    responses=problems(400, 401, 403, 409, 413, 422, 503),
)
def add(body: AgentIn, caller: _Officer, once: _Once) -> Response:
    """Add an agent."""
    if not caller.scope.covers_region(body.area):
        raise outside_scope()

    def work(unit: Unit) -> AgentDetailOut:
        new = NewAgent(badge=body.badge, name=body.name, area=body.area, capacity=body.capacity, base=_base(body.base))
        return _detail(unit, add_agent(unit, new))

    return once.run(caller, work, status=201)


@router.get("/agents", responses=problems(401, 403, 503))
def agents(caller: _Reader, state: _State) -> AgentList:
    """List the agents of the caller's regions with their tablets."""
    with state.service.reading() as unit:
        return AgentList(
            items=[_detail(unit, row) for row in all_agents(unit.db) if caller.scope.covers_region(row.area)]
        )


@router.patch(
    "/agents/{agent_id}",
    response_model=AgentDetailOut,
    responses=CHANGES_WITHOUT_410,
)
def change(agent_id: UUID, body: AgentChangeIn, caller: _Officer, once: _Once) -> Response:
    """Change an agent's name, area, capacity or base. Visits that are planned already stay as they are."""
    changes = AgentChange()
    if body.name is not None:
        changes["name"] = body.name
    if body.area is not None:
        changes["area"] = body.area
        if not caller.scope.covers_region(body.area):
            raise outside_scope()
    if body.capacity is not None:
        changes["capacity"] = body.capacity
    if "base" in body.model_fields_set:
        changes["base"] = _base(body.base)

    def work(unit: Unit) -> AgentDetailOut:
        return _detail(unit, change_agent(unit, require_agent(unit, caller, agent_id), changes))

    return once.run(caller, work, status=200)


@router.post(
    "/agents/{agent_id}/state",
    response_model=AgentDetailOut,
    responses=CHANGES_WITHOUT_410,
)
def change_state(agent_id: UUID, body: AgentStateIn, caller: _Officer, once: _Once) -> Response:
    """Set the state of an agent.

    The planned visits of an agent who is away or suspended are planned again for other agents. The tablets of a
    suspended agent are revoked.
    """

    def work(unit: Unit) -> AgentDetailOut:
        return _detail(unit, set_agent_state(unit, require_agent(unit, caller, agent_id), AgentState(body.state)))

    return once.run(caller, work, status=200)


@router.post(
    "/agents/{agent_id}/tablets",
    status_code=201,
    response_model=InvitedOut,
    responses=CHANGES_WITHOUT_410,
)
def invite(agent_id: UUID, caller: _Officer, once: _Once) -> Response:
    """Invite a tablet for an agent. The address in the answer enrols one tablet, once, within a day."""

    def work(unit: Unit) -> InvitedOut:
        require_agent(unit, caller, agent_id)
        row, secret = invite_tablet(unit, get_agent(unit.db, agent_id), officer=caller.subject)
        address = f"{unit.service.settings.public_url.rstrip('/')}/agent#e={secret}"
        return InvitedOut(tablet_id=row.id, address=address, expires_at=row.invite_expires_at)

    return once.run(caller, work, status=201)


@router.post(
    "/tablets/{tablet_id}/revoke",
    response_model=TabletOut,
    responses=CHANGES_WITHOUT_410,
)
def revoke(tablet_id: UUID, caller: _Officer, once: _Once) -> Response:
    """Revoke a tablet that was lost or stolen, or is not needed any more."""

    def work(unit: Unit) -> TabletOut:
        row = revoke_tablet(unit, tablet_id, officer=caller.subject)
        require_agent(unit, caller, row.agent_id)
        return _tablet(unit, row)

    return once.run(caller, work, status=200)


@router.get("/bundles/refused", responses=problems(401, 403, 503))
def refused(caller: _Reader, state: _State) -> RefusedList:
    """List the sealed visits of the caller's regions that were refused, with the reason of each."""
    with state.service.reading() as unit:
        mine = _agents_in_scope(unit, caller)
        return RefusedList(items=[_refused(row) for row in refused_bundles(unit.db) if row.agent_id in mine])


@router.post(
    "/bundles/{bundle_id}/admit",
    status_code=202,
    response_model=ProposalOut,
    responses=PROPOSES,
)
def admit_bundle(bundle_id: UUID, body: WhyIn, caller: _Officer, once: _Once) -> Response:
    """Propose to admit a refused visit after examining it, so that it counts; 200 if one officer is enough."""
    return once.run(caller, proposing(caller, Action.ADMIT_VISIT, str(bundle_id), body), status=status_of)


@router.get("/agents/holds", responses=problems(401, 403, 503))
def holds(caller: _Reader, state: _State) -> HoldList:
    """List the open holds on agents of the caller's regions with their reasons, oldest first."""
    with state.service.reading() as unit:
        mine = _agents_in_scope(unit, caller)
        return HoldList(items=[_hold(row) for row in open_holds(unit.db) if row.agent_id in mine])


@router.post(
    "/agents/holds/{hold_id}",
    response_model=HoldOut,
    responses=CHANGES_WITHOUT_410,
)
def decide_hold(hold_id: UUID, body: HoldDecisionIn, caller: _Supervisor, once: _Once) -> Response:
    """Decide a hold.

    If it is released, all people stand as before. If it is confirmed, the agent is suspended and the people are visited
    again.
    """
    end = release if body.decision == "released" else confirm

    def work(unit: Unit) -> HoldOut:
        row = end(unit, hold_id, officer=caller.subject)
        require_agent(unit, caller, row.agent_id)
        return _hold(row)

    return once.run(caller, work, status=200)


@router.get("/agents/integrity", response_class=HTMLResponse, responses=problems(401, 403, 503))
def integrity(caller: _Reader, state: _State) -> HTMLResponse:
    """Show all agents with the unusual patterns of their visits, as one page with plots to save or print."""
    if not caller.scope.is_everything:
        raise outside_scope()  # each agent is compared with all others
    with state.service.reading() as unit:
        page = scores_page(score_agents(unit), unit.now)
    return HTMLResponse(page, headers={"Content-Disposition": 'attachment; filename="agents.html"'})


@router.post(
    "/door",
    dependencies=[Depends(public("people who are visited may check the agent; only codes of ours get an answer"))],
    responses=problems(404, 413, 422, 503),
)
def identify_agent(body: DoorIn, request: Request, state: _State) -> DoorOut:
    """Identify the agent who shows this code: name, photo, and whether the visit is for today."""
    limit(state.tablet_limiter, network_of(request))
    with state.service.reading() as unit:
        checked = check_agent(unit, body.secret, today_of(unit))
        photo = checked.agent.photo
        return DoorOut(
            fund=state.service.settings.issuer_name,
            name=checked.agent.name,
            badge=checked.agent.badge,
            photo=None if photo is None else base64.b64encode(photo).decode(),
            today=checked.today,
            planned_on=checked.planned_on,
            initials=checked.initials,
        )


def _agents_in_scope(unit: Unit, caller: Principal) -> set[UUID]:
    return {row.id for row in all_agents(unit.db) if caller.scope.covers_region(row.area)}


def _detail(unit: Unit, row: AgentRow) -> AgentDetailOut:
    return AgentDetailOut.model_validate(
        {
            "id": row.id,
            "badge": row.badge,
            "name": row.name,
            "area": row.area,
            "capacity": row.capacity,
            "base": PlaceOut.at(base_of(row)),
            "state": row.state,
            "score": row.score,
            "tablets": [_tablet(unit, tablet) for tablet in tablets_of(unit.db, row.id)],
        }
    )


def _base(given: BaseIn | None) -> Point | None:
    return None if given is None else (given.latitude, given.longitude)


def _tablet(unit: Unit, row: TabletRow) -> TabletOut:
    return TabletOut.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "invited_at": row.invited_at,
            "enrolled_at": row.enrolled_at,
            "revoked_at": row.revoked_at,
            "seen_at": row.seen_at,
            "missing": missing_places(unit.db, row.id),
        }
    )


def _hold(row: AgentHoldRow) -> HoldOut:
    return HoldOut.model_validate(
        {
            name: getattr(row, name)
            for name in ("id", "agent_id", "state", "score", "signals", "opened_at", "decided_at")
        }
    )


def _refused(row: BundleRow) -> RefusedOut:
    return RefusedOut(
        id=row.id,
        agent_id=row.agent_id,
        tablet_id=row.tablet_id,
        seq=row.seq,
        reason=row.reason or "",
        received_at=row.received_at,
        kept_until=row.delete_after,
        admissible=is_admissible(row),
    )

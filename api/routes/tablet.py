"""Routes of agents' tablets: enrol, sign in, load the visits of a day, send sealed visits, read their results."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from api.auth import TABLET_COOKIE, allow, limit, public
from api.door import signed_out
from api.errors import problems
from api.network import network_of
from api.routes.media import media_body
from api.schemas.doorstep import (
    AgentOut,
    ChainOut,
    ChallengeOut,
    DayOut,
    EnrolIn,
    EnrolmentOut,
    InvitationIn,
    PlaceOut,
    StopOut,
    TabletIn,
    TabletSignedIn,
    TabletSignInIn,
    TakenOut,
    ToldList,
    ToldOut,
)
from api.state import State, current_state
from certify.doorstep.agents import base_of
from certify.doorstep.clock import sign_time
from certify.doorstep.receive import take_bundle
from certify.doorstep.tablets import (
    begin_enrolment,
    begin_sign_in,
    enrol_tablet,
    require_tablet,
    sign_in,
)
from certify.doorstep.workload import TabletVisit, visit_outcomes, workload_of
from certify.issuers.tokens import Principal, Role
from certify.people.access import device_mark
from certify.people.sign_ins import sign_in_tablet
from certify.storage.bundles import SentVisit, count_waiting_of_tablet, missing_places
from certify.storage.tables.doorstep import AgentRow

router = APIRouter(prefix="/v1/tablet", tags=["tablets"])

SIGNED_IN = timedelta(days=5)
"""How long an agent can work without a network. After that the tablet deletes the data that it loaded."""

_State = Annotated[State, Depends(current_state)]
_Tablet = Annotated[Principal, Depends(allow(Role.TABLET))]
_REASON = "a tablet that is not signed in yet; only a secret or a passkey gets an answer"
_BUNDLE = {
    "requestBody": {
        "required": True,
        "description": "The sealed visit.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/enrolment/begin", dependencies=[Depends(public(_REASON))], responses=problems(401, 413, 422, 503))
def start_enrolment(body: InvitationIn, request: Request, state: _State) -> EnrolmentOut:
    """Start to enrol this tablet with an officer's invitation."""
    limit(state.tablet_limiter, network_of(request))
    with state.service.unit("certify:tablet") as unit:
        begun = begin_enrolment(unit, body.secret)
        return EnrolmentOut(
            tablet_id=begun.tablet.id,
            agent=_agent(begun.agent),
            fund=state.service.settings.issuer_name,
            options=dict(begun.options),
        )


@router.post(
    "/enrolment", status_code=201, dependencies=[Depends(public(_REASON))], responses=problems(401, 413, 422, 503)
)
def enrol(body: EnrolIn, request: Request, state: _State) -> TabletIn:
    """Enrol this tablet with its passkey and its signing key."""
    limit(state.tablet_limiter, network_of(request))
    with state.service.unit("certify:tablet") as unit:
        tablet = enrol_tablet(unit, body.secret, jwk=body.key.model_dump(), credential=body.credential)
        return TabletIn(tablet_id=tablet.id)


@router.post("/sign-in/begin", dependencies=[Depends(public(_REASON))], responses=problems(401, 413, 422, 503))
def start_sign_in(body: TabletIn, request: Request, state: _State) -> ChallengeOut:
    """Start to sign in: get a challenge for the tablet's passkey."""
    limit(state.tablet_limiter, network_of(request))
    with state.service.unit("certify:tablet") as unit:
        return ChallengeOut(options=dict(begin_sign_in(unit, body.tablet_id)))


@router.post(
    "/sign-in",
    response_model=TabletSignedIn,
    dependencies=[Depends(public(_REASON))],
    responses=problems(401, 413, 422, 503),
)
def finish_sign_in(body: TabletSignInIn, request: Request, state: _State) -> Response:
    """Sign in with the passkey's answer to the challenge."""
    limit(state.tablet_limiter, network_of(request))
    with state.service.unit("certify:tablet") as unit:
        tablet = sign_in(unit, body.tablet_id, body.credential)
        device = device_mark(body.device_id)
        row = sign_in_tablet(unit, tablet.id, device=device, lifetime=SIGNED_IN)
        agent = unit.db.get_one(AgentRow, tablet.agent_id)
        token = state.session_signer.issue(
            subject=str(tablet.id),
            role=Role.TABLET,
            now=unit.now,
            lifetime=SIGNED_IN,
            device=device,
            sign_in=row.id,
        )
        signed_in = TabletSignedIn(
            until=unit.now + SIGNED_IN, agent=_agent(agent), fund=state.service.settings.issuer_name
        )
    answer = Response(signed_in.model_dump_json().encode(), media_type="application/json")
    age = int(SIGNED_IN.total_seconds())
    answer.set_cookie(TABLET_COOKIE, token, max_age=age, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.post(
    "/sign-out",
    status_code=204,
    dependencies=[Depends(public("a caller who has the cookie may delete it"))],
    responses=problems(413, 422, 503),
)
async def sign_out(request: Request, state: _State) -> Response:
    """Sign out on this tablet. The sign-in ends at once."""
    await signed_out(state, request, TABLET_COOKIE, Role.TABLET)
    answer = Response(status_code=204)
    answer.delete_cookie(TABLET_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.get("/day", responses=problems(401, 403, 503))
def day(caller: _Tablet, state: _State) -> DayOut:
    """Load the visits of the next days."""
    with state.service.unit("certify:tablet") as unit:
        workload = workload_of(unit, require_tablet(unit, UUID(caller.subject)))
        seq, sha256 = workload.head
        return DayOut(
            agent=_agent(workload.agent),
            fund=state.service.settings.issuer_name,
            anchor=workload.anchor,
            key={name: str(value) for name, value in workload.key.items()},
            head=ChainOut(seq=seq, sha256=sha256.hex()),
            stops=[_stop(visit) for visit in workload.visits],
            base=PlaceOut.at(base_of(workload.agent)),
            day_codes={on: base64.b64encode(code).decode() for on, code in workload.day_codes.items()},
            retention_days=state.service.settings.media_retention_days,
        )


@router.put(
    "/bundles/{sha256}",
    dependencies=[
        Depends(public("the tablet's signature identifies a sealed visit, also after the sign-in has ended"))
    ],
    responses=problems(400, 401, 413, 422, 503),
    openapi_extra=_BUNDLE,
)
def send(
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    data: Annotated[bytes, Depends(media_body)],
    request: Request,
    state: _State,
    clock: Annotated[
        int | None, Header(alias="X-Certify-Clock", ge=0, le=10**14, description="The tablet's clock, ms since 1970")
    ] = None,
) -> TakenOut:
    """Send a sealed visit. The answer means that it is stored. To send it again gives the same answer."""
    limit(state.tablet_limiter, network_of(request))
    sent = None if clock is None else datetime.fromtimestamp(clock / 1000, UTC)
    with state.service.unit("certify:tablet") as unit:
        row = take_bundle(unit, data, sha256=bytes.fromhex(sha256), sent_wall=sent)
        return TakenOut(told=_told(SentVisit(row, None, ())), anchor=sign_time(unit, row.tablet_id))


@router.get("/told", responses=problems(401, 403, 503))
def results(caller: _Tablet, state: _State) -> ToldList:
    """Read the states and results of the visits of the last days."""
    with state.service.reading() as unit:
        tablet = require_tablet(unit, UUID(caller.subject))
        return ToldList(
            items=[_told(one) for one in visit_outcomes(unit, tablet)],
            waiting=count_waiting_of_tablet(unit.db, tablet.id),
            missing=missing_places(unit.db, tablet.id),
            anchor=sign_time(unit, tablet.id),
        )


def _agent(row: AgentRow) -> AgentOut:
    return AgentOut(id=row.id, badge=row.badge, name=row.name)


def _told(visit: SentVisit) -> ToldOut:
    row = visit.bundle
    return ToldOut.model_validate(
        {
            "sha256": row.sha256.hex(),
            "visit_id": row.visit_id,
            "seq": row.seq,
            "state": row.state,
            "reason": row.reason,
            "result": row.result,
            "outcome": visit.outcome,
            "guidance": list(visit.guidance),
        }
    )


def _stop(stop: TabletVisit) -> StopOut:
    visit, person = stop.visit, stop.person
    return StopOut.model_validate(
        {
            "visit_id": visit.id,
            "person_id": person.id,
            "planned_on": visit.planned_on,
            "place": visit.place,
            "part": visit.part,
            "wanted_on": visit.wanted_on,
            "reason": visit.reason,
            "tries": visit.tries,
            "name": person.name or "",
            "card_masked": person.card_masked,
            "national_id_masked": person.national_id_masked,
            "birth_year": person.birth_date.year if person.birth_date else None,
            "needs": person.needs,
            "address": stop.address,
            "directions": stop.directions,
            "latitude": stop.latitude,
            "longitude": stop.longitude,
            "numbers": list(stop.numbers),
            "door": stop.door,
            "door_code": base64.b64encode(stop.door_code).decode(),
        }
    )

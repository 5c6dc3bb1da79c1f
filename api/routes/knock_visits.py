"""Wish for a visit without a sign-in and without a film, and report somebody at the door.

The answer is the same for every number and birth date, and comes on the same beat (:mod:`api.pace`). The wish of a real
person is stored; it changes nothing that was arranged before.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.auth import public
from api.door import Gate
from api.errors import problems
from api.idempotency import Once, once
from api.pace import paced
from api.routes import knock
from api.schemas.own_pages import AcceptedOut, DoorReportIn, KnockVisitIn, VisitOut
from api.state import State, current_state
from certify.doorstep.calendar import today_of
from certify.doorstep.reports import report_agent
from certify.doorstep.visits import ask_for_visit, require_day
from certify.issuers.tokens import Principal, Role
from certify.people.access import asked_mark, device_mark, identify
from certify.people.door import Purpose
from certify.service import Unit

router = APIRouter(prefix="/v1", tags=["own pages"])

_REASON = "people who cannot use the camera ask for a visit here; the answer is the same for every number"


@router.post(
    "/knock/visits",
    status_code=201,
    response_model=VisitOut,
    dependencies=[Depends(public(_REASON, limited=False))],
    responses=problems(400, 409, 413, 422, 503),
)
async def wish(
    body: KnockVisitIn,
    request: Request,
    state: Annotated[State, Depends(current_state)],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Choose a day for a visit, for the person with this number and birth date.

    The answer does not reveal whether that person exists.
    """

    def asked(unit: Unit) -> bytes:
        return asked_mark(unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date)

    gate = Gate(state, request, Purpose.VISIT, body.device_id, asked)

    def work(unit: Unit) -> VisitOut:
        claim = identify(unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date)
        person = claim.person
        require_day(unit, body.wanted_on)
        if person is not None:
            ask_for_visit(unit, person, on=body.wanted_on, part=body.part, recognised=False)
        return VisitOut(wanted_on=body.wanted_on, part=body.part, asked_at=unit.now)

    caller = Principal(device_mark(body.device_id), Role.PENSIONER, "certify:door")
    return await paced(lambda: once.run(caller, work, status=201), knock.BEAT_S, gate=gate.enter)


@router.post(
    "/door/reports",
    status_code=202,
    response_model=AcceptedOut,
    dependencies=[Depends(public("people who have a stranger at the door may report them", limited=False))],
    responses=problems(400, 409, 413, 422, 503),
)
async def report(
    body: DoorReportIn,
    request: Request,
    state: Annotated[State, Depends(current_state)],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Report somebody at the door who showed this code. The answer tells nothing about them or the reporting person."""
    gate = Gate(state, request, Purpose.REPORT, body.device_id, lambda _: None)

    def work(unit: Unit) -> AcceptedOut:
        person = None
        if body.birth_date is not None and (body.national_id or body.card_number):
            claim = identify(
                unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date
            )
            person = claim.person
        report_agent(unit, body.secret, person=person, today=today_of(unit))
        return AcceptedOut()

    caller = Principal(device_mark(body.device_id), Role.PENSIONER, "certify:door")
    return await paced(lambda: once.run(caller, work, status=202), knock.BEAT_S, gate=gate.enter)

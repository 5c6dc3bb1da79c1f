"""At the door: what somebody can do who is not signed in. Nothing here tells whether there is such a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.auth import COOKIE, allow, network_of, public, require_own_session
from api.errors import Forbidden, TooManyRequests, problems
from api.idempotency import Once, once
from api.limits import DoorLimits
from api.pace import paced
from api.schemas.own_pages import (
    AcceptedOut,
    CodeIn,
    KeepIn,
    KnockIn,
    LinkIn,
    RedeemIn,
    SignedIn,
    VisitIn,
    VisitOut,
    WhoIn,
)
from api.schemas.sessions import SessionOpened
from api.session_opened import opened
from api.state import State, current_state
from certify.capture.public_entry import open_public_session
from certify.domain.error_codes import ErrorCode
from certify.domain.outcome import Outcome
from certify.domain.profile import PHOTOSENSITIVE
from certify.doorstep.visits import ask_for_visit, require_day
from certify.errors import Conflict
from certify.messages.outbox import put_message
from certify.people.access import IdentityClaim, device_mark, identify, new_code, open_code, open_link
from certify.service import Unit
from certify.storage.sessions import get_session
from certify.tokens import Principal, Role

router = APIRouter(prefix="/v1/knock", tags=["own pages"])

BEAT_S = 0.4
"""Every answer here comes on such a beat, so that how long the work took tells nothing (:mod:`api.pace`)."""

SHORT, LONG = timedelta(hours=1), timedelta(days=30)
"""How long somebody stays signed in; longer on a phone that they call their own."""

_WHY = "somebody who is not signed in can only come in here; the answer is the same whoever they ask for"
_Door = Annotated[State, Depends(current_state)]


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionOpened,
    dependencies=[Depends(public(_WHY))],
    responses=problems(400, 409, 413, 422, 503),
)
async def open_session(body: KnockIn, request: Request, state: _Door, once: Annotated[Once, Depends(once)]) -> Response:
    """Open a capture session for whoever has this number and birth date.

    Whether there is such a person is not told: whoever does not exist is filmed too, and does not succeed.
    """

    def work(unit: Unit) -> SessionOpened:
        claim = _claim(unit, body, request, state, device_id=body.device_id)
        needs = (PHOTOSENSITIVE,) if body.avoid_flashes else ()
        row = open_public_session(
            unit, claim, body.birth_date, device_id=body.device_id, assisted=body.assisted, needs=needs
        )
        # The subject is in the token for all to read, so it is the session and not the person.
        return opened(state.sessions, unit, row, subject=row.id, device_id=body.device_id)

    caller = Principal(device_mark(body.device_id), Role.PENSIONER, "certify:door")
    return await paced(lambda: once.run(caller, work, status=201), BEAT_S)


@router.post(
    "/codes",
    status_code=202,
    response_model=AcceptedOut,
    dependencies=[Depends(public(_WHY))],
    responses=problems(413, 422, 503),
)
async def send_code(body: CodeIn, request: Request, state: _Door) -> Response:
    """Send a code to the telephone or e-mail that the fund knows of the person, if it knows one."""

    def work() -> Response:
        with state.service.unit("certify:door") as unit:
            claim = _claim(unit, body, request, state)
            code = new_code(unit, claim.person) if claim.person is not None else None
            if code is not None and claim.person is not None:
                dedupe = f"code:{claim.person}:{unit.now.isoformat()}"
                put_message(unit, claim.person, "code", {"code": code}, dedupe=dedupe, urgent=True)
        return Response(AcceptedOut().model_dump_json().encode(), 202, media_type="application/json")

    return await paced(work, BEAT_S)


@router.post(
    "/codes/redeem",
    response_model=SignedIn,
    dependencies=[Depends(public(_WHY))],
    responses=problems(401, 413, 422, 503),
)
async def redeem_code(body: RedeemIn, request: Request, state: _Door) -> Response:
    """Sign in with a code that came by message."""

    def find(unit: Unit) -> UUID:
        claim = _claim(unit, body, request, state, device_id=body.device_id)
        return open_code(unit, claim, body.code, device=device_mark(body.device_id))

    return await paced(lambda: _sign_in(state, find, body.device_id, remember=body.remember), BEAT_S)


@router.post(
    "/links/redeem",
    response_model=SignedIn,
    dependencies=[Depends(public(_WHY))],
    responses=problems(401, 413, 422, 503),
)
async def redeem_link(body: LinkIn, request: Request, state: _Door) -> Response:
    """Sign in with the link of a letter. It works once."""

    def find(unit: Unit) -> UUID:
        _limit(state.door, request, device_id=body.device_id, mark=None)
        return open_link(unit, body.secret, device=device_mark(body.device_id))

    return await paced(lambda: _sign_in(state, find, body.device_id, remember=body.remember), BEAT_S)


@router.post(
    "/sessions/{session_id}/access",
    response_model=SignedIn,
    responses=problems(401, 403, 404, 413, 422, 503),
)
def keep(
    session_id: UUID,
    body: KeepIn,
    state: _Door,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER))],
) -> Response:
    """Sign in with one's face: for whoever has just been recognised in this session."""

    def find(unit: Unit) -> UUID:
        row = get_session(unit.db, session_id)
        # At the public entrance, these outcomes follow only from a face that matched (certify/capture/evaluate.py).
        recognised = (
            (Outcome.CERTIFIED, Outcome.REVIEW, Outcome.OTHER_PATH) if row.public_entry else (Outcome.CERTIFIED,)
        )
        if caller.session != session_id or row.outcome not in recognised or row.decoy is not None:
            raise Forbidden("Only who was recognised in this session can stay signed in.")
        return row.beneficiary_id

    return _sign_in(state, find, body.device_id, remember=body.remember)


@router.post(
    "/sessions/{session_id}/visit",
    status_code=201,
    response_model=VisitOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
)
async def visit(
    session_id: UUID,
    body: VisitIn,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Choose the day of the visit that this session ended in."""
    require_own_session(caller, session_id)

    def work(unit: Unit) -> VisitOut:
        row = get_session(unit.db, session_id)
        if row.outcome != Outcome.DOORSTEP:
            raise Conflict("No visit follows from this session.", code=ErrorCode.NO_VISIT)
        if row.decoy is not None:
            require_day(unit, body.wanted_on)
        else:
            ask_for_visit(unit, row.beneficiary_id, on=body.wanted_on, part=body.part, recognised=not row.public_entry)
        # Since when a visit is open, or for when, would tell that the fund knows this person.
        return VisitOut(wanted_on=body.wanted_on, part=body.part, asked_at=unit.now)

    return await paced(lambda: once.run(caller, work, status=201), BEAT_S)


@router.post(
    "/sign-out",
    response_model=AcceptedOut,
    dependencies=[Depends(public("whoever has the cookie may throw it away"))],
    responses=problems(413, 422),
)
async def sign_out() -> Response:
    """Forget who was signed in on this phone."""
    answer = Response(AcceptedOut().model_dump_json().encode(), media_type="application/json")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def _claim(unit: Unit, body: WhoIn, request: Request, state: State, *, device_id: str | None = None) -> IdentityClaim:
    claim = identify(unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date)
    _limit(state.door, request, device_id=device_id, mark=claim.mark)
    return claim


def _limit(door: DoorLimits, request: Request, *, device_id: str | None, mark: bytes | None) -> None:
    wait = door.hit(network=network_of(request), device=device_id, person=mark)
    if wait:
        raise TooManyRequests("There were too many attempts.", retry_after=wait)


def _sign_in(state: State, find: Callable[[Unit], UUID], device_id: str, *, remember: bool) -> Response:
    lifetime = LONG if remember else SHORT
    with state.service.unit("certify:door") as unit:
        person = find(unit)
        until = unit.now + lifetime
        token = state.sessions.issue(
            subject=str(person), role=Role.SELF, now=unit.now, lifetime=lifetime, device=device_mark(device_id)
        )
    answer = Response(SignedIn(until=until).model_dump_json().encode(), media_type="application/json")
    age = int(lifetime.total_seconds())
    answer.set_cookie(COOKIE, token, max_age=age, path="/", secure=True, httponly=True, samesite="strict")
    return answer

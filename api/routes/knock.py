"""Routes for people who are not signed in. No answer reveals whether the person asked for exists.

Decision 16 (docs/decisions/0016-a-door-that-tells-nothing.md) gives the reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.auth import COOKIE, allow, network_of, public, require_own_session
from api.errors import CHANGES, Forbidden, TooManyRequests, problems
from api.idempotency import Once, once
from api.limits import SignInLimits
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
from certify.capture.evaluate import saw_life
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
"""Seconds between the beats on which these routes answer, so that the time of an answer reveals nothing
(:mod:`api.pace`)."""

SHORT, LONG = timedelta(hours=1), timedelta(days=30)
"""How long a person stays signed in: long on a phone that they call their own, otherwise short."""

_REASON = "people who are not signed in sign in here; the answer is the same for every number and birth date"
_State = Annotated[State, Depends(current_state)]


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionOpened,
    dependencies=[Depends(public(_REASON))],
    responses=problems(400, 409, 413, 422, 503),
)
async def open_session(
    body: KnockIn, request: Request, state: _State, once: Annotated[Once, Depends(once)]
) -> Response:
    """Open a capture session for the person with this number and birth date.

    The answer does not reveal whether that person exists. If not, the session takes a video too and does not succeed.
    """

    def work(unit: Unit) -> SessionOpened:
        claim = _identify(unit, body, request, state, device_id=body.device_id)
        needs = (PHOTOSENSITIVE,) if body.avoid_flashes else ()
        row = open_public_session(
            unit, claim, body.birth_date, device_id=body.device_id, assisted=body.assisted, needs=needs
        )
        # Anyone can read the subject in the token, so it is the session and not the person.
        return opened(state.session_signer, unit, row, subject=row.id, device_id=body.device_id)

    caller = Principal(device_mark(body.device_id), Role.PENSIONER, "certify:door")
    return await paced(lambda: once.run(caller, work, status=201), BEAT_S)


@router.post(
    "/codes",
    status_code=202,
    response_model=AcceptedOut,
    dependencies=[Depends(public(_REASON))],
    responses=problems(413, 422, 503),
)
async def send_code(body: CodeIn, request: Request, state: _State) -> Response:
    """Send a code to the telephone or e-mail of the person, if the fund knows one. The answer is the same if not."""

    def work() -> Response:
        with state.service.unit("certify:door") as unit:
            claim = _identify(unit, body, request, state)
            code = new_code(unit, claim.person) if claim.person is not None else None
            if code is not None and claim.person is not None:
                dedupe = f"code:{claim.person}:{unit.now.isoformat()}"
                put_message(unit, claim.person, "code", {"code": code}, dedupe=dedupe, urgent=True)
        return Response(AcceptedOut().model_dump_json().encode(), 202, media_type="application/json")

    return await paced(work, BEAT_S)


@router.post(
    "/codes/redeem",
    response_model=SignedIn,
    dependencies=[Depends(public(_REASON))],
    responses=problems(401, 413, 422, 503),
)
async def redeem_code(body: RedeemIn, request: Request, state: _State) -> Response:
    """Sign in with a code that came by message."""

    def find(unit: Unit) -> UUID:
        claim = _identify(unit, body, request, state, device_id=body.device_id)
        return open_code(unit, claim, body.code, device=device_mark(body.device_id))

    return await paced(lambda: sign_in(state, find, body.device_id, remember=body.remember, confirmed=True), BEAT_S)


@router.post(
    "/links/redeem",
    response_model=SignedIn,
    dependencies=[Depends(public(_REASON))],
    responses=problems(401, 413, 422, 503),
)
async def redeem_link(body: LinkIn, request: Request, state: _State) -> Response:
    """Sign in with the link of a letter or message. The link works once."""

    def find(unit: Unit) -> UUID:
        limit_sign_in(state.sign_in_limits, request, device_id=body.device_id, mark=None)
        return open_link(unit, body.secret, device=device_mark(body.device_id))

    return await paced(lambda: sign_in(state, find, body.device_id, remember=body.remember, confirmed=True), BEAT_S)


@router.post(
    "/sessions/{session_id}/access",
    response_model=SignedIn,
    responses=problems(401, 403, 404, 413, 422, 503),
)
def stay_signed_in(
    session_id: UUID,
    body: KeepIn,
    state: _State,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER))],
) -> Response:
    """Sign in with the face: for a living person who was just seen and recognised in this session, on their phone.

    What protects the person (contact, consent, records, appeals) needs a code or a link besides.
    """

    def find(unit: Unit) -> UUID:
        row = get_session(unit.db, session_id)
        # A session that was opened without a sign-in gets these outcomes only after a face that matched
        # (certify/capture/evaluate.py).
        recognised = (
            (Outcome.CERTIFIED, Outcome.REVIEW, Outcome.OTHER_PATH) if row.public_entry else (Outcome.CERTIFIED,)
        )
        # The token of a session that staff opened is bound to no phone: the caller who has it may be anyone.
        refused = caller.session != session_id or caller.device is None or row.decoy is not None
        if refused or row.outcome not in recognised or not saw_life(unit, row):
            raise Forbidden("Only a living person who was recognised in this session can stay signed in.")
        return row.beneficiary_id

    return sign_in(state, find, body.device_id, remember=body.remember, confirmed=False)


@router.post(
    "/sessions/{session_id}/visit",
    status_code=201,
    response_model=VisitOut,
    responses=CHANGES,
)
async def visit(
    session_id: UUID,
    body: VisitIn,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Choose the day of the visit, if this session ended with a visit."""
    require_own_session(caller, session_id)

    def work(unit: Unit) -> VisitOut:
        row = get_session(unit.db, session_id)
        if row.outcome != Outcome.DOORSTEP:
            raise Conflict("This session does not lead to a visit.", code=ErrorCode.NO_VISIT)
        if row.decoy is not None:
            require_day(unit, body.wanted_on)
        else:
            ask_for_visit(unit, row.beneficiary_id, on=body.wanted_on, part=body.part, recognised=not row.public_entry)
        # The time since which a visit is open, and its day, would reveal that the fund knows this person.
        return VisitOut(wanted_on=body.wanted_on, part=body.part, asked_at=unit.now)

    return await paced(lambda: once.run(caller, work, status=201), BEAT_S)


@router.post(
    "/sign-out",
    response_model=AcceptedOut,
    dependencies=[Depends(public("a caller who has the cookie may delete it"))],
    responses=problems(413, 422),
)
async def sign_out() -> Response:
    """Sign out on this phone."""
    answer = Response(AcceptedOut().model_dump_json().encode(), media_type="application/json")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def _identify(
    unit: Unit, body: WhoIn, request: Request, state: State, *, device_id: str | None = None
) -> IdentityClaim:
    claim = identify(unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date)
    limit_sign_in(state.sign_in_limits, request, device_id=device_id, mark=claim.mark)
    return claim


def limit_sign_in(limits: SignInLimits, request: Request, *, device_id: str | None, mark: bytes | None) -> None:
    """Count an attempt to sign in.

    Raises:
        TooManyRequests: the network, the device or the person has reached the limit (``too_many_requests``).
    """
    wait = limits.hit(network=network_of(request), device=device_id, person=mark)
    if wait:
        raise TooManyRequests("There were too many attempts.", retry_after=wait)


def sign_in(state: State, find: Callable[[Unit], UUID], device_id: str, *, remember: bool, confirmed: bool) -> Response:
    """Set the cookie of a person who is signed in.

    Args:
        state: the running service.
        find: returns the person in the transaction of the sign-in, or raises.
        device_id: the device that the cookie is good on.
        remember: whether it is the person's own phone.
        confirmed: whether a code or link was used.
    """
    lifetime = LONG if remember else SHORT
    with state.service.unit("certify:door") as unit:
        person = find(unit)
        until = unit.now + lifetime
        token = state.session_signer.issue(
            subject=str(person),
            role=Role.SELF,
            now=unit.now,
            lifetime=lifetime,
            device=device_mark(device_id),
            confirmed_at=unit.now if confirmed else None,
        )
    answer = Response(SignedIn(until=until).model_dump_json().encode(), media_type="application/json")
    age = int(lifetime.total_seconds())
    answer.set_cookie(COOKIE, token, max_age=age, path="/", secure=True, httponly=True, samesite="strict")
    return answer

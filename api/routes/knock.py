"""Routes for people who are not signed in. No answer reveals whether the person asked for exists.

Decision 16 (docs/decisions/0016-a-door-that-tells-nothing.md) gives the reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.auth import COOKIE, allow, public, require_own_session
from api.device_key import device_key_of
from api.door import Gate, signed_in, signed_out
from api.errors import CHANGES, Forbidden, problems
from api.idempotency import Once, once
from api.pace import paced
from api.schemas.own_pages import (
    AcceptedOut,
    CodeIn,
    KeepIn,
    KnockIn,
    LinkIn,
    NonceOut,
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
from certify.domain.states import SignInWay
from certify.doorstep.visits import ask_for_visit, require_day
from certify.errors import Conflict
from certify.issuers.tokens import Principal, Role
from certify.messages.notices import tell_of_attempt
from certify.messages.outbox import put_message
from certify.people.access import (
    IdentityClaim,
    access_refused,
    asked_mark,
    device_mark,
    identify,
    link_mark,
    new_code,
    open_code,
    open_link,
)
from certify.people.device_key import device_nonce
from certify.people.door import Purpose
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.sessions import get_session

router = APIRouter(prefix="/v1/knock", tags=["own pages"])

BEAT_S = 0.4
"""Seconds between the beats on which these routes answer, so that the time of an answer reveals nothing
(:mod:`api.pace`)."""

_KEEP_WITHIN = timedelta(minutes=15)
"""How long after its decision a session can still sign in. The page asks at once; the token of the session lives for a
day, and must not be a key of the pages meanwhile."""

_TELL_AFTER = 3
"""Wrong codes of one device after which the person is told that somebody tries: one or two are mistyped."""

_REASON = "people who are not signed in sign in here; the answer is the same for every number and birth date"
_State = Annotated[State, Depends(current_state)]


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionOpened,
    dependencies=[Depends(public(_REASON, limited=False))],
    responses=problems(400, 409, 413, 422, 503),
)
async def open_session(
    body: KnockIn, request: Request, state: _State, once: Annotated[Once, Depends(once)]
) -> Response:
    """Open a capture session for the person with this number and birth date.

    The header `DPoP` (RFC 9449, ES256) with a nonce of `/v1/knock/nonce` proves the key of the phone; without it the
    phone stays an unknown one. The answer does not reveal whether that person exists. If not, the session takes a video
    too and does not succeed.
    """
    gate = Gate(state, request, Purpose.SESSION, body.device_id, lambda unit: _asked(unit, body))

    def work(unit: Unit) -> SessionOpened:
        needs = (PHOTOSENSITIVE,) if body.avoid_flashes else ()
        row = open_public_session(
            unit,
            _claim(unit, body),
            body.birth_date,
            device_id=body.device_id,
            device_key=device_key_of(unit, request),
            assisted=body.assisted,
            needs=needs,
        )
        # Anyone can read the subject in the token, so it is the session and not the person.
        return opened(state.session_signer, unit, row, subject=row.id, device_id=body.device_id)

    caller = Principal(device_mark(body.device_id), Role.PENSIONER, "certify:door")
    return await paced(lambda: once.run(caller, work, status=201), BEAT_S, gate=gate.enter)


@router.get("/nonce", dependencies=[Depends(public(_REASON))], responses=problems(503))
def nonce(state: _State) -> NonceOut:
    """Return a nonce for a proof of this phone's key. It is good for ten minutes."""
    with state.service.reading() as unit:
        return NonceOut(nonce=device_nonce(unit))


@router.post(
    "/codes",
    status_code=202,
    response_model=AcceptedOut,
    dependencies=[Depends(public(_REASON, limited=False))],
    responses=problems(413, 422, 503),
)
async def send_code(body: CodeIn, request: Request, state: _State) -> Response:
    """Send a code to the telephone or e-mail of the person, if the fund knows one. The answer is the same if not.

    The code works on the device that asks for it. There is a budget of codes for each person, and the person is told
    when somebody else's device has used it up.
    """
    gate = Gate(state, request, Purpose.CODE, body.device_id, lambda unit: _asked(unit, body))

    def work() -> Response:
        with state.service.unit("certify:door") as unit:
            person = _claim(unit, body).person
            if person is not None:
                code = new_code(unit, person, device=device_mark(body.device_id))
                if code is None:
                    tell_of_attempt(unit, person)
                else:
                    dedupe = f"code:{person}:{unit.now.isoformat()}"
                    put_message(unit, person, "code", {"code": code}, dedupe=dedupe, urgent=True)
        return Response(AcceptedOut().model_dump_json().encode(), 202, media_type="application/json")

    return await paced(work, BEAT_S, gate=gate.enter)


@router.post(
    "/codes/redeem",
    response_model=SignedIn,
    dependencies=[Depends(public(_REASON, limited=False))],
    responses=problems(401, 413, 422, 503),
)
async def redeem_code(body: RedeemIn, request: Request, state: _State) -> Response:
    """Sign in with a code that came by message. Only wrong codes slow a device down, and only this device."""
    gate = Gate(state, request, Purpose.GUESS, body.device_id, lambda unit: _asked(unit, body))

    def find(unit: Unit) -> UUID | None:
        claim = _claim(unit, body)
        person = open_code(unit, claim, body.code, device=device_mark(body.device_id))
        if person is None and claim.person is not None and gate.level("number+device") >= _TELL_AFTER:
            tell_of_attempt(unit, claim.person)
        return person

    return await paced(
        lambda: _redeem(state, find, gate, SignInWay.CODE, body.device_id, remember=body.remember),
        BEAT_S,
        gate=gate.enter,
    )


@router.post(
    "/links/redeem",
    response_model=SignedIn,
    dependencies=[Depends(public(_REASON, limited=False))],
    responses=problems(401, 413, 422, 503),
)
async def redeem_link(body: LinkIn, request: Request, state: _State) -> Response:
    """Sign in with the link of a letter or message, and the birth date. The link works once.

    A program that opens the link alone learns and changes nothing.
    """
    gate = Gate(state, request, Purpose.LINK, body.device_id, lambda unit: link_mark(unit, body.secret))

    def find(unit: Unit) -> UUID | None:
        return open_link(unit, body.secret, birth_date=body.birth_date, device=device_mark(body.device_id))

    return await paced(
        lambda: _redeem(state, find, gate, SignInWay.LINK, body.device_id, remember=body.remember),
        BEAT_S,
        gate=gate.enter,
    )


@router.post(
    "/sessions/{session_id}/access",
    response_model=SignedIn,
    responses=problems(401, 403, 404, 409, 413, 422, 503),
)
def stay_signed_in(
    session_id: UUID,
    body: KeepIn,
    state: _State,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER))],
) -> Response:
    """Sign in with the face: for a living person who was just seen and recognised in this session, on their phone.

    Each session signs in once. What protects the person (contact, consent, records, appeals) needs a code or a link
    besides.
    """
    with state.service.unit("certify:door") as unit:
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
        ended_at = get_beneficiary(unit.db, row.beneficiary_id).signed_out_at
        if row.decided_at is None or row.decided_at + _KEEP_WITHIN < unit.now:
            raise Forbidden("This session was decided too long ago to sign in with it.")
        if ended_at is not None and row.decided_at <= ended_at:
            raise Forbidden("All sign-ins of this person were ended after this session.")
        return signed_in(
            state, unit, row.beneficiary_id, SignInWay.FACE, body.device_id, remember=body.remember, capture=session_id
        )


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
        # A person without a photo that can be compared gets a decoy session, and waits for the visit as others do.
        person = row.beneficiary_id if row.decoy is None else row.named_id
        if person is None:
            require_day(unit, body.wanted_on)
        else:
            ask_for_visit(unit, person, on=body.wanted_on, part=body.part, recognised=not row.public_entry)
        # The time since which a visit is open, and its day, would reveal that the fund knows this person.
        return VisitOut(wanted_on=body.wanted_on, part=body.part, asked_at=unit.now)

    return await paced(lambda: once.run(caller, work, status=201), BEAT_S)


@router.post(
    "/sign-out",
    response_model=AcceptedOut,
    dependencies=[Depends(public("a caller who has the cookie may delete it"))],
    responses=problems(413, 422, 503),
)
async def sign_out(request: Request, state: _State) -> Response:
    """Sign out on this phone: the sign-in ends at once, wherever its cookie may have been copied to."""
    await signed_out(state, request, COOKIE, Role.SELF)
    answer = Response(AcceptedOut().model_dump_json().encode(), media_type="application/json")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def _asked(unit: Unit, body: WhoIn) -> bytes:
    return asked_mark(unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date)


def _claim(unit: Unit, body: WhoIn) -> IdentityClaim:
    return identify(unit, national_id=body.national_id, card_number=body.card_number, birth_date=body.birth_date)


def _redeem(
    state: State, find: Callable[[Unit], UUID | None], gate: Gate, way: SignInWay, device_id: str, *, remember: bool
) -> Response:
    """Sign in the person whom ``find`` returns. A failed try is committed: it counts."""
    with state.service.unit("certify:door") as unit:
        person = find(unit)
        if person is not None:
            gate.forgive(unit)
            return signed_in(state, unit, person, way, device_id, remember=remember)
    raise access_refused()

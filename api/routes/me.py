"""Routes of a person's own pages: standing, sessions, receipts, certificate, visits, consent, appeal, contact."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api import own_views, views
from api.auth import DEVICE_HEADER, allow, require_possession
from api.certificate_now import certificate_now
from api.device_key import device_key_of
from api.door import Gate, signed_in
from api.errors import CHANGES, CHANGES_WITHOUT_410, problems
from api.idempotency import Once, once
from api.schemas.certificates import CertificateOut
from api.schemas.decisions import ReceiptList
from api.schemas.own_pages import (
    AcceptedOut,
    AppealOut,
    ConsentIn,
    ConsentOut,
    ContactIn,
    ContactOut,
    HistoryOut,
    NotMeOut,
    OwnCodeIn,
    OwnPageOut,
    OwnSessionIn,
    SignedIn,
    SignInList,
    SignInsEnded,
    VisitIn,
    VisitOut,
)
from api.schemas.sessions import SessionOpened
from api.session_opened import opened
from api.state import service_of, state_of
from certify.capture.session import open_session
from certify.decision.receipts import receipts_of
from certify.domain.channels import Channel
from certify.domain.profile import PHOTOSENSITIVE
from certify.domain.states import SignInWay
from certify.doorstep.visits import ask_for_visit, cancel_visit
from certify.issuers.tokens import Principal, Role
from certify.own.acts import (
    change_own_contact,
    deny_own_record,
    keep_own_contact,
    send_own_appeal,
    send_own_code,
    set_own_consent,
)
from certify.own.page import history_of, own_page
from certify.people.access import IdentityClaim, access_refused, device_mark, open_code
from certify.people.contact import changes_address, contact_change_of, contact_of
from certify.people.door import Purpose
from certify.people.sign_ins import end_other_sign_ins, end_own_sign_in, own_sign_ins, sign_out
from certify.service import Service, Unit

router = APIRouter(prefix="/v1/me", tags=["own pages"])

_Self = Annotated[Principal, Depends(allow(Role.SELF))]
_Service = Annotated[Service, Depends(service_of)]
_Once = Annotated[Once, Depends(once)]


@router.get("", responses=problems(401, 403, 404, 503))
def show(caller: _Self, service: _Service) -> OwnPageOut:
    """Show the standing of my pensions, and what is open."""
    with service.reading() as unit:
        return own_views.own_page(unit, own_page(unit, UUID(caller.subject)), caller.key)


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionOpened,
    responses=CHANGES,
)
def open_own_session(body: OwnSessionIn, request: Request, caller: _Self, once: _Once) -> Response:
    """Open a capture session for me. The header `DPoP` proves the key of my phone, as at the entrance."""
    signer = state_of(request).session_signer
    device_id = request.headers.get(DEVICE_HEADER, "")

    def work(unit: Unit) -> SessionOpened:
        person = UUID(caller.subject)
        needs = (PHOTOSENSITIVE,) if body.avoid_flashes else ()
        row = open_session(
            unit,
            person,
            Channel.REMOTE,
            device_id=device_id,
            device_key=device_key_of(unit, request),
            assisted=body.assisted,
            needs=needs,
            confirmed=caller.confirmed_at is not None,
        )
        return opened(signer, unit, row, subject=row.id, device_id=device_id)

    return once.run(caller, work, status=201)


@router.get("/receipts", responses=problems(401, 403, 404, 503))
def receipts(caller: _Self, service: _Service) -> ReceiptList:
    """List the receipts of my certifications by records or an attestation."""
    with service.reading() as unit:
        return ReceiptList(items=[views.receipt(receipt) for receipt in receipts_of(unit, UUID(caller.subject))])


@router.post(
    "/receipts/{evidence_id}/not-me",
    status_code=201,
    response_model=NotMeOut,
    responses=CHANGES,
)
def not_me(evidence_id: UUID, caller: _Self, once: _Once) -> Response:
    """Report that a record or attestation was not about me. It no longer counts, and an officer examines it."""

    def work(unit: Unit) -> NotMeOut:
        require_possession(caller, unit.now)
        case = deny_own_record(unit, UUID(caller.subject), evidence_id)
        return NotMeOut(evidence_id=evidence_id, noted_at=case.opened_at)

    return once.run(caller, work, status=201)


@router.get("/history", responses=problems(401, 403, 404, 503))
def history(caller: _Self, service: _Service) -> HistoryOut:
    """Show my attempts and certificates."""
    with service.reading() as unit:
        return own_views.history(history_of(unit, UUID(caller.subject)), unit.now)


@router.post(
    "/certificate",
    status_code=201,
    response_model=CertificateOut,
    responses=CHANGES,
)
def certificate(caller: _Self, once: _Once) -> Response:
    """Show my certificate. If my pensions were proven by records alone, it is issued now."""
    return once.run(caller, lambda unit: certificate_now(unit, UUID(caller.subject)), status=201)


@router.post(
    "/visit",
    status_code=201,
    response_model=VisitOut,
    responses=CHANGES,
)
def visit(body: VisitIn, caller: _Self, once: _Once) -> Response:
    """Ask for a visit at home."""

    def work(unit: Unit) -> VisitOut:
        row = ask_for_visit(unit, UUID(caller.subject), on=body.wanted_on, part=body.part)
        return VisitOut(wanted_on=body.wanted_on, part=body.part, asked_at=row.asked_at)

    return once.run(caller, work, status=201)


@router.post(
    "/visit/cancel",
    response_model=AcceptedOut,
    responses=CHANGES,
)
def cancel_visit_request(caller: _Self, once: _Once) -> Response:
    """Cancel my request for a visit."""

    def work(unit: Unit) -> AcceptedOut:
        cancel_visit(unit, UUID(caller.subject))
        return AcceptedOut()

    return once.run(caller, work, status=200)


@router.post(
    "/consent",
    response_model=ConsentOut,
    responses=CHANGES_WITHOUT_410,
)
def consent(body: ConsentIn, caller: _Self, once: _Once) -> Response:
    """Give or withdraw my consent to be recognised by the face."""

    def work(unit: Unit) -> ConsentOut:
        if not body.given:
            require_possession(caller, unit.now)
        set_own_consent(unit, UUID(caller.subject), given=body.given)
        return ConsentOut(given=body.given)

    return once.run(caller, work, status=200)


@router.post(
    "/appeal",
    status_code=201,
    response_model=AppealOut,
    responses=CHANGES_WITHOUT_410,
)
def open_appeal(caller: _Self, once: _Once) -> Response:
    """Appeal: I am alive, or my pension was stopped wrongly. An officer answers within the time shown."""

    def work(unit: Unit) -> AppealOut:
        require_possession(caller, unit.now)
        return own_views.appeal(send_own_appeal(unit, UUID(caller.subject)))

    return once.run(caller, work, status=201)


@router.get("/contact", responses=problems(401, 403, 404, 410, 503))
def contact(caller: _Self, service: _Service) -> ContactOut:
    """Show how the fund reaches me."""
    with service.reading() as unit:
        return _contact(unit, UUID(caller.subject))


@router.post(
    "/contact",
    response_model=ContactOut,
    responses=CHANGES,
)
def change_contact(body: ContactIn, caller: _Self, once: _Once) -> Response:
    """Change how the fund reaches me. Another telephone or e-mail is used after seven days, unless I undo it.

    All my other sign-ins end.
    """

    def work(unit: Unit) -> ContactOut:
        person = UUID(caller.subject)
        # Fields that this page does not show, such as the time zone, stay as they are.
        new = replace(contact_of(unit, person), **body.model_dump())
        if changes_address(unit, person, new):
            require_possession(caller, unit.now)
        change_own_contact(unit, person, new, sign_in=caller.sign_in)
        return _contact(unit, person)

    return once.run(caller, work, status=200)


@router.post(
    "/contact/keep",
    response_model=ContactOut,
    responses=CHANGES,
)
def keep_contact(caller: _Self, once: _Once) -> Response:
    """Keep the old telephone and e-mail: undo a change that waits for its day. All my other sign-ins end."""

    def work(unit: Unit) -> ContactOut:
        require_possession(caller, unit.now)
        keep_own_contact(unit, UUID(caller.subject), sign_in=caller.sign_in)
        return _contact(unit, UUID(caller.subject))

    return once.run(caller, work, status=200)


@router.get("/sign-ins", responses=problems(401, 403, 503))
def sign_ins(caller: _Self, service: _Service) -> SignInList:
    """List where I am signed in."""
    with service.reading() as unit:
        return own_views.sign_ins(own_sign_ins(unit, UUID(caller.subject)), caller.sign_in)


@router.post(
    "/sign-ins/end-others",
    response_model=SignInsEnded,
    responses=CHANGES_WITHOUT_410,
)
def end_others(caller: _Self, once: _Once) -> Response:
    """End all my sign-ins but this one."""

    def work(unit: Unit) -> SignInsEnded:
        return SignInsEnded(ended=end_other_sign_ins(unit, UUID(caller.subject), caller.sign_in))

    return once.run(caller, work, status=200)


@router.post(
    "/sign-ins/{sign_in_id}/end",
    response_model=AcceptedOut,
    responses=CHANGES_WITHOUT_410,
)
def end_one(sign_in_id: UUID, caller: _Self, once: _Once) -> Response:
    """End one of my sign-ins. It may be this one."""

    def work(unit: Unit) -> AcceptedOut:
        end_own_sign_in(unit, UUID(caller.subject), sign_in_id)
        return AcceptedOut()

    return once.run(caller, work, status=200)


@router.post(
    "/codes",
    status_code=202,
    response_model=AcceptedOut,
    responses=CHANGES,
)
def send_code(request: Request, caller: _Self, once: _Once) -> Response:
    """Send a code to my known telephone or e-mail, for a change that needs one."""
    device = device_mark(request.headers.get(DEVICE_HEADER, ""))

    def work(unit: Unit) -> AcceptedOut:
        send_own_code(unit, UUID(caller.subject), device=device)
        return AcceptedOut()

    return once.run(caller, work, status=202)


@router.post(
    "/codes/redeem",
    response_model=SignedIn,
    responses=problems(401, 403, 413, 422, 503),
)
def redeem_code(body: OwnCodeIn, request: Request, caller: _Self) -> Response:
    """Show with a code that I hold my known telephone or mailbox. It takes the place of the sign-in that I have."""
    state, device_id = state_of(request), request.headers.get(DEVICE_HEADER, "")
    person = UUID(caller.subject)

    def mark(unit: Unit) -> bytes:
        return unit.service.vault.lookup_hash(unit.db, "asked", f"own|{person}")

    gate = Gate(state, request, Purpose.GUESS, device_id, mark)
    gate.enter()
    with state.service.unit(caller.key) as unit:
        claim = IdentityClaim(person, mark(unit))
        if open_code(unit, claim, body.code, device=device_mark(device_id)) is not None:
            gate.forgive(unit)
            if caller.sign_in is not None:
                sign_out(unit, caller.sign_in)
            return signed_in(state, unit, person, SignInWay.CODE, device_id, remember=body.remember)
    raise access_refused()


def _contact(unit: Unit, person: UUID) -> ContactOut:
    return own_views.contact(contact_of(unit, person), contact_change_of(unit, person))

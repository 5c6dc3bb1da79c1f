"""Routes of a person's own pages: standing, sessions, receipts, certificate, visits, consent, appeal, contact."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api import views
from api.auth import DEVICE_HEADER, allow
from api.certificate_now import certificate_now
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
    OwnPageOut,
    OwnSessionIn,
    SignInList,
    SignInsEnded,
    VisitIn,
    VisitOut,
)
from api.schemas.sessions import SessionOpened
from api.session_opened import opened
from api.state import service_of, state_of
from certify.capture.session import open_session
from certify.decision.appeal import appeal
from certify.decision.receipts import deny, receipts_of
from certify.domain.channels import Channel
from certify.domain.profile import PHOTOSENSITIVE
from certify.doorstep.visits import ask_for_visit, cancel_visit
from certify.own_page import history_of, own_page
from certify.people.consent import set_consent
from certify.people.contact import contact_of, set_contact
from certify.people.sign_ins import end_other_sign_ins, end_own_sign_in, own_sign_ins
from certify.service import Service, Unit
from certify.tokens import Principal, Role

router = APIRouter(prefix="/v1/me", tags=["own pages"])

_Self = Annotated[Principal, Depends(allow(Role.SELF))]
_Service = Annotated[Service, Depends(service_of)]
_Once = Annotated[Once, Depends(once)]


@router.get("", responses=problems(401, 403, 404, 503))
def show(caller: _Self, service: _Service) -> OwnPageOut:
    """Show the standing of my pensions, and what is open."""
    with service.reading() as unit:
        return views.own_page(unit, own_page(unit, UUID(caller.subject)))


@router.post(
    "/sessions",
    status_code=201,
    response_model=SessionOpened,
    responses=CHANGES,
)
def open_own_session(body: OwnSessionIn, request: Request, caller: _Self, once: _Once) -> Response:
    """Open a capture session for me."""
    signer = state_of(request).session_signer
    device_id = request.headers.get(DEVICE_HEADER, "")

    def work(unit: Unit) -> SessionOpened:
        person = UUID(caller.subject)
        needs = (PHOTOSENSITIVE,) if body.avoid_flashes else ()
        row = open_session(unit, person, Channel.REMOTE, device_id=device_id, assisted=body.assisted, needs=needs)
        return opened(signer, unit, row, subject=row.id, device_id=device_id)

    return once.run(caller, work, status=201)


@router.get("/receipts", responses=problems(401, 403, 404, 503))
def receipts(caller: _Self, service: _Service) -> ReceiptList:
    """List the receipts of my silent certifications: the records that each rested on."""
    with service.reading() as unit:
        return ReceiptList(items=[views.receipt(receipt) for receipt in receipts_of(unit, UUID(caller.subject))])


@router.post(
    "/receipts/{evidence_id}/not-me",
    status_code=201,
    response_model=NotMeOut,
    responses=CHANGES,
)
def not_me(evidence_id: UUID, caller: _Self, once: _Once) -> Response:
    """Report that a record was not about me. It no longer counts, and an officer examines it."""

    def work(unit: Unit) -> NotMeOut:
        case = deny(unit, UUID(caller.subject), evidence_id)
        return NotMeOut(evidence_id=evidence_id, noted_at=case.opened_at)

    return once.run(caller, work, status=201)


@router.get("/history", responses=problems(401, 403, 404, 503))
def history(caller: _Self, service: _Service) -> HistoryOut:
    """Show my attempts and certificates."""
    with service.reading() as unit:
        return views.history(history_of(unit, UUID(caller.subject)), unit.now)


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
        set_consent(unit, UUID(caller.subject), given=body.given)
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
    return once.run(caller, lambda unit: views.appeal(appeal(unit, UUID(caller.subject))), status=201)


@router.get("/contact", responses=problems(401, 403, 404, 410, 503))
def contact(caller: _Self, service: _Service) -> ContactOut:
    """Show how the fund reaches me."""
    with service.reading() as unit:
        return views.contact(contact_of(unit, UUID(caller.subject)))


@router.post(
    "/contact",
    response_model=ContactOut,
    responses=CHANGES,
)
def change_contact(body: ContactIn, caller: _Self, once: _Once) -> Response:
    """Change how the fund reaches me. If telephone or e-mail change, all my sign-ins end, also this one."""

    def work(unit: Unit) -> ContactOut:
        person = UUID(caller.subject)
        # Fields that this page does not show, such as the time zone, stay as they are.
        set_contact(unit, person, replace(contact_of(unit, person), **body.model_dump()))
        return views.contact(contact_of(unit, person))

    return once.run(caller, work, status=200)


@router.get("/sign-ins", responses=problems(401, 403, 503))
def sign_ins(caller: _Self, service: _Service) -> SignInList:
    """List where I am signed in."""
    with service.reading() as unit:
        return views.sign_ins(own_sign_ins(unit, UUID(caller.subject)), caller.sign_in)


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

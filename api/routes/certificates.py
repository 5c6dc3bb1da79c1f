"""Routes that show, print, revoke and verify certificates, and the public keys for verifying them offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.concurrency import run_in_threadpool

from api import views
from api.auth import DESK, READERS, allow, public
from api.certificate_now import known_genuine, require_genuine
from api.errors import Forbidden, problems
from api.idempotency import Once, once
from api.proposed import PROPOSES, proposing, status_of
from api.schemas.certificates import CertificateOut, VerifyIn, VerifyOut
from api.schemas.proposals import ProposalOut, WhyIn
from api.scope import require_person_quickly
from api.state import State, current_state, service_of
from certify.certificates.qr import qr_png, to_text
from certify.certificates.signing import read_unverified
from certify.certificates.verify import verify_any
from certify.decision.issue import key_set
from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Action
from certify.errors import Gone
from certify.issuers.tokens import Principal, Role
from certify.service import Service
from certify.storage.certificates import certificate_not_found, get_certificate
from certify.storage.tables.decisions import CertificateRow
from certify.storage.tables.sessions import SessionRow
from certify.texts import Language

router = APIRouter(prefix="/v1", tags=["certificates"])

Number = Annotated[str, Path(max_length=40, pattern=r"^[A-Z0-9\-]+$", examples=["PL-2026-7KQ4-M9XD-2B8C"])]
_READERS = allow(Role.PENSIONER, Role.SELF, *READERS)


async def _readable(state: State, caller: Principal, number: str) -> CertificateRow:
    """Return a genuine certificate: for a pensioner's token that of its session, for a person one of their own.

    Staff read the certificates of people in the scope of their token.
    """
    if caller.role is Role.PENSIONER:
        session = await state.quick.get(SessionRow, caller.session) if caller.session else None
        if session is None or session.certificate_number != number:
            raise Forbidden("This token is for another session.")
    row = await state.quick.get(CertificateRow, number)
    if row is None:
        raise certificate_not_found()
    if caller.role is Role.SELF and str(row.beneficiary_id) != caller.subject:
        raise certificate_not_found()
    if caller.role in READERS:
        await require_person_quickly(state.service, caller, row.beneficiary_id)
    if not row.cose:
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    if not known_genuine(row):
        await run_in_threadpool(_require_genuine, state.service, row)
    return row


def _require_genuine(service: Service, row: CertificateRow) -> None:
    with service.reading() as unit:
        require_genuine(unit, row)


@router.get("/certificates/{number}", response_model=CertificateOut, responses=problems(401, 403, 404, 410, 422, 503))
async def show(
    number: Number,
    caller: Annotated[Principal, Depends(_READERS)],
    state: Annotated[State, Depends(current_state)],
) -> Response:
    """Show a certificate with its present state."""
    row = await _readable(state, caller, number)
    return views.as_response(views.certificate(row, state.service.clock()))


@router.get(
    "/certificates/{number}/pdf",
    response_class=Response,
    responses={**problems(401, 403, 404, 410, 422, 503), 200: {"content": {"application/pdf": {}}}},
)
async def pdf(
    number: Number,
    caller: Annotated[Principal, Depends(_READERS)],
    state: Annotated[State, Depends(current_state)],
    language: Annotated[Language | None, Query(description="Language of the sheet; English by default.")] = None,
) -> Response:
    """Return the certificate as a PDF to print or save, in one of the languages of the app.

    If no font of the service prints the language, the sheet is in English; ``Content-Language`` says which it is.
    """
    row = await _readable(state, caller, number)
    titles = {scheme: document.policy.title for scheme, document in state.service.policies.items()}
    page, printed = await run_in_threadpool(_sheet, row, language or "en", titles)
    return Response(page, media_type="application/pdf", headers={"Content-Language": printed})


def _sheet(row: CertificateRow, language: Language, titles: Mapping[str, str]) -> tuple[bytes, Language]:
    from certify.certificates.fonts import CannotPrint  # noqa: PLC0415 - fonts and drawing; a tenth of a start-up
    from certify.certificates.pdf import certificate_pdf  # noqa: PLC0415 - as above
    from certify.texts.sheet import sheet_words  # noqa: PLC0415 - as above

    certificate, words = read_unverified(row.cose), sheet_words(language, titles)
    try:
        return certificate_pdf(certificate, row.cose, words=words, created_at=row.issued_at), language
    except CannotPrint:
        return _sheet(row, "en", titles)


@router.get(
    "/certificates/{number}/qr",
    response_class=Response,
    responses={**problems(401, 403, 404, 410, 422, 503), 200: {"content": {"image/png": {}}}},
)
async def qr(
    number: Number,
    caller: Annotated[Principal, Depends(_READERS)],
    state: Annotated[State, Depends(current_state)],
) -> Response:
    """Return the certificate's QR code as PNG."""
    row = await _readable(state, caller, number)
    return Response(await run_in_threadpool(qr_png, to_text(row.cose)), media_type="image/png")


@router.post(
    "/certificates/{number}/revoke",
    status_code=202,
    response_model=ProposalOut,
    responses=PROPOSES,
)
def revoke_one(
    number: Number,
    body: WhyIn,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Propose to revoke a certificate (202), or revoke it (200) if the policy asks for one officer only.

    The payment stays as it is; officers decide about it on a review case.
    """
    return once.run(caller, proposing(caller, Action.REVOKE, number, body), status=status_of)


@router.post(
    "/verify",
    dependencies=[Depends(public("anyone who is shown a certificate may ask the issuer whether it is still valid"))],
    responses=problems(404, 413, 422, 503),
)
def verify_public(body: VerifyIn, service: Annotated[Service, Depends(service_of)]) -> VerifyOut:
    """Verify a certificate, revocation included. The caller already has the signed content, so nothing else is told."""
    with service.reading() as unit:
        report = verify_any(body.text, key_set(unit), unit.now)
        row = get_certificate(unit.db, report.certificate.number)
        return views.verification(row, report, unit.now)


@router.get(
    "/keys",
    response_class=Response,
    dependencies=[Depends(public("public keys are public"))],
    responses={**problems(503), 200: {"content": {"application/jwk-set+json": {}}}},
)
def keys(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Return the public keys for offline verification, as a JWK Set."""
    with service.reading() as unit:
        return Response(key_set(unit).to_json(), media_type="application/jwk-set+json")

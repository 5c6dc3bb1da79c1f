"""Certificates: show, print, revoke; and their public verification."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from api import schemas, views
from api.auth import allow, public
from api.errors import Forbidden, problems
from api.idempotency import Once, once
from api.state import service_of
from certify.certificates.pdf import certificate_pdf
from certify.certificates.qr import qr_png, to_text
from certify.certificates.signing import verify
from certify.certificates.verify import verify_any
from certify.errors import Gone
from certify.issue import key_set, revoke
from certify.service import Service, Unit
from certify.storage.certificates import get_certificate
from certify.storage.sessions import get_session
from certify.storage.tables import CertificateRow
from certify.tokens import Principal, Role

router = APIRouter(prefix="/v1", tags=["certificates"])

Number = Annotated[str, Path(max_length=40, pattern=r"^[A-Z0-9\-]+$", examples=["PL-2026-7KQ4-M9XD-2B8C"])]
_READERS = allow(Role.PENSIONER, Role.AGENT, Role.OFFICER, Role.AUDITOR, Role.MACHINE)


def _own(unit: Unit, caller: Principal, number: str) -> CertificateRow:
    """Return a certificate; a pensioner gets the one of the own session only."""
    if caller.role is Role.PENSIONER and (
        caller.session is None or get_session(unit.db, caller.session).certificate_number != number
    ):
        raise Forbidden("This token is for another session.")
    row = get_certificate(unit.db, number)
    if not row.cose:
        raise Gone("The data of this person was erased.", code="person_erased")
    return row


@router.get(
    "/certificates/{number}", response_model=schemas.CertificateOut, responses=problems(401, 403, 404, 410, 422, 503)
)
def show(
    number: Number,
    caller: Annotated[Principal, Depends(_READERS)],
    service: Annotated[Service, Depends(service_of)],
) -> Response:
    """Show a certificate with its present state."""
    with service.reading() as unit:
        return views.as_response(views.certificate(unit, _own(unit, caller, number)))


@router.get(
    "/certificates/{number}/pdf",
    response_class=Response,
    responses={**problems(401, 403, 404, 410, 422, 503), 200: {"content": {"application/pdf": {}}}},
)
def pdf(
    number: Number,
    caller: Annotated[Principal, Depends(_READERS)],
    service: Annotated[Service, Depends(service_of)],
) -> Response:
    """Return the certificate as a page to print or save."""
    with service.reading() as unit:
        row = _own(unit, caller, number)
        certificate = verify(row.cose, key_set(unit), now=unit.now).certificate
    names = {scheme: document.policy.title for scheme, document in service.policies.items()}
    page = certificate_pdf(certificate, row.cose, created_at=row.issued_at, scheme_names=names)
    return Response(page, media_type="application/pdf")


@router.get(
    "/certificates/{number}/qr",
    response_class=Response,
    responses={**problems(401, 403, 404, 410, 422, 503), 200: {"content": {"image/png": {}}}},
)
def qr(
    number: Number,
    caller: Annotated[Principal, Depends(_READERS)],
    service: Annotated[Service, Depends(service_of)],
) -> Response:
    """Return the certificate's QR code as PNG."""
    with service.reading() as unit:
        row = _own(unit, caller, number)
    return Response(qr_png(to_text(row.cose)), media_type="image/png")


@router.post(
    "/certificates/{number}/revoke",
    response_model=schemas.CertificateOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
)
def revoke_one(
    number: Number,
    body: schemas.RevokeIn,
    caller: Annotated[Principal, Depends(allow(Role.OFFICER))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Revoke a certificate. The payment is not touched; that is decided on a review case."""

    def work(unit: Unit) -> schemas.CertificateOut:
        row = revoke(unit, number, reason=body.reason)
        return views.certificate(unit, row)

    return once.run(caller, work, status=200)


@router.post(
    "/verify",
    dependencies=[Depends(public("anybody who is shown a certificate may ask the issuer whether it still stands"))],
    responses=problems(404, 413, 422, 503),
)
def verify_public(body: schemas.VerifyIn, service: Annotated[Service, Depends(service_of)]) -> schemas.VerifyOut:
    """Verify a certificate, revocation included. The caller shows the signed content, so nothing new is told."""
    with service.reading() as unit:
        report = verify_any(body.text, key_set(unit), unit.now)
        row = get_certificate(unit.db, report.certificate.number)
        return views.verification(row, report.state, report.lines, unit.now)


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

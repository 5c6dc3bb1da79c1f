"""Routes about certifications by records or attestations: receipts, denying a record, and issuing the certificate."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api import views
from api.auth import DESK, READERS, allow
from api.certificate_now import certificate_now
from api.errors import CHANGES, problems
from api.idempotency import Once, once
from api.schemas.certificates import CertificateOut
from api.schemas.decisions import ReceiptList, ReviewCaseOut
from api.scope import require_person, require_whole_person
from api.state import service_of
from certify.decision.receipts import deny, receipts_of
from certify.issuers.tokens import Principal
from certify.service import Service, Unit

router = APIRouter(prefix="/v1/beneficiaries/{beneficiary_id}", tags=["receipts"])


@router.get("/receipts", responses=problems(401, 403, 404, 422, 503))
def show(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> ReceiptList:
    """List the receipts of a person's certifications by records or attestations, with the weight of each."""
    with service.reading() as unit:
        require_person(unit, caller, beneficiary_id)
        return ReceiptList(items=[views.receipt(receipt) for receipt in receipts_of(unit, beneficiary_id)])


@router.post(
    "/receipts/{evidence_id}/not-me",
    status_code=201,
    response_model=ReviewCaseOut,
    responses=CHANGES,
)
def not_me(
    beneficiary_id: UUID,
    evidence_id: UUID,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Take back a record or attestation because the person says that it was not them. An officer examines it."""

    def work(unit: Unit) -> ReviewCaseOut:
        require_whole_person(unit, caller, beneficiary_id)
        return views.review_case(deny(unit, beneficiary_id, evidence_id))

    return once.run(caller, work, status=201)


@router.post(
    "/certificate",
    status_code=201,
    response_model=CertificateOut,
    responses=CHANGES,
)
def issue_certificate(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Return the person's certificate. If their pensions were proven by records alone, it is issued now.

    Silent certification changes the standing of millions of people at once, so it signs no certificates.
    """

    def work(unit: Unit) -> CertificateOut:
        return certificate_now(unit, require_whole_person(unit, caller, beneficiary_id))

    return once.run(caller, work, status=201)

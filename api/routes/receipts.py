"""Receipts of silent certifications, "that was not me", and the certificate of whoever was certified silently."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api import views
from api.auth import allow
from api.certificate_now import certificate_now
from api.errors import problems
from api.idempotency import Once, once
from api.schemas.certificates import CertificateOut
from api.schemas.decisions import ReceiptList, ReviewCaseOut
from api.state import service_of
from certify.decision.receipts import deny, receipts_of
from certify.service import Service, Unit
from certify.tokens import Principal, Role

router = APIRouter(prefix="/v1/beneficiaries/{beneficiary_id}", tags=["receipts"])


@router.get("/receipts", responses=problems(401, 403, 404, 422, 503))
def show(
    beneficiary_id: UUID,
    _caller: Annotated[Principal, Depends(allow(Role.AGENT, Role.OFFICER, Role.AUDITOR))],
    service: Annotated[Service, Depends(service_of)],
) -> ReceiptList:
    """Show what silent certifications of a person rested on: source, act, date, weight."""
    with service.reading() as unit:
        return ReceiptList(items=[views.receipt(receipt) for receipt in receipts_of(unit, beneficiary_id)])


@router.post(
    "/receipts/{evidence_id}/not-me",
    status_code=201,
    response_model=ReviewCaseOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
)
def not_me(
    beneficiary_id: UUID,
    evidence_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.AGENT, Role.OFFICER))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Take a record back because the person says that it was not them; an officer looks into it."""

    def work(unit: Unit) -> ReviewCaseOut:
        return views.review_case(deny(unit, beneficiary_id, evidence_id))

    return once.run(caller, work, status=201)


@router.post(
    "/certificate",
    status_code=201,
    response_model=CertificateOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
)
def write_certificate(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.AGENT, Role.OFFICER, Role.MACHINE))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Return the person's certificate, written now if their pensions were proven by records alone.

    Silent certification changes the standing of millions at once; the certificate is signed when somebody wants it.
    """
    return once.run(caller, lambda unit: certificate_now(unit, beneficiary_id), status=201)

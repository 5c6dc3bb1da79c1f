"""The route by which institutions attest that they saw a person: consulates, banks, the post, notaries, doctors."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.auth import allow
from api.errors import CHANGES
from api.idempotency import Once, once
from api.schemas.attestations import AttestationIn, AttestationOut
from api.scope import require_whole_person
from certify.decision.attest import NewAttestation, attest
from certify.domain.channels import Channel
from certify.domain.error_codes import ErrorCode
from certify.errors import NotAllowed
from certify.issuers.tokens import Principal, Role
from certify.service import Unit

router = APIRouter(prefix="/v1/beneficiaries/{beneficiary_id}/attestations", tags=["attestations"])


@router.post("", status_code=201, response_model=AttestationOut, responses=CHANGES)
def add(
    beneficiary_id: UUID,
    body: AttestationIn,
    caller: Annotated[Principal, Depends(allow(Role.REGISTRY))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Attest that a person was seen alive. The policies of the person's schemes say what it proves.

    The registry of sources says which source may attest, in which capacity, and who speaks for it.
    """
    if body.source not in caller.sources:
        raise NotAllowed(f"This token does not speak for the source '{body.source}'.", code=ErrorCode.SOURCE_NOT_YOURS)

    def work(unit: Unit) -> AttestationOut:
        require_whole_person(unit, caller, beneficiary_id)
        new = NewAttestation(
            source=body.source,
            record_id=body.record_id,
            seen_at=body.seen_at,
            channel=Channel(body.capacity),
            seen_by=body.seen_by,
            place=body.place,
            country=body.country,
            document=body.document,
        )
        evidence_id, _ = attest(unit, beneficiary_id, new)
        return AttestationOut(evidence_id=evidence_id)

    return once.run(caller, work, status=201)

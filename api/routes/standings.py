"""Routes for payers: whether the pensions of a person may be paid, and nothing else about the person."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.auth import READERS, allow
from api.errors import problems
from api.schemas.people import LookupIn
from api.schemas.standings import StandingOut
from api.scope import require_person
from api.standing_now import standing
from api.state import service_of
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.issuers.tokens import Principal, Role
from certify.people.identifiers import look_up
from certify.service import Service
from certify.storage.people import get_beneficiary

router = APIRouter(prefix="/v1/standings", tags=["standings"])

_Payer = Annotated[Principal, Depends(allow(Role.PAYER, *READERS))]
_LastPaid = Annotated[
    date | None,
    Query(description="Day of the last payment, if you know it: an overpayment is then worked out until that payment"),
]


@router.post("/lookup", responses=problems(401, 403, 404, 413, 422, 503))
def find(
    body: LookupIn,
    caller: _Payer,
    service: Annotated[Service, Depends(service_of)],
    last_paid_on: _LastPaid = None,
) -> StandingOut:
    """Answer "may I pay?" for a national id or card number. The request changes nothing."""
    with service.reading() as unit:
        beneficiary_id = look_up(unit, national_id=body.national_id, card_number=body.card_number)
        if beneficiary_id is None:
            raise NotFound("No person with this number is enrolled.", code=ErrorCode.BENEFICIARY_NOT_FOUND)
        return standing(unit, require_person(unit, caller, beneficiary_id), caller.scope, last_paid_on)


@router.get("/{beneficiary_id}", responses=problems(401, 403, 404, 422, 503))
def show(
    beneficiary_id: UUID,
    caller: _Payer,
    service: Annotated[Service, Depends(service_of)],
    last_paid_on: _LastPaid = None,
) -> StandingOut:
    """Answer "may I pay?" for the id that an earlier answer gave."""
    with service.reading() as unit:
        require_person(unit, caller, beneficiary_id)
        return standing(unit, get_beneficiary(unit.db, beneficiary_id).id, caller.scope, last_paid_on)

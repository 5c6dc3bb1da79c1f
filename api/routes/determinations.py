"""Routes that show determinations with their reasons."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api import views
from api.auth import READERS, allow
from api.errors import Forbidden, problems
from api.schemas.decisions import DeterminationList, DeterminationOut
from api.scope import require_person
from api.state import service_of
from certify.decision.determinations import all_determinations, find_determination
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.issuers.tokens import Principal, Role
from certify.service import Service
from certify.storage.people import get_beneficiary

router = APIRouter(prefix="/v1", tags=["determinations"])


@router.get("/determinations/{determination_id}", responses=problems(401, 403, 404, 422, 503))
def show(
    determination_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.PENSIONER, *READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> DeterminationOut:
    """Show one determination. A pensioner's token shows only those of its own session."""
    with service.reading() as unit:
        row = find_determination(unit, determination_id)
        if caller.role is Role.PENSIONER and row.session_id != caller.session:
            raise Forbidden("This token is for another session.")
        require_person(unit, caller, row.beneficiary_id)
        if not caller.scope.covers_scheme(row.verdict["scheme"]):
            raise NotFound("There is no such determination.", code=ErrorCode.DETERMINATION_NOT_FOUND)
        return views.determination(row)


@router.get("/beneficiaries/{beneficiary_id}/determinations", responses=problems(401, 403, 404, 422, 503))
def history(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DeterminationList:
    """List the determinations of a person, newest first."""
    with service.reading() as unit:
        require_person(unit, caller, beneficiary_id)
        get_beneficiary(unit.db, beneficiary_id)
        rows = all_determinations(unit, beneficiary_id, limit=limit)
        mine = [row for row in rows if caller.scope.covers_scheme(row.verdict["scheme"])]
        return DeterminationList(items=[views.determination(row) for row in mine])

"""Routes by which a person asks for their own erasure, and takes the wish back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api import own_views
from api.auth import allow, require_possession
from api.errors import CHANGES
from api.idempotency import Once, once
from api.schemas.proposals import OwnErasureIn, OwnErasureOut
from certify.approvals.actions import recall_erasure, wish_erasure
from certify.issuers.tokens import Principal, Role
from certify.service import Unit

router = APIRouter(prefix="/v1/me/erasure", tags=["own pages"])

_Self = Annotated[Principal, Depends(allow(Role.SELF))]
_Once = Annotated[Once, Depends(once)]


@router.post("", status_code=202, response_model=OwnErasureOut, responses=CHANGES)
def wish(body: OwnErasureIn, caller: _Self, once: _Once) -> Response:
    """Ask that my data be erased. An officer agrees; then the waiting time of the fund begins."""

    def work(unit: Unit) -> OwnErasureOut:
        require_possession(caller, unit.now)
        return own_views.erasure(wish_erasure(unit, UUID(caller.subject), by=caller.key, text=body.text))

    return once.run(caller, work, status=202)


@router.post("/recall", response_model=OwnErasureOut, responses=CHANGES)
def recall(caller: _Self, once: _Once) -> Response:
    """Recall the erasure of my data, as long as it is not carried out."""

    def work(unit: Unit) -> OwnErasureOut:
        return own_views.erasure(recall_erasure(unit, UUID(caller.subject), by=caller.key))

    return once.run(caller, work, status=200)

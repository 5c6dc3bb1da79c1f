"""Routes of the ledger for auditors: signed checkpoints, inclusion and consistency proofs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from api.auth import READERS, allow, public
from api.errors import problems
from api.schemas.operations import ConsistencyOut, InclusionOut
from api.state import service_of
from certify.audit.checkpoints import ledger_keys, prove_consistency, prove_inclusion, publish_checkpoint
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.issuers.tokens import Principal
from certify.service import Service

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

Position = Annotated[int, Query(ge=0, lt=2**62)]


@router.get(
    "/checkpoint",
    response_class=Response,
    dependencies=[Depends(public("witnesses must be able to keep checkpoints; these name no person"))],
    responses={**problems(404, 503), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def checkpoint(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Return a signed checkpoint of the present ledger (C2SP tlog-checkpoint)."""
    with service.unit() as unit:
        row = publish_checkpoint(unit)
        if row is None:
            raise NotFound("The ledger is still empty.", code=ErrorCode.LEDGER_EMPTY)
        return Response(row.note, media_type="text/plain; charset=utf-8")


@router.get(
    "/keys",
    response_class=Response,
    dependencies=[Depends(public("public keys are public"))],
    responses={**problems(503), 200: {"content": {"application/jwk-set+json": {}}}},
)
def keys(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Return the public keys of the ledger's checkpoints, as a JWK Set."""
    with service.reading() as unit:
        return Response(ledger_keys(unit).to_json(), media_type="application/jwk-set+json")


@router.get("/entries/{index}", responses=problems(401, 403, 404, 422, 503))
def inclusion(
    index: Annotated[int, Path(ge=0, lt=2**62)],
    size: Position,
    _caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> InclusionOut:
    """Return an entry, and the proof that the tree of ``size`` leaves contains it."""
    with service.reading() as unit:
        return InclusionOut(**prove_inclusion(unit, index, size))


@router.get("/consistency", responses=problems(401, 403, 404, 422, 503))
def consistency(
    old: Position,
    new: Position,
    _caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> ConsistencyOut:
    """Return the proof that the tree of ``new`` leaves begins with the tree of ``old`` leaves."""
    with service.reading() as unit:
        return ConsistencyOut(**prove_consistency(unit, old, new))

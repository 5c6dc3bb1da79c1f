"""Routes about references, the enrolled images of a person's face."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api import views
from api.auth import DESK, READERS, allow
from api.errors import problems
from api.idempotency import Once, once
from api.routes.media import MEDIA_BODY, media_body
from api.schemas.base import Code
from api.schemas.people import ReferenceOut
from api.scope import require_person, require_whole_person
from api.state import service_of
from certify.domain.states import Provenance
from certify.issuers.tokens import Principal, Role
from certify.people.references import Origin, add_reference, require_enrollable
from certify.service import Service, Unit
from certify.storage.people import get_beneficiary, get_reference, references_of

router = APIRouter(prefix="/v1/beneficiaries/{beneficiary_id}/references", tags=["references"])


@router.post(
    "",
    status_code=202,
    response_model=ReferenceOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 415, 422, 503),
    openapi_extra=MEDIA_BODY,
)
def add(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.ENROLLER, *DESK))],
    data: Annotated[bytes, Depends(media_body)],
    once: Annotated[Once, Depends(once)],
    provenance: Annotated[
        Literal["document", "register", "camera"], Query(description="Where the picture came from")
    ] = "camera",
    of: Annotated[Code | None, Query(description="Kind of the document, or name of the register")] = None,
) -> Response:
    """Send a reference image. The service measures it soon afterwards; list the references to see the result.

    An enroller adds the first reference only, and says which document or register the picture came from. Only an
    officer adds a picture of a camera, or another reference.
    """
    origin = Origin(Provenance(provenance), of)

    def work(unit: Unit) -> ReferenceOut:
        require_whole_person(unit, caller, beneficiary_id)
        if caller.role is Role.ENROLLER:
            require_enrollable(unit, beneficiary_id, origin)
        reference_id = add_reference(unit, beneficiary_id, data, origin)
        return views.reference(get_reference(unit.db, reference_id), unit.now)

    return once.run(caller, work, status=202)


@router.get("", responses=problems(401, 403, 404, 422, 503))
def list_all(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(allow(Role.ENROLLER, *READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> list[ReferenceOut]:
    """List the references of a person with their quality. Images and templates never leave the service."""
    with service.reading() as unit:
        require_person(unit, caller, beneficiary_id)
        get_beneficiary(unit.db, beneficiary_id)
        return [views.reference(row, unit.now) for row in references_of(unit.db, beneficiary_id)]

"""Sending a video in chunks: declare it, put chunk after chunk, ask how far it got, go on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from api import views
from api.auth import allow, require_agent_at_visit, require_own_session
from api.errors import problems
from api.idempotency import Once, once
from api.routes.media import CHUNK_BODY, media_body
from api.schemas.sessions import UploadIn, UploadOut
from api.state import service_of
from certify.capture.uploads import begin_upload, put_chunk, upload_progress
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.service import Service, Unit
from certify.tokens import Principal, Role

router = APIRouter(prefix="/v1/sessions/{session_id}/upload", tags=["uploads"])

Sender = Annotated[Principal, Depends(allow(Role.PENSIONER, Role.AGENT))]

ContentDigest = Annotated[
    str | None,
    Header(
        alias="Content-Digest",
        max_length=200,
        description="Of the chunk, as in RFC 9530. What was damaged on its way is then refused at once. Others than "
        "sha-256 are ignored.",
        examples=["sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"],
    ),
]


@router.post(
    "",
    status_code=201,
    response_model=UploadOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
)
def begin(session_id: UUID, body: UploadIn, caller: Sender, once: Annotated[Once, Depends(once)]) -> Response:
    """Declare a video. Declaring the same again goes on where it got to; another one begins anew."""
    require_own_session(caller, session_id)

    def work(unit: Unit) -> UploadOut:
        require_agent_at_visit(unit, caller, session_id)
        camera = body.camera.model_dump() if body.camera else None
        return views.upload(begin_upload(unit, session_id, size=body.size, sha256=body.sha256, camera=camera))

    return once.run(caller, work, status=201)


@router.put(
    "",
    response_model=UploadOut,
    responses=problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
    openapi_extra=CHUNK_BODY,
)
def put(
    session_id: UUID,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="Where in the whole this chunk begins")],
    caller: Sender,
    data: Annotated[bytes, Depends(media_body)],
    service: Annotated[Service, Depends(service_of)],
    digest: ContentDigest = None,
) -> Response:
    """Send a chunk. Once this answers, the chunk is safe; the last one submits the session.

    The same chunk again changes nothing. At a wrong offset the answer is 409 with the right one. When the whole cannot
    be used, the answer to the last chunk says why, and the upload must be begun anew.
    """
    require_own_session(caller, session_id)
    _check_digest(digest, data)
    with service.unit(caller.key) as unit:
        require_agent_at_visit(unit, caller, session_id)
        progress = put_chunk(unit, session_id, offset, data)
    if progress.refusal is not None:
        raise progress.refusal
    return views.as_response(views.upload(progress))


@router.get("", response_model=UploadOut, responses=problems(401, 403, 404, 410, 422, 503))
def progress(session_id: UUID, caller: Sender, service: Annotated[Service, Depends(service_of)]) -> Response:
    """Ask how far an upload got, as after a lost connection."""
    require_own_session(caller, session_id)
    with service.reading() as unit:
        return views.as_response(views.upload(upload_progress(unit, session_id)))


def _check_digest(header: str | None, data: bytes) -> None:
    found = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):", header or "")
    if found is None:
        return
    try:
        wanted = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        wanted = b""
    if wanted != hashlib.sha256(data).digest():
        raise Invalid("This chunk was damaged on its way.", hint="Send it again.", code=ErrorCode.CHUNK_DAMAGED)

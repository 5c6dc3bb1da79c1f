"""Routes for sending a video in chunks: declare it, send each chunk, ask for the progress, and continue."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from api import views
from api.auth import allow, require_own_session
from api.errors import CHANGES, problems
from api.idempotency import Once, once
from api.routes.media import CHUNK_BODY, media_body
from api.schemas.sessions import UploadIn, UploadOut
from api.state import service_of
from certify.capture.uploads import begin_upload, put_chunk, upload_progress
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.issuers.tokens import Principal, Role
from certify.service import Service, Unit

router = APIRouter(prefix="/v1/sessions/{session_id}/upload", tags=["uploads"])

Sender = Annotated[Principal, Depends(allow(Role.PENSIONER))]

ContentDigest = Annotated[
    str | None,
    Header(
        alias="Content-Digest",
        max_length=200,
        description="Digest of the chunk (RFC 9530). With it, a damaged chunk is refused at once. Algorithms other "
        "than sha-256 are ignored.",
        examples=["sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"],
    ),
]


@router.post(
    "",
    status_code=201,
    response_model=UploadOut,
    responses=CHANGES,
)
def begin(session_id: UUID, body: UploadIn, caller: Sender, once: Annotated[Once, Depends(once)]) -> Response:
    """Declare a video. If it was declared before, its upload continues; another video starts a new upload."""
    require_own_session(caller, session_id)

    def work(unit: Unit) -> UploadOut:
        camera = body.camera.model_dump(exclude={"motion"}) if body.camera else None
        motion = body.camera.motion if body.camera else ()
        progress = begin_upload(unit, session_id, size=body.size, sha256=body.sha256, camera=camera, motion=motion)
        return views.upload(progress)

    return once.run(caller, work, status=201)


@router.put(
    "",
    response_model=UploadOut,
    responses=CHANGES,
    openapi_extra=CHUNK_BODY,
)
def put(
    session_id: UUID,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="Byte of the video at which this chunk begins")],
    caller: Sender,
    data: Annotated[bytes, Depends(media_body)],
    service: Annotated[Service, Depends(service_of)],
    digest: ContentDigest = None,
) -> Response:
    """Send a chunk. The answer means that the chunk is stored. The last chunk submits the session.

    To send a chunk again changes nothing. If the offset is wrong, the answer is 409 with the right one. If the video
    cannot be used, the answer to the last chunk gives the reason, and the upload must start again.
    """
    require_own_session(caller, session_id)
    _check_digest(digest, data)
    with service.unit(caller.key) as unit:
        progress = put_chunk(unit, session_id, offset, data)
    if progress.refusal is not None:
        raise progress.refusal
    return views.as_response(views.upload(progress))


@router.get("", response_model=UploadOut, responses=problems(401, 403, 404, 410, 422, 503))
def progress(session_id: UUID, caller: Sender, service: Annotated[Service, Depends(service_of)]) -> Response:
    """Read the progress of an upload, for example after a lost connection."""
    require_own_session(caller, session_id)
    with service.reading() as unit:
        return views.as_response(views.upload(upload_progress(unit, session_id)))


def _check_digest(header: str | None, data: bytes) -> None:
    digest = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):", header or "")
    if digest is None:
        return
    try:
        declared = base64.b64decode(digest[1], validate=True)
    except binascii.Error:
        declared = b""
    if declared != hashlib.sha256(data).digest():
        raise Invalid("This chunk was damaged on its way.", hint="Send it again.", code=ErrorCode.CHUNK_DAMAGED)

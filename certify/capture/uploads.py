"""Receive a video in chunks over a bad network: begin, send, ask for progress, continue. The last chunk submits it.

Each chunk is one committed transaction, so that a failure of phone, network or server loses one chunk at most. In the
transaction of the last chunk, the whole video is checked, stored and given to the worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from certify.capture.media import media_type_of, refuse_no_video
from certify.capture.session import accept_media, lock_session, require_open, was_submitted
from certify.domain.error_codes import ErrorCode
from certify.domain.states import SessionState
from certify.errors import Conflict, Gone, Invalid, NotFound, TooLarge
from certify.service import Unit
from certify.storage.sessions import get_session
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow, UploadRow
from certify.storage.uploads import (
    delete_upload,
    drop_bytes,
    find_upload,
    holds_chunk,
    put_chunk_bytes,
    read_upload,
)
from models.errors import VideoRefused

MAX_CHUNK = 1_048_576
"""Bytes of the largest chunk. As much is lost when a connection breaks: half a minute at 250 kbit/s."""

MIN_CHUNK = 16_384
"""Bytes of the smallest chunk, except the last one. Bounds the largest video to 1,221 chunks."""


class WrongOffset(Conflict):
    """A chunk does not begin where the upload ends; ``offset`` is the byte to continue from."""

    code = ErrorCode.WRONG_OFFSET

    def __init__(self, offset: int) -> None:
        super().__init__("This chunk does not follow what has arrived.", hint=f"Go on from byte {offset}.")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload got.

    Attributes:
        session: the session that the video belongs to.
        size: bytes of the whole video, as declared.
        offset: bytes that have arrived.
        refusal: set when the whole video arrived and cannot be used, so that the upload was deleted. Raise it *after*
            the transaction has committed; otherwise the deletion is rolled back.
    """

    session: SessionRow
    size: int
    offset: int
    refusal: Invalid | VideoRefused | None = None


def begin_upload(
    unit: Unit,
    session_id: UUID,
    *,
    size: int,
    sha256: str,
    camera: dict[str, Any] | None = None,
    motion: Sequence[Sequence[float]] = (),
) -> Progress:
    """Begin an upload, or continue one that was declared with the same size and digest.

    Everything that would refuse media sent in one piece refuses here, before megabytes are sent.

    Args:
        unit: the transaction to write in.
        session_id: id of the session.
        size: bytes of the whole video.
        sha256: hexadecimal digest of the whole video.
        camera: what the phone reports about its camera.
        motion: samples of its motion sensor while the video was recorded.

    Returns:
        The progress: ``offset`` is the byte to send next.

    Raises:
        TooLarge: the video is larger than allowed (``video_too_many_bytes``).
        NotFound: no such session (``session_not_found``).
        Conflict: the session has other media (``session_already_submitted``), an earlier session is not decided
            (``another_in_progress``), or too many failed (``attempts_used_up``).
        Gone: the session's time has run out (``session_expired``).
    """
    limit = unit.service.settings.max_upload_bytes
    if size > limit:
        raise TooLarge(
            f"At most {limit:,} bytes are accepted.",
            hint="Record a shorter video.",
            code=ErrorCode.VIDEO_TOO_MANY_BYTES,
        )
    person, row = lock_session(unit, session_id)
    if was_submitted(row, sha256):
        return Progress(row, size, size)
    require_open(unit, person, row)
    row.source = {"way": "upload", "camera": camera, "motion": [list(sample) for sample in motion]}
    upload = find_upload(unit.db, session_id)
    if upload is None or (upload.size, upload.sha256) != (size, sha256):
        delete_upload(unit.db, session_id)
        upload = UploadRow(
            session_id=session_id,
            beneficiary_id=row.beneficiary_id,
            size=size,
            sha256=sha256,
            received=0,
            created_at=unit.now,
        )
        unit.db.add(upload)
        unit.db.flush()
    return Progress(row, size, upload.received)


def upload_progress(unit: Unit, session_id: UUID) -> Progress:
    """Return how far the upload of a session got.

    Args:
        unit: the transaction to read in.
        session_id: id of the session.

    Returns:
        The progress: ``offset`` is the byte to send next.

    Raises:
        NotFound: no such session (``session_not_found``), or no upload was begun (``upload_not_found``).
        Gone: the session's time has run out (``session_expired``).
    """
    row = get_session(unit.db, session_id)
    upload = find_upload(unit.db, session_id)
    if _is_over(unit, row):
        raise _expired()
    if upload is None:
        raise _not_found()
    return Progress(row, upload.size, upload.received)


def put_chunk(unit: Unit, session_id: UUID, start: int, data: bytes) -> Progress:
    """Store one chunk. A chunk that arrived before changes nothing. The last one submits as ``submit_media`` does.

    Args:
        unit: the transaction to write in.
        session_id: id of the session.
        start: byte of the video at which the chunk begins.
        data: the chunk.

    Returns:
        The progress. When the whole video arrived and cannot be used, its ``refusal`` says why.

    Raises:
        WrongOffset: the chunk does not begin where the upload ends (``wrong_offset``).
        NotFound: no such session (``session_not_found``), or no upload was begun (``upload_not_found``).
        Gone: the session's time has run out (``session_expired``).
        Conflict: an earlier session is not decided (``another_in_progress``), or too many failed
            (``attempts_used_up``).
        TooLarge: the chunk has more than ``MAX_CHUNK`` bytes (``chunk_too_large``).
        Invalid: the chunk is smaller than ``MIN_CHUNK`` and not the last (``chunk_too_small``), or goes beyond the
            declared size (``chunk_beyond_end``).
        VideoRefused: the first bytes are not those of a video (``not_a_video``).
    """
    if len(data) > MAX_CHUNK:
        raise TooLarge(f"A chunk has at most {MAX_CHUNK:,} bytes.", code=ErrorCode.CHUNK_TOO_LARGE)
    person, row = lock_session(unit, session_id)
    upload = find_upload(unit.db, session_id)
    if upload is None:
        raise _expired() if _is_over(unit, row) else _not_found()
    if holds_chunk(unit.db, session_id, start, data):
        return Progress(row, upload.size, upload.received)
    if _is_over(unit, row):
        raise _expired()
    if start != upload.received:
        raise WrongOffset(upload.received)
    _check_chunk(upload, data)
    put_chunk_bytes(unit.db, unit.sealer(row.beneficiary_id), upload, data)
    size, offset = upload.size, upload.received
    refusal = _finish(unit, person, row, upload) if offset == size else None
    return Progress(row, size, 0 if refusal else offset, refusal)


def _check_chunk(upload: UploadRow, data: bytes) -> None:
    left = upload.size - upload.received - len(data)
    if left < 0:
        raise Invalid("This chunk goes beyond the size that was declared.", code=ErrorCode.CHUNK_BEYOND_END)
    if left > 0 and len(data) < MIN_CHUNK:
        raise Invalid(f"Every chunk but the last has at least {MIN_CHUNK:,} bytes.", code=ErrorCode.CHUNK_TOO_SMALL)
    if upload.received == 0:
        refuse_no_video(data)


def _finish(unit: Unit, person: BeneficiaryRow, row: SessionRow, upload: UploadRow) -> Invalid | VideoRefused | None:
    """Join the chunks and submit the video, or delete the upload and return why."""
    data = read_upload(unit.db, unit.sealer(row.beneficiary_id), row.id)
    refusal: Invalid | VideoRefused
    if hashlib.sha256(data).hexdigest() == upload.sha256:
        try:
            media_type = media_type_of(data, unit.service.settings.max_upload_bytes, unit.service.decoders)
        except VideoRefused as refused:
            refusal = refused
        else:
            accept_media(unit, person, row, data, media_type)
            drop_bytes(unit.db, row.id)
            return None
    else:
        refusal = Invalid(
            "What arrived is not what was declared.", hint="Begin the upload again.", code=ErrorCode.UPLOAD_DAMAGED
        )
    delete_upload(unit.db, row.id)
    return refusal


def _is_over(unit: Unit, row: SessionRow) -> bool:
    return row.state == SessionState.EXPIRED or (row.state == SessionState.OPEN and unit.now >= row.expires_at)


def _expired() -> Gone:
    return Gone("The time of this session has run out.", hint="Open a new session.", code=ErrorCode.SESSION_EXPIRED)


def _not_found() -> NotFound:
    return NotFound("No upload was begun in this session.", hint="Begin one first.", code=ErrorCode.UPLOAD_NOT_FOUND)

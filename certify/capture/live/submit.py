"""Check that a session can take a live capture, and submit the recording."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from certify.capture.media import media_type_of
from certify.capture.session import accept_media, lock_session, require_open, session_over, was_submitted
from certify.domain.asked import takes_of
from certify.domain.error_codes import ErrorCode
from certify.domain.states import SessionState
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow
from certify.storage.uploads import delete_upload


def begin_live(unit: Unit, session_id: UUID) -> tuple[list[dict[str, Any]], int]:
    """Return what a session that can take a live capture now asks in each take, and note that it begins.

    A take shows its prompts one by one. So a capture that begins again shows moments that were seen before; how often
    it began is kept with the recording.

    Args:
        unit: the transaction that holds the lock of the person.
        session_id: id of the session.

    Returns:
        The plans of the takes, and how often a live capture with these plans has begun before.

    Raises:
        NotFound: no such session (``session_not_found``).
        Gone: the session's time has run out (``session_expired``).
        Conflict: the session has media already (``session_already_submitted``), an earlier session is not decided
            (``another_in_progress``), too many failed (``attempts_used_up``), or there is no plan (``no_plan``).
    """
    person, row = lock_session(unit, session_id)
    was_submitted(row, "")
    require_open(unit, person, row)
    if unit.now >= row.expires_at or row.state != SessionState.OPEN:
        raise session_over()  # only what was recorded before may come late
    if row.plan is None:
        raise Conflict("This session has no plan.", hint="Open a new session.", code=ErrorCode.NO_PLAN)
    begun = int(row.plan.get("begun", 0))
    row.plan = {**row.plan, "begun": begun + 1}
    return [dict(take) for take in takes_of(row.plan)], begun


def finish_live(unit: Unit, session_id: UUID, video: bytes, source: dict[str, Any]) -> SessionRow:
    """Store the recording of a live capture, sealed, and enqueue its evaluation. Repeating it changes nothing.

    Args:
        unit: the transaction to write in.
        session_id: id of the session.
        video: the recording, in clear.
        source: where the frames came from: what the camera reports about itself, and when they arrived.

    Returns:
        The session, in state ``submitted`` or later.

    Raises:
        NotFound: no such session (``session_not_found``).
        VideoRefused: the headers show no usable video.
        Conflict: the session has other media (``session_already_submitted``), an earlier session is not decided
            (``another_in_progress``), or too many failed (``attempts_used_up``).
        Gone: the session's time has run out (``session_expired``).
    """
    media_type = media_type_of(video, unit.service.settings.max_upload_bytes, unit.service.decoders)
    person, row = lock_session(unit, session_id)
    if not was_submitted(row, hashlib.sha256(video).hexdigest()):
        row.source = source
        accept_media(unit, person, row, video, media_type)
        delete_upload(unit.db, session_id)
    return row

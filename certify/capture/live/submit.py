"""A live capture from the service's side: may it begin, and handing it in."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from certify.capture.media import media_type_of
from certify.capture.session import accept_media, lock_session, require_open, was_submitted
from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow
from certify.storage.uploads import delete_upload


def begin_live(unit: Unit, session_id: UUID) -> dict[str, Any]:
    """Return the plan of a session that can take a live capture now.

    Raises NotFound, Gone (``session_expired``), Conflict (``session_already_submitted``, ``another_in_progress``,
    ``attempts_used_up``, ``no_plan``).
    """
    person, row = lock_session(unit, session_id)
    was_submitted(row, "")
    require_open(unit, person, row)
    if row.plan is None:
        raise Conflict("This session has no plan.", hint="Open a new session.", code=ErrorCode.NO_PLAN)
    return row.plan


def finish_live(unit: Unit, session_id: UUID, video: bytes, source: dict[str, Any]) -> SessionRow:
    """Take the recording of a live capture, sealed, and enqueue its evaluation. Again with the same: no change.

    ``source`` is where the frames came from: what the camera says of itself, when they arrived. Raises as
    ``accept_media``, and VideoRefused.
    """
    media_type = media_type_of(video, unit.service.settings.max_upload_bytes)
    person, row = lock_session(unit, session_id)
    if not was_submitted(row, hashlib.sha256(video).hexdigest()):
        row.source = source
        accept_media(unit, person, row, video, media_type)
        delete_upload(unit.db, session_id)
    return row

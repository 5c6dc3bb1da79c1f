"""Store the sealed chunks of an upload until it is complete or its session expires."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from certify.domain.asked import LATE_FOR
from certify.storage.tables.sessions import (
    ChunkRow,
    SessionRow,
    UploadRow,
)
from certify.storage.vault import Sealer


def find_upload(db: Session, session_id: UUID) -> UploadRow | None:
    """Return the upload of a session, or None if none was started."""
    return db.scalars(select(UploadRow).where(UploadRow.session_id == session_id)).one_or_none()


def holds_chunk(db: Session, session_id: UUID, start: int, data: bytes) -> bool:
    """Return whether exactly this chunk is stored already."""
    known = db.execute(
        select(ChunkRow.size, ChunkRow.sha256).where(ChunkRow.session_id == session_id, ChunkRow.start == start)
    ).one_or_none()
    return known is not None and known.size == len(data) and known.sha256 == hashlib.sha256(data).hexdigest()


def put_chunk_bytes(db: Session, sealer: Sealer, upload: UploadRow, data: bytes) -> None:
    """Seal and store the next chunk, and count it as received."""
    db.add(
        ChunkRow(
            session_id=upload.session_id,
            start=upload.received,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            sealed=sealer.seal(data, _label(upload.session_id, upload.received)),
        )
    )
    upload.received += len(data)
    db.flush()


def read_upload(db: Session, sealer: Sealer, session_id: UUID) -> bytes:
    """Return the bytes of an upload, joined from its chunks.

    Raises:
        Unavailable: a chunk was altered or belongs to another person (``decryption_failed``).
    """
    driver = db.connection().connection.driver_connection
    if driver is None:
        raise ConnectionError("the connection is closed")
    # Binary and chunk by chunk: the usual way sends hexadecimal text, twice as long, and holds all chunks at once.
    query = "select start, sealed from upload_chunks where session_id = %s order by start"
    with driver.cursor(binary=True) as cursor:
        rows = cursor.execute(query, (session_id,))
        return b"".join(sealer.open(bytes(sealed), _label(session_id, start)) for start, sealed in rows)


def drop_bytes(db: Session, session_id: UUID) -> None:
    """Delete the bytes of the chunks after the whole is stored. Their hashes stay, to detect a repeated last chunk."""
    db.execute(update(ChunkRow).where(ChunkRow.session_id == session_id).values(sealed=None))


def delete_upload(db: Session, session_id: UUID) -> None:
    """Delete the upload of a session with all its chunks."""
    db.execute(delete(UploadRow).where(UploadRow.session_id == session_id))


def delete_uploads_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete all uploads of one person."""
    db.execute(delete(UploadRow).where(UploadRow.beneficiary_id == beneficiary_id))


def purge_uploads(db: Session, now: datetime) -> int:
    """Delete uploads whose session takes nothing any more, complete or not; return how many."""
    ended = or_(
        and_(SessionRow.submitted_at.is_not(None), SessionRow.expires_at <= now),
        SessionRow.created_at <= now - LATE_FOR,
    )
    over = select(SessionRow.id).where(SessionRow.id == UploadRow.session_id, ended)
    gone = delete(UploadRow).where(over.exists()).returning(UploadRow.session_id)
    return len(db.scalars(gone.execution_options(synchronize_session=False)).all())


def _label(session_id: UUID, start: int) -> str:
    return f"chunk:{session_id}:{start}"

"""Store images and videos, sealed, and delete them when their retention ends."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import SessionState
from certify.errors import Gone
from certify.storage.direct import fetch
from certify.storage.tables.people import ReferenceRow
from certify.storage.tables.sessions import BlobRow, SessionRow
from certify.storage.uploads import delete_upload, delete_uploads_of, purge_uploads
from certify.storage.vault import Sealer


@dataclass(frozen=True, slots=True)
class SealedMedia:
    """Media that were sealed for a person and are not stored yet. ``sha256`` and ``size`` are of the clear bytes."""

    blob_id: UUID
    beneficiary_id: UUID
    media_type: str
    sealed: bytes
    sha256: str
    size: int


def seal_media(sealer: Sealer, blob_id: UUID, data: bytes, media_type: str) -> SealedMedia:
    """Seal media. It takes 10 to 50 ms for a video, in which no connection to the database is needed.

    Args:
        sealer: seals with the person's data key.
        blob_id: id of the row to store them in; the sealed bytes are bound to it.
        data: the clear bytes.
        media_type: MIME type.
    """
    sealed, sha256 = sealer.seal(data, f"blob:{blob_id}"), hashlib.sha256(data).hexdigest()
    return SealedMedia(blob_id, sealer.beneficiary_id, media_type, sealed, sha256, len(data))


def store_media(db: Session, media: SealedMedia, delete_after: datetime | None) -> BlobRow:
    """Store sealed media until their retention ends; None keeps them as long as the person is enrolled."""
    row = BlobRow(
        id=media.blob_id,
        beneficiary_id=media.beneficiary_id,
        media_type=media.media_type,
        sealed=media.sealed,
        sha256=media.sha256,
        size=media.size,
        delete_after=delete_after,
    )
    db.add(row)
    return row


def put_media(
    db: Session,
    sealer: Sealer,
    *,
    blob_id: UUID,
    beneficiary_id: UUID,
    data: bytes,
    media_type: str,
    delete_after: datetime | None,
) -> BlobRow:
    """Seal media and store them.

    Args:
        db: the session of the transaction.
        sealer: seals with the person's data key.
        blob_id: id of the new row; the sealed bytes are bound to it.
        beneficiary_id: the person whom the media show.
        data: the clear bytes.
        media_type: MIME type.
        delete_after: end of the retention; None if none is set.
    """
    assert beneficiary_id == sealer.beneficiary_id  # noqa: S101 - a mistake of ours: the key would be another person's
    return store_media(db, seal_media(sealer, blob_id, data, media_type), delete_after)


def read_media(db: Session, sealer: Sealer, blob_id: UUID | None) -> bytes:
    """Return the clear bytes of media.

    Raises:
        Gone: the media were deleted when their retention ended (``media_deleted``).
        Unavailable: the bytes do not belong to this person (``decryption_failed``).
    """
    rows = fetch(db, b"select sealed from blobs where id = %(id)s", {"id": blob_id}, binary=True)
    if not rows:
        raise Gone("The media were deleted when their retention time ended.", code=ErrorCode.MEDIA_DELETED)
    return sealer.open(rows[0][0], f"blob:{blob_id}")


def purge_media(db: Session, now: datetime) -> int:
    """Delete media whose retention has ended, and stale uploads; return how many media were deleted."""
    purge_uploads(db, now)
    # A photo that waits for its decision stays, however long the queue is.
    waiting = select(SessionRow.blob_id).where(
        SessionRow.state == SessionState.SUBMITTED, SessionRow.blob_id.is_not(None)
    )
    due = select(BlobRow.id).where(BlobRow.delete_after <= now, BlobRow.id.not_in(waiting))
    gone = db.scalars(due).all()
    db.execute(update(SessionRow).where(SessionRow.blob_id.in_(gone)).values(blob_id=None))
    db.execute(delete(BlobRow).where(BlobRow.id.in_(gone)))
    return len(gone)


def delete_blob(db: Session, blob_id: UUID | None) -> None:
    """Delete media to which no row refers any more; without an id do nothing."""
    db.execute(delete(BlobRow).where(BlobRow.id == blob_id))


def delete_media(db: Session, row: SessionRow) -> None:
    """Delete the media of one session, and the record of its upload."""
    blob_id, row.blob_id = row.blob_id, None
    db.flush()
    delete_upload(db, row.id)
    db.execute(delete(BlobRow).where(BlobRow.id == blob_id))


def shorten_retention(db: Session, blob_id: UUID | None, until: datetime) -> None:
    """Keep media no longer than until an instant; a retention that ends earlier stays."""
    db.execute(update(BlobRow).where(BlobRow.id == blob_id, BlobRow.delete_after > until).values(delete_after=until))


def delete_media_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete all media of one person, also unfinished uploads."""
    delete_uploads_of(db, beneficiary_id)
    db.execute(update(SessionRow).where(SessionRow.beneficiary_id == beneficiary_id).values(blob_id=None))
    for reference in db.scalars(select(ReferenceRow).where(ReferenceRow.beneficiary_id == beneficiary_id)):
        reference.blob_id = None  # as an object, so that the row is sealed again
    db.flush()
    db.execute(delete(BlobRow).where(BlobRow.beneficiary_id == beneficiary_id))

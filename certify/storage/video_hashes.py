"""Store perceptual hashes of videos, and find sessions of any person whose video is similar."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from certify.storage.tables.sessions import VideoHashRow

_MAX_CANDIDATES = 50
"""Sessions that are compared in full. By chance there are none, and if one video was sent fifty times, each of the
sessions is enough to recognise it."""


def store_video_hash(db: Session, session_id: UUID, beneficiary_id: UUID, bands: Sequence[int], frames: bytes) -> None:
    """Store the hash of a session's video.

    Args:
        db: the session of the transaction.
        session_id: the capture session.
        beneficiary_id: the person of the capture session.
        bands: index values; similar videos share at least one.
        frames: the hashes of the frames, in the form of ``models.liveness.video_hash``.
    """
    db.add(VideoHashRow(session_id=session_id, beneficiary_id=beneficiary_id, bands=list(bands), frames=frames))


def similar_video_hashes(db: Session, session_id: UUID, bands: Sequence[int]) -> list[tuple[UUID, bytes]]:
    """Return other capture sessions whose videos share at least one band, with the hashes of their frames."""
    query = select(VideoHashRow.session_id, VideoHashRow.frames).where(
        VideoHashRow.bands.overlap(list(bands)), VideoHashRow.session_id != session_id
    )
    rows = db.execute(query.order_by(VideoHashRow.session_id).limit(_MAX_CANDIDATES))
    return [(other, frames) for other, frames in rows]


def delete_video_hashes_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the video hashes of all sessions of a person."""
    db.execute(delete(VideoHashRow).where(VideoHashRow.beneficiary_id == beneficiary_id))

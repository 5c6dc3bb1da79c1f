"""Queries for the perceptual hashes of videos, over all sessions of all people."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from certify.storage.tables.sessions import VideoHashRow

_MOST = 50
"""Sessions that are compared in full. Chance matches none. If one video was sent more often, any of them shows it."""


def store_video_hash(db: Session, session_id: UUID, beneficiary_id: UUID, bands: Sequence[int], frames: bytes) -> None:
    """Store the hash of a session's video."""
    db.add(VideoHashRow(session_id=session_id, beneficiary_id=beneficiary_id, bands=list(bands), frames=frames))


def similar_video_hashes(db: Session, session_id: UUID, bands: Sequence[int]) -> list[tuple[UUID, bytes]]:
    """Return the other sessions that share at least one band, each with its video's hash; the index answers."""
    query = select(VideoHashRow.session_id, VideoHashRow.frames).where(
        VideoHashRow.bands.overlap(list(bands)), VideoHashRow.session_id != session_id
    )
    return [(other, frames) for other, frames in db.execute(query.order_by(VideoHashRow.session_id).limit(_MOST))]


def delete_video_hashes_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete the hashes of the videos of a person's sessions."""
    db.execute(delete(VideoHashRow).where(VideoHashRow.beneficiary_id == beneficiary_id))

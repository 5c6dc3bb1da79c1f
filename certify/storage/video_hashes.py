"""Fingerprints of videos, over all sessions of all people."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from certify.storage.tables.sessions import PrintRow

_MOST = 50
"""Sessions that are compared in full. Chance brings none; the same video sent fifty times is known by any of them."""


def put_prints(db: Session, session_id: UUID, beneficiary_id: UUID, bands: Sequence[int], frames: bytes) -> None:
    """Keep the prints of a session."""
    db.add(PrintRow(session_id=session_id, beneficiary_id=beneficiary_id, bands=list(bands), frames=frames))


def similar_prints(db: Session, session_id: UUID, bands: Sequence[int]) -> list[tuple[UUID, bytes]]:
    """Return other sessions that share at least one band, with their prints; the index answers."""
    query = select(PrintRow.session_id, PrintRow.frames).where(
        PrintRow.bands.overlap(list(bands)), PrintRow.session_id != session_id
    )
    return [(found, frames) for found, frames in db.execute(query.order_by(PrintRow.session_id).limit(_MOST))]


def delete_prints_of(db: Session, beneficiary_id: UUID) -> None:
    """Forget the prints of a person's sessions."""
    db.execute(delete(PrintRow).where(PrintRow.beneficiary_id == beneficiary_id))

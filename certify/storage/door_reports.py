"""Store and list the reports of people at whose door somebody stood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.storage.tables.doorstep import DoorReportRow


def put_door_report(db: Session, row: DoorReportRow) -> None:
    """Store a report."""
    db.add(row)
    db.flush()


def door_reports_since(db: Session, since: datetime, *, limit: int) -> Sequence[DoorReportRow]:
    """Return the reports that were made since an instant, newest first.

    Args:
        db: the session of the transaction.
        since: reports made before it are not found.
        limit: how many to return at most.
    """
    query = select(DoorReportRow).where(DoorReportRow.made_at >= since).order_by(DoorReportRow.made_at.desc())
    return db.scalars(query.limit(limit)).all()

"""Count attempts by mark, for all processes together, in a table without a log.

Each attempt fades with a time constant of an hour, so the level of a mark is about the number of its attempts in the
last hour. No history is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from certify.storage.direct import fetch, run
from certify.storage.tables.door import DoorMarkRow

# Always in the order of the marks: two requests that count the same ones must not wait for each other in a circle.
_MAKE = b"""
    insert into door_marks (mark, level, at)
    select mark, 0, %(now)s from unnest(%(marks)s::bytea[]) as m (mark) order by mark on conflict do nothing
"""
_LOCK = b"select mark, level, at from door_marks where mark = any(%(marks)s) order by mark for update"
_COUNT = b"""
    insert into door_marks as d (mark, level, at)
    select mark, 1, %(now)s from unnest(%(marks)s::bytea[]) as m (mark) order by mark
    on conflict (mark) do update set
        level = d.level * exp(-greatest(extract(epoch from excluded.at - d.at), 0) / 3600.0) + 1,
        at = greatest(d.at, excluded.at)
    returning mark, level
"""
_FORGIVE = b"update door_marks set level = greatest(level - 1, 0) where mark = any(%(marks)s)"


def lock_marks(db: Session, marks: Sequence[bytes], now: datetime) -> dict[bytes, tuple[float, datetime]]:
    """Lock marks until the transaction ends, and return their levels and the instants of their last attempts.

    Args:
        db: the session of the transaction.
        marks: keyed hashes.
        now: the present instant; a mark that is new gets it, with the level 0.
    """
    run(db, _MAKE, {"marks": list(marks), "now": now})
    return {mark: (level, at) for mark, level, at in fetch(db, _LOCK, {"marks": list(marks)})}


def count_marks(db: Session, marks: Collection[bytes], now: datetime) -> dict[bytes, float]:
    """Count one attempt for each mark, and return the new levels.

    Args:
        db: the session of the transaction.
        marks: keyed hashes, each once.
        now: the instant of the attempt.
    """
    return dict(fetch(db, _COUNT, {"marks": list(marks), "now": now}))


def forgive_marks(db: Session, marks: Collection[bytes]) -> None:
    """Take back one attempt of each mark, because it succeeded."""
    run(db, _FORGIVE, {"marks": sorted(marks)})


def purge_marks(db: Session, before: datetime) -> None:
    """Delete the marks without an attempt since an instant."""
    db.execute(delete(DoorMarkRow).where(DoorMarkRow.at < before))

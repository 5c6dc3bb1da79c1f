"""Status of feeds: their last files, whether they are fresh, and waiting files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from certify.domain.states import RunState
from certify.registry.runs.importing import feed_of, shape_of
from certify.service import Unit
from certify.storage.runs import feed_names, list_runs


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The status of one feed.

    Attributes:
        feed: name of the feed.
        source: name of its source.
        kind: its kind.
        files: number of files.
        last_file: when the last file was imported.
        records: number of records of the last file.
        latest_event: day of the latest event.
        fresh: whether the latest event is not older than the description allows.
        waiting: number of files that wait to be carried out.
        held: number of files that wait for an officer.
    """

    feed: str
    source: str
    kind: str
    files: int
    last_file: datetime
    records: int
    latest_event: date | None
    fresh: bool
    waiting: int
    held: int


def feed_status(unit: Unit) -> Sequence[FeedStatus]:
    """Return the status of all feeds that have sent a file, by name."""
    status = []
    for name in feed_names(unit.db):
        rows = [row for row in list_runs(unit.db, feed=name, limit=1000) if row.state != RunState.REFUSED]
        if not rows:
            continue
        last, feed = rows[0], feed_of(rows[0])
        latest = max((day for row in rows if (day := shape_of(row.shape).latest) is not None), default=None)
        status.append(
            FeedStatus(
                feed=name,
                source=last.source,
                kind=last.kind,
                files=len(rows),
                last_file=last.started_at,
                records=last.shape["rows"],
                latest_event=latest,
                fresh=latest is not None and (unit.now.date() - latest).days <= feed.fresh_days,
                waiting=sum(row.state in (RunState.READY, RunState.LINKED) for row in rows),
                held=sum(row.state == RunState.HELD for row in rows),
            )
        )
    return status

"""Status of feeds: their last files, whether they are fresh, and waiting files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

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
        interrupted: ids of runs that stopped while they were applied, the oldest first.
        next_step: what to do, in a sentence with the command; empty if there is nothing to do.
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
    interrupted: tuple[UUID, ...] = ()
    next_step: str = ""


def feed_status(unit: Unit) -> Sequence[FeedStatus]:
    """Return the status of all feeds that have sent a file, by name."""
    status = []
    for name in feed_names(unit.db):
        rows = [row for row in list_runs(unit.db, feed=name, limit=1000) if row.state != RunState.REFUSED]
        if not rows:
            continue
        last, feed = rows[0], feed_of(rows[0])
        held = [row.id for row in rows if row.state == RunState.HELD]
        interrupted = [row.id for row in reversed(rows) if row.state == RunState.LINKED]
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
                held=len(held),
                interrupted=tuple(interrupted),
                next_step=_next_step(interrupted, held),
            )
        )
    return status


def _next_step(interrupted: Sequence[UUID], held: Sequence[UUID]) -> str:
    if interrupted:
        return (
            f"A run was interrupted while it was applied: 'certify run continue {interrupted[0]}' or the next "
            "'certify feed run' finishes it. What is done is not repeated."
        )
    if held:
        return f"A file waits for an officer: look at it with 'certify run show {held[-1]}'."
    return ""

"""Import of a feed's file: it is read, checked, compared with earlier files, and stored for a later run.

The import changes no standing. A file that differs too much from earlier ones is *held* until an officer accepts it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import RunState
from certify.errors import Conflict, Invalid
from certify.registry.feeds.checking import RECORDS, absent_columns, bad_by_reason, check_records
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.feeds.quarantine import require_writable, write_quarantine
from certify.registry.feeds.reading import hash_file, read_feed
from certify.registry.feeds.shape import Shape, departures
from certify.registry.feeds.source import require_feed_source
from certify.registry.runs.endings import departures_of, find_endings, find_voids, may_end
from certify.registry.runs.staging import Staging
from certify.registry.workspace import open_workspace
from certify.service import Service, Unit
from certify.storage.feed_lock import feed_locked
from certify.storage.runs import find_run, get_run, is_overtaken, list_runs
from certify.storage.tables.runs import RunRow

_BATCH = 1_000_000
_HISTORY = 24
"""Number of earlier files that a file is compared with."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import.

    Attributes:
        run_id: the run of the file.
        state: state of that run.
        new: False if the same file was imported before; then nothing was done.
        shape: counts of the file.
        departures: how the file differs from earlier ones.
        reasons: number of bad rows by code.
        quarantine: file with the bad rows; None if there are none.
        absent: described columns that no row has.
    """

    run_id: UUID
    state: str
    new: bool
    shape: Shape
    departures: Sequence[dict[str, str]]
    reasons: dict[str, int]
    quarantine: Path | None
    absent: Sequence[str] = ()


def import_file(
    service: Service, feed: Feed, path: Path | None, *, quarantine: Path, actor: str = "service"
) -> Imported:
    """Read a feed's file and store its usable records for a run.

    Args:
        service: the service.
        feed: the description.
        path: the file; None for SQL feeds.
        quarantine: where bad rows are written.
        actor: who imports it, for the ledger.

    Returns:
        The result.

    Raises:
        Invalid: the source of the feed is not listed (``source_unknown``), the feed reports more than the source may
            (``source_limits``), the file cannot be read as described (``feed_file``), or it lacks described columns
            (``feed_columns``).
        NotAllowed: the feed does not speak for its source (``source_not_yours``).
        Conflict: somebody else imports or carries out a file of this feed (``feed_busy``), or ``quarantine`` is a file
            of another kind (``quarantine_file``).
    """
    require_feed_source(service.sources, feed)
    require_writable(quarantine)
    with feed_locked(service.database, feed.name):
        return _import(service, feed, path, quarantine, actor)


def _import(service: Service, feed: Feed, path: Path | None, quarantine: Path, actor: str) -> Imported:
    now = service.clock()
    # A file is recognised by its hash before it is read; the answer of a query must be read first.
    sha256 = None if path is None else hash_file(path)
    if sha256 is not None and (known := _known_run(service, feed, sha256)) is not None:
        return known
    with open_workspace() as database:
        read = read_feed(feed, path, database, sha256=sha256)
        if sha256 is None and (known := _known_run(service, feed, read.sha256)) is not None:
            return known
        with service.reading() as unit:
            rows = list_runs(unit.db, feed=feed.name, limit=_HISTORY)
        before = [shape_of(row.shape) for row in rows if row.state != RunState.REFUSED]
        shape = check_records(feed, database, today=now.date())
        with service.unit() as unit:
            endings = find_endings(unit, feed, database, RECORDS)
            voids = find_voids(unit, feed, database, RECORDS)
        count = write_quarantine(database, quarantine)
        reasons = {code: number for code, _, number in bad_by_reason(database)}
        unusual = departures(shape, before, feed.limits, fresh_days=feed.fresh_days, today=now.date())
        unusual += departures_of(feed, endings, voids)
        absent = absent_columns(feed, database)
        run_id, key = service.new_id(), secrets.token_bytes(32)
        staging = Staging(staging_folder(service, run_id), key)
        reader = database.sql(f"select * from {RECORDS} order by row").to_arrow_reader(_BATCH)
        for number, batch in enumerate(reader):
            staging.write(f"records-{number:05d}", pa.Table.from_batches([batch]))
        if shape.rows == 0:
            staging.write("records-00000", database.sql(f"select * from {RECORDS}").to_arrow_table())
        if may_end(feed):
            staging.write("spared", pa.table({"number": pa.array(endings.spared, pa.string())}))
    with service.unit(actor) as unit:
        row = RunRow(
            id=run_id,
            feed=feed.name,
            source=feed.source,
            kind=feed.kind.value,
            state=RunState.HELD if unusual else RunState.READY,
            sha256=read.sha256,
            description=feed.model_dump(mode="json"),
            shape=asdict(shape) | {"latest": shape.latest.isoformat() if shape.latest else None},
            departures=[asdict(entry) for entry in unusual],
            staging_key=service.vault.seal_secret(f"run:{run_id}", key),
            counts={"quarantined": count, "reasons": reasons},
            started_at=now,
        )
        unit.db.add(row)
        unit.ledger(
            LedgerEvent.FEED_IMPORTED, None, run=str(run_id), feed=feed.name, sha256=read.sha256, state=row.state
        )
    return Imported(run_id, row.state, True, shape, row.departures, reasons, quarantine if count else None, absent)


def _known_run(service: Service, feed: Feed, sha256: str) -> Imported | None:
    with service.reading() as unit:
        known = find_run(unit.db, feed.name, sha256, again=may_end(feed))
    if known is None:
        return None
    return Imported(known.id, known.state, False, shape_of(known.shape), known.departures, {}, None)


def decide_held(unit: Unit, run_id: UUID, *, officer: str, accept: bool) -> RunRow:
    """Accept a held file, or refuse it permanently.

    Args:
        unit: the transaction.
        run_id: id of the run.
        officer: who decides.
        accept: whether the run may go on.

    Returns:
        The run.

    Raises:
        NotFound: there is no such run (``run_not_found``).
        Conflict: the file is not held (``run_not_held``), or a newer complete register was applied since
            (``run_overtaken``).
    """
    row = get_run(unit.db, run_id, lock=True)
    if row.state != RunState.HELD and not (row.state == RunState.READY and not accept):
        raise Conflict(f"This file is not held; it is {row.state}.", code=ErrorCode.RUN_NOT_HELD)
    if accept and may_end(feed_of(row)) and is_overtaken(unit.db, row):
        raise Conflict(
            "A newer file of this complete register was applied since; this one would undo it.",
            hint="Refuse this file.",
            code=ErrorCode.RUN_OVERTAKEN,
        )
    row.state, row.decided_by = RunState.READY if accept else RunState.REFUSED, officer
    if not accept:
        row.ended_at, row.staging_key = unit.now, None
        Staging(staging_folder(unit.service, run_id), b"").remove()
    unit.ledger(
        LedgerEvent.FEED_ACCEPTED if accept else LedgerEvent.FEED_REFUSED, None, run=str(run_id), officer=officer
    )
    return row


def staging_folder(service: Service, run_id: UUID) -> Path:
    """Return the folder of the working files of a run."""
    return Path(service.settings.data_dir) / "runs" / str(run_id)


def open_staging(service: Service, row: RunRow) -> Staging:
    """Open the working files of a run.

    Args:
        service: the service.
        row: the run.

    Returns:
        The working files.

    Raises:
        Invalid: the run has ended, and its working files are deleted (``run_ended``).
    """
    if row.staging_key is None:
        raise Invalid(f"This run is {row.state}; its working files are gone.", code=ErrorCode.RUN_ENDED)
    key = service.vault.open_secret(f"run:{row.id}", row.staging_key)
    return Staging(staging_folder(service, row.id), key)


def feed_of(row: RunRow) -> Feed:
    """Return the description of the feed at the time of the import."""
    return parse_feed(row.description, row.feed)


def shape_of(stored: dict[str, Any]) -> Shape:
    """Return the shape that ``import_file`` stored."""
    latest = stored["latest"]
    return Shape(**{**stored, "latest": date.fromisoformat(latest) if latest else None})

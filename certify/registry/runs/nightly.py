"""The nightly job: files in the inboxes of feeds are imported and carried out, feed by feed.

feeds/deaths.toml            the description; its name is also the name of the folder
feeds/deaths/inbox/          files from the registry, processed in the order of the dates and numbers in their names
feeds/deaths/done/           files that were imported; a file that is held or unreadable stays and is reported
feeds/deaths/quarantine/     rows that could not be used
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from certify.domain.states import RunState
from certify.errors import CertifyError
from certify.registry.feeds.description import Feed, load_feed
from certify.registry.feeds.file_layout import Format
from certify.registry.runs.carry_out import Machine, Progress, carry_out
from certify.registry.runs.importing import Imported, import_file
from certify.registry.runs.inbox import free_name, waiting_files
from certify.service import Service
from certify.storage.runs import unfinished_runs

log = logging.getLogger("certify.registry")


@dataclass(frozen=True, slots=True)
class Night:
    """The result of one night.

    Attributes:
        files: number of new files.
        runs: number of runs that were carried out.
        held: number of files that an officer must look at.
        troubles: sentences for the operator, without personal data.
        waiting: of each held file, the feed, the run and why it is held.
    """

    files: int
    runs: int
    held: int
    troubles: tuple[str, ...]
    waiting: tuple[dict[str, object], ...] = ()


def nightly(
    service: Service,
    folder: Path,
    *,
    machine: Machine | None = None,
    progress: Progress = lambda _what, _done, _all: None,
) -> Night:
    """Import and carry out all waiting files of a folder of feeds.

    A failure of one feed does not stop the others, and a file that cannot be read does not stop the files after it. The
    call can be repeated.

    Args:
        service: the service.
        folder: the folder with descriptions and inboxes.
        machine: the resources of a run.
        progress: is told of each step of a run.

    Returns:
        The result.

    Raises:
        OperationalError: the database does not answer any more.
    """
    files = runs = 0
    troubles: list[str] = []
    held: list[dict[str, object]] = []

    def attempt(name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except CertifyError as error:
            log.warning("a feed was not carried out", extra={"feed": name, "code": error.code})
            troubles.append(f"{name}: {error.message}")
        except Exception:
            service.database.ping()  # without a database, every other feed would fail as well: stop and say so
            log.exception("a feed failed; the others continue", extra={"feed": name})
            troubles.append(f"{name}: failed unexpectedly; the log has the details")

    def take(feed: Feed, inbox: Path, path: Path | None) -> None:
        nonlocal files
        imported = _import(service, feed, inbox, path)
        files += imported.new
        if imported.state == RunState.HELD:
            held.append({"feed": feed.name, "run": str(imported.run_id), "departures": list(imported.departures)})

    def one_feed(description: Path) -> None:
        nonlocal runs
        feed, inbox = load_feed(description), folder / description.stem
        sql = feed.file.format is Format.SQL
        for path in [None] if sql else waiting_files(inbox / "inbox", feed.dates):
            name = description.stem if path is None else f"{description.stem}, {path.name}"
            attempt(name, partial(take, feed, inbox, path))
        with service.reading() as unit:
            waiting = [row.id for row in unfinished_runs(unit.db, feed.name)]
        for run_id in waiting:
            row = carry_out(service, run_id, machine=machine, progress=progress)
            runs += row.state == RunState.DONE
            if row.state == RunState.HELD:
                held.append({"feed": feed.name, "run": str(run_id), "departures": row.departures})

    for description in sorted(folder.glob("*.toml")):
        attempt(description.stem, partial(one_feed, description))
    return Night(files, runs, len(held), tuple(troubles), tuple(held))


def _import(service: Service, feed: Feed, folder: Path, path: Path | None) -> Imported:
    (folder / "quarantine").mkdir(parents=True, exist_ok=True, mode=0o700)
    name = path.name if path is not None else f"{service.clock():%Y-%m-%d}"
    imported = import_file(service, feed, path, quarantine=free_name(folder / "quarantine" / f"{name}.csv"))
    if path is not None and imported.state != RunState.HELD:
        (folder / "done").mkdir(exist_ok=True, mode=0o700)
        path.replace(free_name(folder / "done" / path.name))
    return imported

"""The nightly job: files in the inboxes of feeds are imported and carried out, feed by feed.

feeds/deaths.toml            the description; its name is also the name of the folder
feeds/deaths/inbox/          files from the registry, processed in the order of their names
feeds/deaths/done/           files that were imported; a file that is held or unreadable stays and is reported
feeds/deaths/quarantine/     rows that could not be used
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from certify.domain.states import RunState
from certify.errors import CertifyError
from certify.registry.feeds.description import Feed, Format, load_feed
from certify.registry.runs.carry_out import Machine, Progress, carry_out
from certify.registry.runs.importing import import_file
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
    """

    files: int
    runs: int
    held: int
    troubles: tuple[str, ...]


def nightly(
    service: Service,
    folder: Path,
    *,
    machine: Machine | None = None,
    progress: Progress = lambda _what, _done, _all: None,
) -> Night:
    """Import and carry out all waiting files of a folder of feeds.

    A failure of one feed does not stop the others. The call can be repeated.

    Args:
        service: the service.
        folder: the folder with descriptions and inboxes.
        machine: the resources of a run.
        progress: is told of each step of a run.

    Returns:
        The result.
    """
    files = runs = held = 0
    troubles: list[str] = []
    for description in sorted(folder.glob("*.toml")):
        try:
            feed = load_feed(description)
            for path in _waiting(feed, folder / description.stem):
                new, state = _import(service, feed, folder / description.stem, path)
                files += new
                held += state == RunState.HELD
            with service.reading() as unit:
                waiting = [row.id for row in unfinished_runs(unit.db, feed.name)]
            for run_id in waiting:
                carry_out(service, run_id, machine=machine, progress=progress)
                runs += 1
        except CertifyError as error:
            log.warning("a feed was not carried out", extra={"feed": description.stem, "code": error.code})
            troubles.append(f"{description.stem}: {error.message}")
        except Exception:
            log.exception("a feed failed; the others continue", extra={"feed": description.stem})
            troubles.append(f"{description.stem}: failed unexpectedly; the log has the details")
    return Night(files, runs, held, tuple(troubles))


def _waiting(feed: Feed, folder: Path) -> Iterator[Path | None]:
    if feed.file.format is Format.SQL:
        yield None
        return
    inbox = folder / "inbox"
    # A file that is still being written has a hidden or temporary name, as file transfers make it.
    for path in sorted(inbox.glob("*")) if inbox.is_dir() else ():
        if path.is_file() and not path.name.startswith(".") and path.suffix not in (".part", ".tmp"):
            yield path


def _import(service: Service, feed: Feed, folder: Path, path: Path | None) -> tuple[int, str]:
    (folder / "quarantine").mkdir(parents=True, exist_ok=True, mode=0o700)
    name = path.name if path is not None else f"{service.clock():%Y-%m-%d}"
    imported = import_file(service, feed, path, quarantine=folder / "quarantine" / f"{name}.csv")
    if path is not None and imported.state != RunState.HELD:
        (folder / "done").mkdir(exist_ok=True, mode=0o700)
        path.replace(folder / "done" / path.name)
    return int(imported.new), imported.state

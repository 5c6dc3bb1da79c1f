"""Every night: whatever registries have put into the inboxes is taken in and carried out, feed by feed.

feeds/deaths.toml            the description; the file's name is its own
feeds/deaths/inbox/          where the registry's files arrive, in the order of their names
feeds/deaths/done/           where they go; a file that is held or cannot be read stays and is told of
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
    """What one night did. ``troubles`` are sentences for whoever looks in the morning; they name nobody."""

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
    """Take in and carry out what waits in a folder of feeds. One feed's trouble holds up no other. Safe to repeat."""
    files = runs = held = 0
    troubles: list[str] = []
    for description in sorted(folder.glob("*.toml")):
        try:
            feed = load_feed(description)
            for path in _waiting(feed, folder / description.stem):
                taken, state = _take_in(service, feed, folder / description.stem, path)
                files += taken
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
            log.exception("a feed failed; the others go on", extra={"feed": description.stem})
            troubles.append(f"{description.stem}: failed unexpectedly; the log has the details")
    return Night(files, runs, held, tuple(troubles))


def _waiting(feed: Feed, folder: Path) -> Iterator[Path | None]:
    if feed.file.format is Format.SQL:
        yield None
        return
    inbox = folder / "inbox"
    # What is still being written has a hidden or temporary name, as file transfers do.
    for path in sorted(inbox.glob("*")) if inbox.is_dir() else ():
        if path.is_file() and not path.name.startswith(".") and path.suffix not in (".part", ".tmp"):
            yield path


def _take_in(service: Service, feed: Feed, folder: Path, path: Path | None) -> tuple[int, str]:
    (folder / "quarantine").mkdir(parents=True, exist_ok=True, mode=0o700)
    name = path.name if path is not None else f"{service.clock():%Y-%m-%d}"
    found = import_file(service, feed, path, quarantine=folder / "quarantine" / f"{name}.csv")
    if path is not None and found.state != RunState.HELD:
        (folder / "done").mkdir(exist_ok=True, mode=0o700)
        path.replace(folder / "done" / path.name)
    return int(found.new), found.state

"""``certify feed``: what registries send, from a first look at a file to what follows from it for people."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Column, Table

from certify.cli.output import AsJson, ExitCode, console, errors, opened_service, operator, print_json, progress_bar
from certify.cli.running import EngineName, Memory, Workers, carry_out_here, show_run
from certify.errors import Invalid
from certify.service import Service, utc_now

app = typer.Typer(help="Take in what registries send.", no_args_is_help=True)

Description = Annotated[Path, typer.Argument(help="TOML file that describes the feed; see docs/feeds.md.")]
Quarantine = Annotated[
    Path | None, typer.Option(help="Where bad rows go with their reasons; default: beside the file.")
]


@app.callback()
def _group() -> None:
    """Take in what registries send."""


@app.command("check")
def check(
    description: Description,
    file: Annotated[Path | None, typer.Argument(help="The feed's file; none for SQL feeds.")] = None,
    earlier: Annotated[
        list[Path] | None, typer.Option(help="An earlier file of the same feed, to compare with; may be repeated.")
    ] = None,
    quarantine: Quarantine = None,
    today: Annotated[str | None, typer.Option(help="Date to check against, YYYY-MM-DD; default: today.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a feed's file as its description says, and tell what could be used; nothing is imported.

    Bad rows go to a quarantine file with their number and the reason. Exit code 1 when the file departs so much from
    what is usual (rows, dates, share of bad rows) that an import would wait for an officer; 3 when it cannot be read.
    """
    from certify.registry.feeds.checking import bad_by_reason, check_records, first_records, write_quarantine  # noqa: PLC0415
    from certify.registry.feeds.description import load_feed  # noqa: PLC0415
    from certify.registry.feeds.reading import read_feed  # noqa: PLC0415
    from certify.registry.feeds.shape import departures  # noqa: PLC0415
    from certify.registry.workspace import open_workspace  # noqa: PLC0415

    feed = load_feed(description)
    day = date.fromisoformat(today) if today else utc_now().date()
    shapes = []
    with open_workspace() as database:
        for path in earlier or []:
            read_feed(feed, path, database)
            shapes.append(check_records(feed, database, today=day))
        read = read_feed(feed, file, database)
        shape = check_records(feed, database, today=day)
        target = quarantine or Path(f"{file or feed.name}.quarantine.csv")
        count = write_quarantine(database, target)
        reasons, preview = bad_by_reason(database), first_records(database)
    found = departures(shape, shapes, feed.limits, fresh_days=feed.fresh_days, today=day)
    report: dict[str, Any] = {
        "feed": feed.name,
        "sha256": read.sha256,
        **asdict(shape),
        "reasons": {code: number for code, _, number in reasons},
        "quarantine": target if count else None,
        "departures": [asdict(entry) for entry in found],
    }
    if as_json:
        print_json(report)
    else:
        _show(feed.name, report, reasons, preview)
    if found:
        raise typer.Exit(ExitCode.NO)


@app.command("import")
def import_(
    description: Description,
    file: Annotated[Path | None, typer.Argument(help="The feed's file; none for SQL feeds.")] = None,
    quarantine: Quarantine = None,
    as_json: AsJson = False,
) -> None:
    """Take a feed's file in and put it by for 'certify feed run'; nobody is touched yet.

    Bad rows go to a quarantine file with their number and the reason. A file that departs from its history is held
    until an officer lets it go on ('certify run accept') or refuses it. The same file again changes nothing. Exit code
    0 when it can be run, 1 when it is held, 3 when it cannot be read.
    """
    with opened_service() as service:
        _, report = _take_in(service, description, file, quarantine)
    _tell_import(report, as_json=as_json)
    if report["state"] == "held":
        raise typer.Exit(ExitCode.NO)


@app.command("run")
def run(
    description: Description,
    file: Annotated[
        Path | None, typer.Argument(help="A file to take in first; none: what was imported before.")
    ] = None,
    quarantine: Quarantine = None,
    engine: EngineName = "duckdb",
    memory: Memory = "4GB",
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Compare a feed with all people, and let what follows from it happen: silent passes, pauses, what is taken back.

    Files go in the order in which they came. A run that was interrupted, by Ctrl-C or kill -9, goes on where it was and
    does nothing twice. Exit code 0 when done, 1 when a file is held, 3 when a file cannot be read.
    """
    from certify.registry.feeds.description import Format, load_feed  # noqa: PLC0415 - pydantic models are slow to build
    from certify.storage.runs import unfinished_runs  # noqa: PLC0415

    held = None
    reports = []
    with opened_service() as service:
        feed = load_feed(description)
        if file is not None or feed.file.format is Format.SQL:
            _, report = _take_in(service, description, file, quarantine)
            if not as_json:
                _tell_import(report, as_json=False)
            held = report["state"] == "held"
        with service.reading() as unit:
            waiting = [row.id for row in unfinished_runs(unit.db, feed.name)]
        for run_id in waiting:
            row = carry_out_here(service, run_id, engine=engine, memory=memory, workers=workers)
            reports.append(show_run(row, as_json=as_json))
    if as_json:
        print_json(reports)
    elif not waiting and not held:
        console.print("Nothing is waiting: this file was carried out before." if file else "Nothing is waiting.")
    if held:
        raise typer.Exit(ExitCode.NO)


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Show every feed: its last file, how fresh it is, and what waits or is held."""
    from certify.registry.runs.status import feed_status  # noqa: PLC0415 - loads DuckDB

    with opened_service() as service, service.reading() as unit:
        found = feed_status(unit)
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    table = Table(Column("feed", no_wrap=True), "files", "last file (UTC)", "records", "latest event", "state")
    for entry in found:
        states = ["[green]fresh[/]" if entry.fresh else "[bold red]stale[/]"]
        states += [f"{entry.waiting} waiting"] if entry.waiting else []
        states += [f"[bold red]{entry.held} held[/]"] if entry.held else []
        table.add_row(
            entry.feed,
            f"{entry.files:,}",
            f"{entry.last_file:%Y-%m-%d}",
            f"{entry.records:,}",
            str(entry.latest_event or "unknown"),
            ", ".join(states),
        )
    console.print(table if found else "No feed has sent a file yet.")


@app.command("nightly")
def nightly(as_json: AsJson = False) -> None:
    """Take in and carry out what waits in the inboxes of CERTIFY_FEEDS_DIR, as the registry worker does every night.

    Exit code 1 when a file is held or a feed has trouble.
    """
    from certify.registry.runs.nightly import nightly as one_night  # noqa: PLC0415 - loads DuckDB

    with opened_service() as service, progress_bar() as progress:
        folder = service.settings.feeds_dir
        if folder is None or not folder.is_dir():
            raise Invalid("There is no folder of feeds.", hint="Name it in CERTIFY_FEEDS_DIR.", code="feeds_dir")
        bar = progress.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total or None)

        night = one_night(service, folder, progress=show)
    if as_json:
        print_json(asdict(night))
    else:
        console.print(f"{night.files:,} files taken in, {night.runs:,} runs carried out, {night.held:,} held.")
        for line in night.troubles:
            console.print(f"[bold red]✗[/] {line}", highlight=False, soft_wrap=True)
    if night.held or night.troubles:
        raise typer.Exit(ExitCode.NO)


@app.command("corrections")
def corrections(
    source: Annotated[str, typer.Argument(help="The registry, as evidence names it.")],
    out: Annotated[Path | None, typer.Option(help="Write CSV here instead of showing a table.")] = None,
    as_json: AsJson = False,
) -> None:
    """List records that a registry should correct: "wrongly dead" people seen alive, and records that mean others.

    The list holds the registry's own record numbers and names nobody, so it can be sent back as it is.
    """
    from certify.storage.corrections import Correction, corrections_for  # noqa: PLC0415

    with opened_service() as service, service.reading() as unit:
        found = list(corrections_for(unit.db, source))
    names = [entry.name for entry in fields(Correction)]
    if out is not None:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([getattr(entry, name) for name in names] for entry in found)
    if as_json:
        print_json([asdict(entry) for entry in found])
    elif out is not None:
        console.print(f"{len(found):,} corrections for {source}: {out}", soft_wrap=True)
    else:
        table = Table(*names)
        for entry in found:
            table.add_row(*(str(getattr(entry, name)) for name in names))
        console.print(table if found else f"Nothing of {source} was found to be wrong.")


def _take_in(
    service: Service, description: Path, file: Path | None, quarantine: Path | None
) -> tuple[UUID, dict[str, Any]]:
    from certify.registry.feeds.description import load_feed  # noqa: PLC0415 - pydantic models are slow to build
    from certify.registry.runs.importing import import_file  # noqa: PLC0415 - loads DuckDB

    feed = load_feed(description)
    if file is not None and not file.is_file():
        raise Invalid(f"There is no file {file}.", code="feed_file")
    target = quarantine or Path(f"{file or feed.name}.quarantine.csv")
    with errors.status(f"reading {file or feed.name}"):
        found = import_file(service, feed, file, quarantine=target, actor=operator())
    return found.run_id, {
        "run": found.run_id,
        "feed": feed.name,
        "state": found.state,
        "new": found.new,
        **asdict(found.shape),
        "reasons": found.reasons,
        "quarantine": found.quarantine,
        "departures": found.departures,
    }


def _tell_import(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    if not report["new"]:
        console.print(f"This file was imported before, as run {report['run']} ({report['state']}).", soft_wrap=True)
        return
    console.print(f"Run {report['run']}: {report['rows']:,} records of {report['feed']} put by.", soft_wrap=True)
    if report["quarantine"]:
        console.print(f"{report['bad']:,} rows cannot be used: {report['quarantine']}", soft_wrap=True)
    for entry in report["departures"]:
        console.print(f"[bold red]✗[/] {entry['code']}: {entry['reason']}", highlight=False)
    if report["state"] == "held":
        console.print(
            f"The file is held: it departs from what is usual. Look at it; then 'certify run accept {report['run']}' "
            "lets it go on, and 'certify run refuse' does not.",
            soft_wrap=True,
        )


def _show(name: str, report: dict[str, Any], reasons: list[Any], preview: list[Any]) -> None:
    console.print(
        f"{name}: {report['rows']:,} records can be used, {report['bad']:,} rows cannot; "
        f"latest event {report['latest'] or 'unknown'}."
    )
    if preview:
        table = Table("row", "record", "operation", "event", "id", "born", title="The first records, as understood")
        for row in preview:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        console.print(table)
    if reasons:
        table = Table("rows", "code", "reason", title="Quarantined")
        for code, reason, number in reasons:
            table.add_row(f"{number:,}", code, reason)
        console.print(table)
        console.print(f"Quarantined rows: {report['quarantine']}", soft_wrap=True)
    for entry in report["departures"]:
        console.print(f"[bold red]✗[/] {entry['code']}: {entry['reason']}", highlight=False)
    if not report["departures"]:
        console.print("Nothing departs from what is usual.")

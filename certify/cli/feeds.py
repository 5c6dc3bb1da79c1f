"""``certify feed``: check, import and run the files that registries send."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.feed_reports import import_feed_file, show_check, tell_import
from certify.cli.options import (
    AsJson,
    EngineName,
    Memory,
    Quarantine,
    Workers,
    command_group,
    day_option,
    output_file,
)
from certify.cli.output import Ink, print_json, progress_bar, say
from certify.cli.running import carry_out_here, run_as_json, show_run
from certify.cli.service import opened_service
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.domain.states import RunState
from certify.errors import Invalid

app = command_group("Check, import and run the files that registries send.")

Description = Annotated[Path, typer.Argument(help="TOML file that describes the feed; see docs/feeds.md.")]
FeedFile = Annotated[Path | None, typer.Argument(help="File of the feed; leave it out for a feed that is read by SQL.")]


@app.command("check")
def check(
    description: Description,
    file: FeedFile = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(help="Earlier file of the same feed to compare with; may be given several times."),
    ] = None,
    quarantine: Quarantine = None,
    today: Annotated[datetime | None, day_option("Day that counts as today. Default: today.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a feed file as its description says, and report what can be used. Nothing is imported.

    Rows that cannot be used go to a quarantine file with their number and the reason. Exit code 1 when the file differs
    so much from the usual (rows, dates, share of bad rows) that an import would hold it for an officer; 3 when it
    cannot be read.
    """
    from certify.config import read_settings
    from certify.registry.feeds.checking import absent_columns, bad_by_reason, check_records, first_records
    from certify.registry.feeds.description import load_feed
    from certify.registry.feeds.quarantine import require_writable, write_quarantine
    from certify.registry.feeds.reading import read_feed
    from certify.registry.feeds.shape import departures
    from certify.registry.feeds.source import require_feed_source
    from certify.registry.workspace import open_workspace
    from certify.service import utc_now
    from certify.sources import load_sources

    feed = load_feed(description)
    require_feed_source(load_sources(read_settings().sources_file), feed)
    day = (today or utc_now()).date()
    target = quarantine or Path(f"{file or feed.name}.quarantine.csv")
    require_writable(target)
    shapes = []
    with open_workspace() as database:
        for path in earlier or []:
            read_feed(feed, path, database)
            shapes.append(check_records(feed, database, today=day))
        read = read_feed(feed, file, database)
        shape = check_records(feed, database, today=day)
        count = write_quarantine(database, target)
        reasons, preview = bad_by_reason(database), first_records(database)
        absent = absent_columns(feed, database)
    found = departures(shape, shapes, feed.limits, fresh_days=feed.fresh_days, today=day)
    report: dict[str, Any] = {
        "feed": feed.name,
        "sha256": read.sha256,
        **asdict(shape),
        "reasons": {code: number for code, _, number in reasons},
        "quarantine": target if count else None,
        "departures": [asdict(entry) for entry in found],
        "absent": absent,
    }
    if as_json:
        print_json(report)
    else:
        show_check(feed.name, report, reasons, preview)
    if found:
        raise typer.Exit(ExitCode.NO)


@app.command("import")
def import_(
    description: Description, file: FeedFile = None, quarantine: Quarantine = None, as_json: AsJson = False
) -> None:
    """Import a feed file for a later 'certify feed run'. No person is changed yet.

    Rows that cannot be used go to a quarantine file with their number and the reason. A file that differs much from
    earlier ones is held until an officer accepts it ('certify run accept') or refuses it. The same file again changes
    nothing. Exit code 0 when it can be run, 1 when it is held, 3 when it cannot be read.
    """
    with opened_service() as service:
        report = import_feed_file(service, description, file, quarantine)
    tell_import(report, as_json=as_json)
    if report["state"] == "held":
        raise typer.Exit(ExitCode.NO)


@app.command("run")
def run(
    description: Description,
    file: Annotated[
        Path | None, typer.Argument(help="File to import first; without it, the files imported before are run.")
    ] = None,
    quarantine: Quarantine = None,
    engine: EngineName = "duckdb",
    memory: Memory = "4GB",
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Match a feed against all beneficiaries and apply the results: silent passes, pauses, withdrawals.

    Files are run in the order in which they came. A run that was interrupted, by Ctrl-C or kill -9, continues where it
    was and does nothing twice. Exit code 0 when done, 1 when a file is held, 3 when a file cannot be read. With --json
    each held file is in the list as well, with 'departures': why it is held.
    """
    from certify.registry.feeds.description import load_feed
    from certify.registry.feeds.file_layout import Format
    from certify.storage.runs import get_run, unfinished_runs

    held = False
    reports = []
    with opened_service() as service:
        feed = load_feed(description)
        if file is not None or feed.file.format is Format.SQL:
            report = import_feed_file(service, description, file, quarantine)
            if not as_json:
                tell_import(report, as_json=False)
            held = report["state"] == "held"
            if held:
                with service.reading() as unit:
                    reports.append(run_as_json(get_run(unit.db, report["run"])))
        with service.reading() as unit:
            ready = [row.id for row in unfinished_runs(unit.db, feed.name)]
        for run_id in ready:
            row = carry_out_here(service, run_id, engine=engine, memory=memory, workers=workers)
            reports.append(show_run(row, as_json=as_json))
            held = held or row.state == RunState.HELD
    if as_json:
        print_json(reports)
    elif not ready and not held:
        say("Nothing is waiting: this file was run before." if file else "Nothing is waiting.")
    if held:
        raise typer.Exit(ExitCode.NO)


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Show every feed: its last file, how fresh it is, and how many files wait or are held."""
    from certify.registry.runs.status import feed_status

    with opened_service() as service, service.reading() as unit:
        found = feed_status(unit)
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    if not found:
        say("No feed has sent a file yet.")
        return
    rows = []
    for entry in found:
        states = [Ink("fresh", "green") if entry.fresh else Ink("stale", "bold red")]
        waiting = entry.waiting - len(entry.interrupted)
        states += [Ink(f"{waiting} waiting", "")] if waiting else []
        states += [Ink(f"{len(entry.interrupted)} interrupted", "bold red")] if entry.interrupted else []
        states += [Ink(f"{entry.held} held", "bold red")] if entry.held else []
        rows.append(
            (
                entry.feed,
                f"{entry.files:,}",
                f"{entry.last_file:%Y-%m-%d}",
                f"{entry.records:,}",
                str(entry.latest_event or "unknown"),
                states,
            )
        )
    show_table(
        [
            Column("feed", whole=True),
            Column("files", right=True),
            "last file (UTC)",
            Column("records", right=True),
            "latest event",
            "state",
        ],
        rows,
    )
    for entry in found:
        if entry.next_step:
            say(Ink(entry.feed, "bold"), f": {entry.next_step}")


@app.command("nightly")
def nightly(as_json: AsJson = False) -> None:
    """Import and run the files in the inboxes of CERTIFY_FEEDS_DIR, as the registry worker does every night.

    Exit code 1 when a file is held or a feed has trouble.
    """
    from certify.registry.runs.nightly import nightly as one_night

    with opened_service() as service, progress_bar() as progress:
        folder = service.settings.feeds_dir
        if folder is None or not folder.is_dir():
            raise Invalid(
                "There is no folder of feeds.", hint="Name it in CERTIFY_FEEDS_DIR.", code=ErrorCode.FEEDS_DIR
            )
        bar = progress.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total or None)

        night = one_night(service, folder, progress=show)
    if as_json:
        print_json(asdict(night))
    else:
        say(f"{night.files:,} files imported, {night.runs:,} runs carried out, {night.held:,} held.")
        for line in night.troubles:
            say(Ink("✗", "bold red"), f" {line}")
    if night.held or night.troubles:
        raise typer.Exit(ExitCode.NO)


@app.command("corrections")
def corrections(
    source: Annotated[str, typer.Argument(help="Name of the registry, as evidence has it.")],
    out: Annotated[Path | None, output_file("CSV file to write, instead of showing a table.")] = None,
    as_json: AsJson = False,
) -> None:
    """List records that a registry should correct: dead people who were seen alive, and records of other people.

    The list holds the registry's own record numbers and no names, so it can be sent to the registry as it is.
    """
    from certify.registry.feeds.quarantine import harmless
    from certify.storage.corrections import Correction, corrections_for

    with opened_service() as service, service.reading() as unit:
        found = list(corrections_for(unit.db, source))
    names = [entry.name for entry in fields(Correction)]
    if out is not None:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([harmless(str(getattr(entry, name))) for name in names] for entry in found)
    if as_json:
        print_json([asdict(entry) for entry in found])
    elif out is not None:
        say(f"{len(found):,} corrections for {source}: {out}")
    elif found:
        show_table(
            [Column(name, whole=name.endswith("_id")) for name in names],
            [[str(getattr(entry, name)) for name in names] for entry in found],
        )
    else:
        say(f"No record of {source} was found to be wrong.")

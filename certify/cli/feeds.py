"""``certify feed``: what registries send, looked at before it touches anybody."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from certify.cli.output import AsJson, ExitCode, console, print_json
from certify.service import utc_now

app = typer.Typer(help="Look at what registries send.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at what registries send."""


@app.command("check")
def check(
    description: Annotated[Path, typer.Argument(help="TOML file that describes the feed; see docs/feeds.md.")],
    file: Annotated[Path | None, typer.Argument(help="The feed's file; none for SQL feeds.")] = None,
    earlier: Annotated[
        list[Path] | None, typer.Option(help="An earlier file of the same feed, to compare with; may be repeated.")
    ] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="Where bad rows go with their reasons; default: beside the file.")
    ] = None,
    today: Annotated[str | None, typer.Option(help="Date to check against, YYYY-MM-DD; default: today.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a feed's file as its description says, and tell what could be used; nothing is imported.

    Bad rows go to a quarantine file with their number and the reason. Exit code 1 when the file departs so much from
    what is usual (rows, dates, share of bad rows) that an import would wait for an officer; 3 when it cannot be read.
    """
    import duckdb  # noqa: PLC0415 - slow to load

    from certify.registry.feeds.checking import bad_by_reason, check_records, first_records, write_quarantine  # noqa: PLC0415
    from certify.registry.feeds.description import load_feed  # noqa: PLC0415
    from certify.registry.feeds.reading import read_feed  # noqa: PLC0415
    from certify.registry.feeds.shape import departures  # noqa: PLC0415

    feed = load_feed(description)
    day = date.fromisoformat(today) if today else utc_now().date()
    shapes = []
    with duckdb.connect() as database:
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

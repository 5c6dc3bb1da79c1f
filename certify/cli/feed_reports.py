"""What ``certify feed`` prints about a file: its records as they were understood, and why it is held."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.cli.output import Ink, print_json, say, waiting
from certify.cli.service import operator
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.domain.states import RunState
from certify.errors import Invalid

if TYPE_CHECKING:
    from certify.service import Service


def import_feed_file(service: Service, description: Path, file: Path | None, quarantine: Path | None) -> dict[str, Any]:
    """Import a feed file.

    Args:
        service: the service.
        description: the feed's TOML file.
        file: the file; None for a feed that is read by SQL.
        quarantine: where bad rows go; None: beside the file.

    Returns:
        The run and what was found in the file, as plain values.

    Raises:
        Invalid: description or file cannot be read.
    """
    from certify.registry.feeds.description import load_feed
    from certify.registry.runs.importing import import_file

    feed = load_feed(description)
    if file is not None and not file.is_file():
        raise Invalid(f"There is no file {file}.", hint="Compare the path.", code=ErrorCode.FEED_FILE)
    target = quarantine or Path(f"{file or feed.name}.quarantine.csv")
    with waiting(f"reading {file or feed.name}"):
        found = import_file(service, feed, file, quarantine=target, actor=operator())
    run_id: UUID = found.run_id
    return {
        "run": run_id,
        "feed": feed.name,
        "state": found.state,
        "new": found.new,
        **asdict(found.shape),
        "reasons": found.reasons,
        "quarantine": found.quarantine,
        "departures": found.departures,
        "absent": found.absent,
    }


def tell_import(report: dict[str, Any], *, as_json: bool) -> None:
    """Print what an import found, as JSON or in sentences."""
    if as_json:
        print_json(report)
        return
    if not report["new"]:
        say(f"This file was imported before, as run {report['run']} ({report['state']}).")
        _tell_held(report)
        return
    say(f"Run {report['run']}: {report['rows']:,} records of {report['feed']} imported.")
    if report["quarantine"]:
        say(f"{report['bad']:,} rows cannot be used: {report['quarantine']}")
    _tell_gaps(report)
    _tell_held(report)


def _tell_held(report: dict[str, Any]) -> None:
    """Print why a file is held, and what an officer can do."""
    if report["state"] != RunState.HELD:
        return
    for entry in report["departures"]:
        say(Ink("✗", "bold red"), f" {entry['code']}: {entry['reason']}")
    say(
        f"The file is held: it differs from the usual. Look at it; then 'certify run accept {report['run']}' "
        "releases it, and 'certify run refuse' deletes it."
    )


def show_check(name: str, report: dict[str, Any], reasons: list[Any], preview: list[Any]) -> None:
    """Print what a check found.

    Args:
        name: name of the feed.
        report: what was found, as the JSON has it.
        reasons: code, reason and number of the rows that cannot be used.
        preview: the first records.
    """
    say(
        f"{name}: {report['rows']:,} records can be used, {report['bad']:,} rows cannot; "
        f"latest event {report['latest'] or 'unknown'}."
    )
    if preview:
        show_table(
            [
                "row",
                Column("record", whole=True),
                "operation",
                "event",
                "known to the",
                Column("id", whole=True),
                "name",
                "born",
                "sex",
                "region",
            ],
            [["" if cell is None else str(cell) for cell in row] for row in preview],
            title="The first records, as understood",
        )
    _tell_gaps(report)
    if reasons:
        show_table(
            [Column("rows", right=True), "code", "reason"],
            [(f"{number:,}", code, reason) for code, reason, number in reasons],
            title="Quarantined",
        )
        say(f"Quarantined rows: {report['quarantine']}")
    for entry in report["departures"]:
        say(Ink("✗", "bold red"), f" {entry['code']}: {entry['reason']}")
    if not report["departures"]:
        say("Nothing departs from what is usual.")


def _tell_gaps(report: dict[str, Any]) -> None:
    """Print what the file lacks: columns that no row has, and days of events."""
    if report["absent"]:
        say(f"No row has: {', '.join(report['absent'])}. If the file should have them, compare their names.")
    if report["partial"]:
        say(f"{report['partial']:,} events have no day; the last possible day is taken.")

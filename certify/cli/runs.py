"""``certify run``: what became of the files of feeds, and what would become of people under other rules."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Column, Table

from certify.cli.output import AsJson, ExitCode, Officer, console, opened_service, operator, print_json, progress_bar
from certify.cli.running import EngineName, Memory, Workers, carry_out_here, run_as_json, show_run
from certify.policies import load_policy_file
from certify.storage.runs import get_run, list_runs

app = typer.Typer(help="Look at runs, let held files go on, play runs again, try other rules.", no_args_is_help=True)

RunId = Annotated[UUID, typer.Argument(help="Id of the run, from 'certify run list'.")]


@app.callback()
def _group() -> None:
    """Look at runs, let held files go on, play runs again, try other rules."""


@app.command("list")
def list_them(
    feed: Annotated[str | None, typer.Option(help="Only runs of this feed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first: held, ready, linked (interrupted), done, refused."""
    with opened_service() as service, service.reading() as unit:
        rows = list_runs(unit.db, feed=feed, limit=limit)
    if as_json:
        print_json([run_as_json(row) for row in rows])
        return
    table = Table(Column("run", no_wrap=True), "feed", "state", "records", "silent passes")
    for row in rows:
        applied = row.counts.get("applied", {})
        table.add_row(
            str(row.id),
            row.feed,
            row.state,
            f"{row.shape['rows']:,}",
            f"{applied.get('passes', 0):,}",
        )
    console.print(table if rows else "There was no run yet.")


@app.command()
def show(
    run: RunId,
    html: Annotated[Path | None, typer.Option(help="Also write the report with its plots to this HTML file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a run read, linked and changed; with --html as one page with plots."""
    from certify.registry.runs.report import run_report  # noqa: PLC0415 - loads the linking

    with opened_service() as service, service.reading() as unit:
        row = get_run(unit.db, run)
        if html is not None:
            html.write_text(run_report(unit, run), "utf-8")
    shown = show_run(row, as_json=as_json)
    if as_json:
        print_json(shown)
        return
    for entry in row.departures:
        console.print(f"[bold yellow]![/] {entry['code']}: {entry['reason']}", highlight=False)
    if html is not None:
        console.print(f"Report: {html}", soft_wrap=True)


@app.command()
def accept(run: RunId, officer: Officer) -> None:
    """Let a held file go on, because an officer has looked at it. Then 'certify feed run' carries it out."""
    _decide(run, officer, go_on=True)


@app.command()
def refuse(run: RunId, officer: Officer) -> None:
    """Refuse a file for good. What was put by for it is removed; nobody was touched."""
    _decide(run, officer, go_on=False)


@app.command("continue")
def continue_(
    run: RunId,
    engine: EngineName = "duckdb",
    memory: Memory = "4GB",
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Carry on a run that was put by or interrupted. What is done already is not done again."""
    with opened_service() as service:
        row = carry_out_here(service, run, engine=engine, memory=memory, workers=workers)
    shown = show_run(row, as_json=as_json)
    if as_json:
        print_json(shown)


@app.command()
def replay(
    run: RunId,
    file: Annotated[
        Path | None, typer.Option(help="The feed's file: read and link it again too, and compare the links.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide everything of a run again from stored evidence and policies. Exit code 0 when identical, 1 when not.

    The silent passes are also hashed again and compared with what the ledger has.
    """
    from certify.registry.runs.relink import relink  # noqa: PLC0415 - loads the linking
    from certify.registry.runs.replay import replay_run  # noqa: PLC0415

    with opened_service() as service:
        with service.reading() as unit, progress_bar() as progress:
            row = get_run(unit.db, run)
            total = sum(row.counts.get("applied", {}).get(name, 0) for name in ("passes", "one_by_one"))
            bar = progress.add_task("deciding again", total=total)
            found = replay_run(unit, run, progress=lambda done: progress.update(bar, completed=done))
        links = relink(service, run, file) if file is not None else None
    identical = found.identical and (links is None or links.identical)
    if as_json:
        print_json(asdict(found) | {"identical": identical, "links": asdict(links) if links else None})
    else:
        console.print("[bold green]identical[/]" if identical else "[bold red]different[/]")
        console.print(
            f"  {found.passes:,} silent passes, {found.determinations:,} determinations, {found.chunks:,} chunks",
            highlight=False,
        )
        for line in found.differences:
            console.print(f"  [red]{line}[/]", highlight=False, soft_wrap=True)
        if links is not None:
            console.print(
                f"  links: {links.same:,} the same, {links.missing:,} no longer found, {links.other:,} to others",
                highlight=False,
            )
    if not identical:
        raise typer.Exit(ExitCode.NO)


@app.command()
def compare(
    policy: Annotated[Path, typer.Option(help="TOML file of the scheme's new rules, on top of the shared ones.")],
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many people, drawn by --seed.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 1,
    out: Annotated[Path | None, typer.Option(help="CSV of every pension that would stand otherwise.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try rules before they are released: who would gain or lose standing under them. Nothing is stored."""
    from certify.registry.runs.compare import Change, compare_policies  # noqa: PLC0415

    start = UUID(int=random.Random(seed).getrandbits(128)) if sample else UUID(int=0)  # noqa: S311 - a sample
    with opened_service() as service:
        new = load_policy_file(policy, service.settings.policies_dir)
        with progress_bar() as progress, _changes_file(out) as write:
            bar = progress.add_task("deciding twice", total=sample)

            def note(change: Change) -> None:
                write([change.beneficiary_id, change.entitlement_id, change.before, change.after])

            found = compare_policies(
                service,
                new.policy,
                start=start,
                limit=sample,
                changed=note,
                progress=lambda done: progress.update(bar, completed=done),
            )
    if as_json:
        moves = [{"before": b, "after": a, "pensions": n} for (b, a), n in sorted(found.moves.items())]
        print_json(asdict(found) | {"moves": moves, "policy_sha256": new.sha256})
        return
    console.print(f"{found.pensions:,} pensions of {found.scheme}, decided under both policies", highlight=False)
    table = Table("stands now", "would stand", "pensions")
    for (before, after), number in found.moves.most_common():
        table.add_row(before, after, f"{number:,}")
    console.print(table if found.moves else "No pension would stand otherwise.")
    console.print(
        f"better: {found.gained:,}   worse: {found.lost:,}   payments stopped: {found.stopped:,}   resumed: "
        f"{found.resumed:,}   valid for longer: {found.longer:,}   for less long: {found.shorter:,}",
        highlight=False,
    )


def _decide(run: UUID, officer: str, *, go_on: bool) -> None:
    from certify.registry.runs.importing import decide_held  # noqa: PLC0415 - loads DuckDB

    with opened_service() as service, service.unit(operator()) as unit:
        row = decide_held(unit, run, officer=officer, accept=go_on)
    console.print(f"Run {row.id} of {row.feed} is {row.state}.", soft_wrap=True)


@contextmanager
def _changes_file(path: Path | None) -> Iterator[Callable[[list[object]], object]]:
    """Give what writes a row of the changes; without a file, nothing."""
    if path is None:
        yield lambda _row: None
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["beneficiary", "entitlement", "stands_now", "would_stand"])
        yield writer.writerow

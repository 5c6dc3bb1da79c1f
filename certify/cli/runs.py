"""``certify run``: show, continue and replay runs of feed files, and compare policies."""

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

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, EngineName, Memory, Token, Workers, command_group, output_file
from certify.cli.output import Ink, print_json, progress_bar, say
from certify.cli.running import carry_out_here, run_as_json, show_run
from certify.cli.service import deciding, opened_service
from certify.cli.tables import Column, show_table

app = command_group("Show runs of feed files, accept held files, replay runs, try other rules.")

RunId = Annotated[UUID, typer.Argument(help="Id of the run, from 'certify run list'.")]


@app.command("list")
def list_them(
    feed: Annotated[str | None, typer.Option(help="Only runs of this feed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most runs to list.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first: held, ready, linked (interrupted), done, refused."""
    from certify.storage.runs import list_runs

    with opened_service() as service, service.reading() as unit:
        rows = list_runs(unit.db, feed=feed, limit=limit)
    if as_json:
        print_json([run_as_json(row) for row in rows])
        return
    if not rows:
        say("There was no run yet.")
        return
    show_table(
        [
            Column("run", whole=True),
            Column("feed", whole=True),
            "state",
            Column("records", right=True),
            Column("silent passes", right=True),
        ],
        [
            (
                str(row.id),
                row.feed,
                row.state,
                f"{row.shape['rows']:,}",
                f"{row.counts.get('applied', {}).get('passes', 0):,}",
            )
            for row in rows
        ],
    )


@app.command()
def show(
    run: RunId,
    html: Annotated[Path | None, output_file("Also write the report with its plots to this HTML file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a run read, linked and changed; with --html also as one page with plots."""
    from certify.registry.runs.report import run_report
    from certify.storage.runs import get_run

    with opened_service() as service, service.reading() as unit:
        row = get_run(unit.db, run)
        if html is not None:
            html.write_text(run_report(unit, run), "utf-8")
    shown = show_run(row, as_json=as_json)
    if as_json:
        print_json(shown)
        return
    for entry in row.departures:
        say(Ink("!", "bold yellow"), f" {entry['code']}: {entry['reason']}")
    if html is not None:
        say(f"Report: {html}")


@app.command()
def accept(run: RunId, token: Token = None) -> None:
    """Accept a held file after an officer has examined it. 'certify feed run' then carries it out."""
    _decide(run, token, accepted=True)


@app.command()
def refuse(run: RunId, token: Token = None) -> None:
    """Refuse a held file permanently. Its imported records are deleted; no person was changed."""
    _decide(run, token, accepted=False)


@app.command("continue")
def continue_(
    run: RunId,
    engine: EngineName = "duckdb",
    memory: Memory = "4GB",
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Continue a run that waits or was interrupted. Finished steps are not repeated."""
    with opened_service() as service:
        row = carry_out_here(service, run, engine=engine, memory=memory, workers=workers)
    shown = show_run(row, as_json=as_json)
    if as_json:
        print_json(shown)


@app.command()
def replay(
    run: RunId,
    file: Annotated[
        Path | None,
        typer.Option(help="The feed's file: link it again too, and compare the links.", exists=True, dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide everything of a run again from stored evidence and policies. Exit code 0 when identical, 1 when not.

    The silent passes are also hashed again and compared with the hashes in the ledger.
    """
    from certify.registry.runs.relink import relink
    from certify.registry.runs.replay import replay_run
    from certify.storage.runs import get_run

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
        say(Ink("identical", "bold green") if identical else Ink("different", "bold red"))
        say(f"  {found.passes:,} silent passes, {found.determinations:,} determinations, {found.chunks:,} chunks")
        for line in found.differences:
            say(Ink(f"  {line}", "red"))
        if links is not None:
            say(f"  links: {links.same:,} the same, {links.missing:,} no longer found, {links.other:,} to other people")
    if not identical:
        raise typer.Exit(ExitCode.NO)


@app.command()
def compare(
    policy: Annotated[
        Path,
        typer.Option(
            help="TOML file of the scheme's new rules, added to the rules that all schemes share.",
            exists=True,
            dir_okay=False,
        ),
    ],
    scheme: Annotated[
        str | None,
        typer.Option(help="Try the rules on the pensions of this scheme: for a new scheme, which has none yet."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Decide only this many people, drawn by --seed. Default: all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample; the same seed draws the same people.")] = 1,
    out: Annotated[
        Path | None, output_file("CSV file to write, with every pension whose standing would change.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try rules before they are released: who would gain or lose standing under them. Nothing is stored."""
    from certify.policies import load_policy_file
    from certify.registry.runs.compare import Change, compare_policies

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
                scheme=scheme,
                start=start,
                limit=sample,
                changed=note,
                progress=lambda done: progress.update(bar, completed=done),
            )
    if as_json:
        moves = [{"before": b, "after": a, "pensions": n} for (b, a), n in sorted(found.moves.items())]
        print_json(asdict(found) | {"moves": moves, "policy_sha256": new.sha256})
        return
    say(f"{found.pensions:,} pensions of {found.scheme}, decided under both policies")
    if found.moves:
        show_table(
            ["stands now", "would stand", Column("pensions", right=True)],
            [(before, after, f"{number:,}") for (before, after), number in found.moves.most_common()],
        )
    else:
        say("No standing would change.")
    say(
        f"better: {found.gained:,}   worse: {found.lost:,}   payments stopped: {found.stopped:,}   resumed: "
        f"{found.resumed:,}   valid for longer: {found.longer:,}   for less long: {found.shorter:,}"
    )


def _decide(run: UUID, token: Path | None, *, accepted: bool) -> None:
    from certify.registry.runs.importing import decide_held

    with deciding(token) as (unit, officer):
        row = decide_held(unit, run, officer=officer, accept=accepted)
    say(f"Run {row.id} of {row.feed} is {row.state}.")


@contextmanager
def _changes_file(path: Path | None) -> Iterator[Callable[[list[object]], object]]:
    """Open the CSV file of the changes.

    Args:
        path: the file; None when none was asked for.

    Yields:
        A function that writes a row; without a file it does nothing.
    """
    if path is None:
        yield lambda _row: None
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["beneficiary", "entitlement", "stands_now", "would_stand"])
        yield writer.writerow

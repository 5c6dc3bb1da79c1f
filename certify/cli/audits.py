"""``certify audit``: the random audit of silent passes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from certify.audit.sample import AuditReport, audit_report, record_audit
from certify.cli.output import AsJson, console, opened_service, operator, print_json
from certify.domain.states import AuditOutcome
from certify.storage.passes import open_audits
from certify.storage.people import get_beneficiary

app = typer.Typer(help="Check silent passes drawn by lot; publish how many were false.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check silent passes drawn by lot; publish how many were false."""


@app.command("list")
def list_them(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50, as_json: AsJson = False
) -> None:
    """List the silent passes that were drawn and wait for a telephone call or a visit."""
    with opened_service() as service, service.reading() as unit:
        rows = [(row, get_beneficiary(unit.db, row.beneficiary_id)) for row in open_audits(unit.db, limit=limit)]
    if as_json:
        print_json([{"pass": row.pass_id, "person": row.beneficiary_id, "drawn_at": row.drawn_at} for row, _ in rows])
        return
    table = Table("pass", "person", "born", "region", "drawn (UTC)")
    for row, person in rows:
        table.add_row(
            str(row.pass_id),
            person.name or "erased",
            str(person.birth_date or "unknown"),
            person.region or "",
            f"{row.drawn_at:%Y-%m-%d %H:%M}",
        )
    console.print(table if rows else "No audit waits.")


@app.command()
def record(
    silent_pass: Annotated[UUID, typer.Argument(help="Id of the pass, from 'certify audit list'.")],
    outcome: Annotated[
        AuditOutcome,
        typer.Argument(help="alive: seen or spoken to; false_pass: dead, or not the person; not_reached: neither."),
    ],
    officer: Annotated[str, typer.Option(help="Who checked, as the ledger shows it: a staff number.")],
    note: Annotated[str | None, typer.Option(help="What was found, in a sentence.")] = None,
) -> None:
    """Record what the check of a silent pass found. A false pass opens a review case."""
    with opened_service() as service, service.unit(operator()) as unit:
        row = record_audit(unit, silent_pass, outcome, officer=officer, note=note)
    console.print(f"Recorded: {row.outcome}.")


@app.command()
def report(
    run: Annotated[UUID | None, typer.Option(help="Only the passes of this run.")] = None, as_json: AsJson = False
) -> None:
    """Print the false-pass rate with its interval, to be published."""
    with opened_service() as service, service.reading() as unit:
        found = audit_report(unit, run)
    if as_json:
        print_json(asdict(found))
        return
    _show(found)


def _show(found: AuditReport) -> None:
    console.print(
        f"{found.drawn:,} of {found.passes:,} silent passes were drawn; {found.open:,} wait.", highlight=False
    )
    false, worst = found.false_passes, found.worst
    if false.value is None:
        console.print("Nothing can be said yet: no check has an outcome.")
        return
    console.print(
        f"False passes: {false.events:,} of {false.trials:,}, {false.value:.3%} (95 %: {false.low:.3%} to "
        f"{false.high:.3%}). If all {found.not_reached:,} who were not reached were one: at most {worst.high:.3%}.",
        highlight=False,
    )

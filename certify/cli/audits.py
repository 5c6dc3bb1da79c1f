"""``certify audit``: the random audit of silent passes, and of films without possession."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from certify.cli.choices import AuditOutcome
from certify.cli.options import AsJson, command_group, officer_option
from certify.cli.output import print_json, say
from certify.cli.service import opened_service, operator
from certify.cli.tables import Column, show_table

if TYPE_CHECKING:
    from certify.audit.sample import AuditReport

app = command_group("Check certifications drawn at random, and publish how many were false.")


@app.command("list")
def list_them(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most silent passes to list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the certifications that were drawn and wait for a telephone call or a visit."""
    from certify.storage.passes import open_audits
    from certify.storage.people import get_beneficiary

    with opened_service() as service, service.reading() as unit:
        rows = [(row, get_beneficiary(unit.db, row.beneficiary_id)) for row in open_audits(unit.db, limit=limit)]
    if as_json:
        print_json(
            [
                {"pass": row.pass_id, "cause": row.cause, "person": row.beneficiary_id, "drawn_at": row.drawn_at}
                for row, _ in rows
            ]
        )
        return
    if not rows:
        say("No audit waits.")
        return
    show_table(
        [Column("pass", whole=True), "cause", "person", "born", "region", "drawn (UTC)"],
        [
            (
                str(row.pass_id),
                row.cause,
                person.name or "erased",
                str(person.birth_date or "unknown"),
                person.region,
                f"{row.drawn_at:%Y-%m-%d %H:%M}",
            )
            for row, person in rows
        ],
    )


@app.command()
def record(
    silent_pass: Annotated[UUID, typer.Argument(help="Id of the pass, from 'certify audit list'.")],
    outcome: Annotated[
        AuditOutcome,
        typer.Argument(
            help="alive: the person was seen or spoken to; false_pass: dead, or another person; not_reached: neither."
        ),
    ],
    officer: Annotated[str, officer_option("Staff number of the officer who checked, as the ledger shows it.")],
    note: Annotated[str | None, typer.Option(help="Result of the check, in a sentence.")] = None,
) -> None:
    """Record the result of the check of a certification. A false pass opens a review case."""
    from certify.audit.sample import record_audit
    from certify.domain.states import AuditOutcome as Found

    with opened_service() as service, service.unit(operator()) as unit:
        row = record_audit(unit, silent_pass, Found(outcome.value), officer=officer, note=note)
    say(f"Recorded: {row.outcome}.")


@app.command()
def report(
    run: Annotated[UUID | None, typer.Option(help="Only the passes of this run.")] = None,
    no_possession: Annotated[
        bool, typer.Option("--no-possession", help="Films without the known phone, code or link, not silent passes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the share of false passes with its interval, for publication."""
    from certify.audit.sample import audit_report
    from certify.domain.states import AuditCause

    cause = AuditCause.NO_POSSESSION if no_possession else AuditCause.SILENT
    with opened_service() as service, service.reading() as unit:
        found = audit_report(unit, run, cause=cause)
    if as_json:
        print_json(asdict(found))
        return
    _show(found, "films without possession" if no_possession else "silent passes")


def _show(found: AuditReport, what: str) -> None:
    say(f"{found.drawn:,} of {found.passes:,} {what} were drawn; {found.open:,} wait.")
    false, worst = found.false_passes, found.worst
    if false.value is None:
        say("There is no rate yet: no check has an outcome.")
        return
    say(
        f"False passes: {false.events:,} of {false.trials:,}, {false.value:.3%} (95 %: {false.low:.3%} to "
        f"{false.high:.3%}). If all {found.not_reached:,} who were not reached were one: at most {worst.high:.3%}."
    )

"""``certify audit``: the random audit of certifications, the audit of standings, and the journal of reads."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from certify.cli.choices import AuditOutcome, RulingAuditOutcome
from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, Token, command_group
from certify.cli.output import Ink, print_json, progress_bar, say
from certify.cli.service import deciding, opened_service
from certify.cli.tables import Column, show_table

if TYPE_CHECKING:
    from certify.audit.sample import AuditReport

app = command_group("Check certifications drawn at random, audit standings, and search the journal of reads.")


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
                {
                    "pass": row.pass_id,
                    "cause": row.cause,
                    "institution": row.institution,
                    "person": row.beneficiary_id,
                    "drawn_at": row.drawn_at,
                }
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
                f"{row.cause} ({row.institution})" if row.institution else row.cause,
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
    token: Token = None,
    note: Annotated[str | None, typer.Option(help="Result of the check, in a sentence.")] = None,
) -> None:
    """Record the result of the check of a certification. A false pass opens a review case."""
    from certify.audit.sample import record_audit
    from certify.domain.states import AuditOutcome as Found

    with deciding(token) as (unit, officer):
        row = record_audit(unit, silent_pass, Found(outcome.value), officer=officer, note=note)
    say(f"Recorded: {row.outcome}.")


@app.command()
def report(
    run: Annotated[UUID | None, typer.Option(help="Only the passes of this run.")] = None,
    no_possession: Annotated[
        bool, typer.Option("--no-possession", help="Films without the known phone, code or link, not silent passes.")
    ] = False,
    attestations: Annotated[
        bool, typer.Option("--attestations", help="Certifications by attestation, not silent passes.")
    ] = False,
    institution: Annotated[
        str | None, typer.Option(help="With --attestations: only those of this institution.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the share of false passes with its interval, for publication."""
    from certify.audit.sample import audit_report
    from certify.domain.states import AuditCause

    cause = AuditCause.NO_POSSESSION if no_possession else AuditCause.SILENT
    cause = AuditCause.ATTESTATION if attestations else cause
    with opened_service() as service, service.reading() as unit:
        found = audit_report(unit, run, cause=cause, institution=institution)
    if as_json:
        print_json(asdict(found))
        return
    _show(found, _NAMES[cause.value])


@app.command()
def standing(as_json: AsJson = False) -> None:
    """Compare every standing, certificate, case and fact with its seal and with the ledger. Exit code 1 on findings."""
    from certify.audit.imported import check_imports
    from certify.audit.standing_check import check_standings

    with opened_service() as service, progress_bar() as bar:
        task = bar.add_task("people", total=None)
        check = check_standings(service, progress=lambda done: bar.update(task, completed=done))
        with service.snapshot() as unit:
            check.findings += check_imports(unit)
    if as_json:
        print_json(
            {"people": check.people, "rows": check.rows, "findings": [asdict(finding) for finding in check.findings]}
        )
    else:
        say(f"{check.people:,} people, {check.rows:,} rows")
        for finding in check.findings:
            say(Ink(f"  {finding}", "red"))
        count = len(check.findings)
        say(Ink(f"{count:,} findings", "bold red") if count else Ink("unchanged", "bold green"))
    if check.findings:
        raise typer.Exit(ExitCode.NO)


@app.command()
def reads(
    subject: Annotated[str | None, typer.Option(help="Who read, as the token named them.")] = None,
    person: Annotated[UUID | None, typer.Option(help="Id of the person who was read about.")] = None,
    role: Annotated[str | None, typer.Option(help="Role of the reader.")] = None,
    request: Annotated[str | None, typer.Option(help="X-Request-ID of one request.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this time, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time, in UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries to list, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Search the journal of who read about whom."""
    from certify.storage.journal import ReadFilter, list_reads

    wanted = ReadFilter(
        subject=subject,
        role=role,
        person=person,
        request_id=request,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
    )
    with opened_service() as service, service.reading() as unit:
        rows = list_reads(unit.db, wanted, limit=limit)
    if as_json:
        print_json([{name: getattr(row, name) for name in _READ} for row in rows])
        return
    if not rows:
        say("The journal has no such entry.")
        return
    show_table(
        ["at (UTC)", "who", "role", "route", Column("target", whole=True), Column("people", right=True), "request"],
        [
            (
                f"{row.at:%Y-%m-%d %H:%M:%S}",
                row.subject,
                row.role,
                row.route,
                row.target,
                str(len(row.people)),
                row.request_id,
            )
            for row in rows
        ],
    )


_NAMES = {"silent": "silent passes", "no_possession": "films without possession", "attestation": "attestations"}
_READ = ("id", "at", "subject", "issuer", "role", "request_id", "route", "target", "status", "people")


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


@app.command("rulings")
def list_rulings(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most rulings to list.")] = 50, as_json: AsJson = False
) -> None:
    """List the rulings of officers that were drawn and wait for a check, and how many were upheld so far."""
    from certify.storage.ruling_audits import open_ruling_audits, ruling_audit_counts

    with opened_service() as service, service.reading() as unit:
        rows = open_ruling_audits(unit.db, limit=limit)
        counts = ruling_audit_counts(unit.db)
    if as_json:
        print_json(
            {"open": [{"ruling": audit.proposal_id, "case": row.target} for audit, row in rows], "counts": counts}
        )
        return
    if rows:
        show_table(
            [Column("ruling", whole=True), "decision", Column("case", whole=True), "decided by", "drawn (UTC)"],
            [
                (
                    str(audit.proposal_id),
                    row.action,
                    row.target,
                    row.decided_by,
                    f"{audit.drawn_at:%Y-%m-%d %H:%M}",
                )
                for audit, row in rows
            ],
        )
    say(", ".join(f"{outcome}: {count}" for outcome, count in sorted(counts.items())) or "No ruling was drawn.")


@app.command("ruling")
def record_ruling(
    ruling: Annotated[UUID, typer.Argument(help="Id of the ruling, from 'certify audit rulings'.")],
    outcome: Annotated[
        RulingAuditOutcome, typer.Argument(help="upheld: the file supports the ruling; wrong: it does not.")
    ],
    token: Token = None,
) -> None:
    """Record the check of a ruling, as a person who had no part in it. A wrong ruling opens a review case."""
    from certify.audit.rulings import record_ruling_audit
    from certify.domain.states import RulingAuditOutcome as Found

    with deciding(token) as (unit, officer):
        row = record_ruling_audit(unit, ruling, Found(outcome.value), officer=officer)
    say(f"Recorded: {row.outcome}.")

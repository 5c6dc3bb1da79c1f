"""``certify ledger``: verify the ledger, seal the rows of an earlier release, go on after a restore."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, command_group
from certify.cli.output import Ink, agreed, print_json, progress_bar, say
from certify.cli.service import opened_service, operator, read_text
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

app = command_group("Verify the ledger, and keep its seals.")


@app.command()
def verify(
    against: Annotated[
        Path | None, typer.Option(help="File with a checkpoint that was kept, as GET /v1/ledger/checkpoint gave it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute every hash of the ledger again, and compare. Exit code 0 when nothing was changed, 1 otherwise."""
    from certify.audit.ledger_check import check_ledger
    from certify.certificates.errors import CertificateError

    kept = None if against is None else read_text(against)
    with opened_service() as service, service.snapshot() as unit, progress_bar() as bar:
        task = bar.add_task("entries", total=None)
        try:
            check = check_ledger(
                unit, against=kept, progress=lambda done, total: bar.update(task, completed=done, total=total)
            )
        except CertificateError as error:
            raise Invalid(
                f"The checkpoint in {against} was not signed by this ledger: {error}.",
                hint="Name the file of a checkpoint that this ledger signed.",
                code=ErrorCode.NOTE_UNKNOWN,
            ) from error
    if as_json:
        print_json(
            {
                "entries": check.size,
                "checkpoints": check.checkpoints,
                "count": check.count,
                "findings": [asdict(finding) for finding in check.findings],
            }
        )
    else:
        say(f"{check.size:,} entries, {check.checkpoints:,} signed checkpoints")
        for finding in check.findings:
            say(Ink(f"  {finding}", "red"))
        say(Ink("unchanged", "bold green") if not check.count else Ink(f"{check.count:,} findings", "bold red"))
    if check.count:
        raise typer.Exit(ExitCode.NO)


@app.command()
def seal() -> None:
    """Seal the rows that an earlier release wrote: once, with the service stopped, after you have looked at them."""
    from certify.audit.sealing import seal_rows
    from certify.storage.database import open_as_owner

    with opened_service() as service:
        owner = open_as_owner(service.settings)
        try:
            with progress_bar() as bar:
                task = bar.add_task("rows", total=None)
                counts = seal_rows(
                    service, owner, actor=operator(), progress=lambda done: bar.update(task, completed=done)
                )
        finally:
            owner.close()
    say(f"Sealed: {', '.join(f'{count:,} {table}' for table, count in counts.items() if count) or 'no rows'}.")


@app.command()
def restored(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Let the signer go on from a database that was restored from a backup. The ledger notes it."""
    from certify.audit.checkpoints import accept_restored

    if not yes:
        agreed(
            "Entries that were signed after the backup are lost, and auditors who kept a later checkpoint will see it. "
            "Was this database restored from a backup?"
        )
    with opened_service() as service, service.unit(operator()) as unit:
        before, now = accept_restored(unit)
    said = f"a ledger of {before.size:,} entries" if before else "nothing"
    say(f"This machine had signed {said}; it goes on from {now.size:,}.")

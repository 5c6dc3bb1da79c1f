"""``certify check``: a selfie from a file, decided at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certify.capture.evaluate import evaluate_session
from certify.capture.session import open_session, submit_media
from certify.cli.output import AsJson, ExitCode, console, load_engine, opened_service, print_json, read_photo
from certify.cli.person import NationalId, PersonId, find_person
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.storage.facts import determinations_of
from certify.storage.tables.sessions import SessionRow
from models.guidance import sentence


def register(root: typer.Typer) -> None:
    """Add ``certify check`` to the command."""
    root.command("check")(check)


def check(
    photo: Annotated[Path, typer.Argument(help="The selfie.", exists=True, dir_okay=False)],
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    as_json: AsJson = False,
) -> None:
    """Decide a selfie as if it had come from the person's phone: compare, determine, certify.

    This is a real attempt: it is recorded, and a match issues a certificate. Exit code 0 when certified, 1 when not.
    """
    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        engine = load_engine(service.settings)
        data = read_photo(photo, service.settings.max_upload_bytes)
        with service.unit() as unit:
            session = open_session(unit, person, Channel.REMOTE)
        with service.unit() as unit:
            submit_media(unit, session.id, data)
        row = evaluate_session(service, engine, session.id, notice=note_face)
        with service.unit() as unit:
            determinations = [{**d.verdict, "id": str(d.id)} for d in determinations_of(unit.db, session_id=session.id)]
    if as_json:
        print_json(
            {
                "session": str(row.id),
                "outcome": row.outcome,
                "guidance": row.guidance,
                "certificate": row.certificate_number,
                "report": row.report,
                "determinations": determinations,
            }
        )
    else:
        _show(row, determinations)
    if row.outcome != "certified":
        raise typer.Exit(ExitCode.NO)


def _show(row: SessionRow, determinations: list[dict[str, object]]) -> None:
    colour = "green" if row.outcome == "certified" else "yellow"
    console.print(f"[bold {colour}]{row.outcome}[/]  session {row.id}")
    for code in row.guidance:
        console.print(f"  → {sentence(code)}", highlight=False)
    comparison = (row.report or {}).get("comparison")
    if comparison and comparison["llr"] is not None:
        console.print(f"  log10 likelihood ratio {comparison['llr']:.2f}", highlight=False)
    for determination in determinations:
        until = determination["valid_until"] or "no date"
        console.print(
            f"  {determination['scheme']}: {determination['standing']} (until {until})  {determination['id']}"
        )
        reasons = determination["reasons"]
        for reason in reasons if isinstance(reasons, list) else []:
            console.print(f"    {reason['text']}", highlight=False, soft_wrap=True)
    if row.certificate_number:
        console.print(f"  certificate {row.certificate_number}")

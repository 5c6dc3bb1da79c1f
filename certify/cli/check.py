"""``certify check``: decide a selfie from a file at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson
from certify.cli.output import Ink, print_json, say
from certify.cli.person import NationalId, PersonId, find_person
from certify.cli.service import load_engine, opened_service, read_photo

if TYPE_CHECKING:
    from certify.storage.tables.sessions import SessionRow


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
    from certify.capture.evaluate import evaluate_session
    from certify.capture.session import open_session, submit_media
    from certify.domain.channels import Channel
    from certify.doorstep.traces import note_face
    from certify.storage.facts import determinations_of

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
    from models.guidance import sentence

    colour = "green" if row.outcome == "certified" else "yellow"
    say(Ink(str(row.outcome), f"bold {colour}"), f"  session {row.id}")
    for code in row.guidance:
        say(f"  → {sentence(code)}")
    comparison = (row.report or {}).get("comparison")
    if comparison and comparison["llr"] is not None:
        say(f"  log10 likelihood ratio {comparison['llr']:.2f}")
    for determination in determinations:
        until = determination["valid_until"] or "no date"
        say(f"  {determination['scheme']}: {determination['standing']} (until {until})  {determination['id']}")
        reasons = determination["reasons"]
        for reason in reasons if isinstance(reasons, list) else []:
            say(f"    {reason['text']}")
    if row.certificate_number:
        say(f"  certificate {row.certificate_number}")

"""``certify replay``: decide a stored determination again and compare."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson
from certify.cli.output import Ink, print_json, say
from certify.cli.service import load_engine, opened_service


def register(root: typer.Typer) -> None:
    """Add ``certify replay`` to the command."""
    root.command("replay")(replay)


def replay(
    determination: Annotated[UUID, typer.Argument(help="Id of the determination.")],
    media: Annotated[bool, typer.Option("--media", help="Also run the face models again on the stored photo.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide a determination again from the stored evidence and policy. Exit code 0 when identical, 1 when not."""
    from certify.audit.replay import replay as replay_determination

    with opened_service() as service:
        engine = load_engine(service.settings) if media else None
        with service.unit() as unit:
            result = replay_determination(unit, determination, engine=engine)
    if as_json:
        print_json(
            {
                "determination": str(determination),
                "identical": result.identical,
                "checked": result.checked,
                "not_checked": result.not_checked,
                "differences": result.differences,
                "verdict": result.replayed,
            }
        )
    else:
        say(Ink("identical", "bold green") if result.identical else Ink("different", "bold red"))
        for line in result.checked:
            say(f"  checked: {line}")
        for line in result.not_checked:
            say(Ink("  not checked:", "yellow"), f" {line}")
        for line in result.differences:
            say(Ink(f"  {line}", "red"))
        say(f"  {result.replayed['scheme']}: {result.replayed['standing']}")
        for reason in result.replayed["reasons"]:
            say(f"    {reason['text']}")
    if not result.identical:
        raise typer.Exit(ExitCode.NO)

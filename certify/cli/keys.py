"""``certify keys`` and ``certify token``: public keys, rotation, and tokens for development."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from certify.certificates.keys import Algorithm
from certify.cli.output import ExitCode, agreed, complain, console, opened_service, progress_bar
from certify.config import Settings
from certify.decision.issue import key_set
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Invalid
from certify.rewrap import Rewrapped, rewrap
from certify.service import Service, utc_now
from certify.storage.keys import FileMasterKey, begin_move, end_move
from certify.storage.rewrap import other_connections
from certify.storage.signing import Purpose, active_key, rotate_key
from certify.tokens import Role, development_signer

app = typer.Typer(help="Public keys for verification, rotation, and moving to a new master key.", no_args_is_help=True)


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Where to write the JWK Set.", dir_okay=False)]) -> None:
    """Write the public keys that 'certify verify' needs. Give this file to payers; it holds no secret."""
    with opened_service() as service, service.unit() as unit:
        active_key(unit.db, service.vault, "certificate", unit.now.replace(microsecond=0))
        file.write_text(key_set(unit).to_json(), "utf-8")
    console.print(f"Wrote {file}.", soft_wrap=True)


_AFTERWARDS = {
    Purpose.CERTIFICATE: "Export the keys again ('certify keys export'), so that payers can verify new certificates.",
    Purpose.LEDGER: "Give the new public key to those who keep checkpoints (GET /v1/ledger/keys).",
    Purpose.VISIT: "Tablets seal to it once they fetch new work; what is sealed to the old one is opened as before.",
    Purpose.SESSION: "Restart every 'certify serve' now: until then it signs with the old key.",
}


@app.command()
def rotate(
    purpose: Annotated[
        Purpose, typer.Option(help="Which key: of certificates, ledger checkpoints, session tokens, or visits.")
    ] = Purpose.CERTIFICATE,
    algorithm: Annotated[
        Algorithm, typer.Option(help="Of the new key; ledger and session keys are always Ed25519 (EdDSA).")
    ] = Algorithm.EDDSA,
) -> None:
    """Retire the key that signs certificates and make a new one. Old certificates stay verifiable.

    With --purpose the key of ledger checkpoints or of session tokens instead. What the old key signed stays valid: old
    checkpoints for ever, tokens until they expire. Certificates: export the keys again afterwards, so that payers can
    verify new ones. Sessions: restart every 'certify serve'.
    """
    with opened_service() as service, service.unit() as unit:
        key = rotate_key(unit.db, service.vault, purpose, algorithm, unit.service.clock)
        unit.ledger(LedgerEvent.KEY_ROTATED, None, purpose=purpose.value, kid=key.kid, algorithm=key.algorithm.value)
    console.print(f"New {purpose} key {key.kid} ({key.algorithm}). {_AFTERWARDS[purpose]}", soft_wrap=True)


@app.command("rewrap")
def rewrap_command(
    to: Annotated[
        Path, typer.Option(help="File of the new master key; made when there is none, taken as it is otherwise.")
    ],
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only make the file. Put into place now, it reads old and new.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, even while others use the database.")] = False,
) -> None:
    """Move to a new master key: wrap all data keys, service secrets and private signing keys under it.

    Stop the service, run this, put the new file into place, start. Without stopping: make the file with --prepare, put
    it into place on every machine and restart there, then run this with --to the file in place.

    It may be stopped or killed at any moment and started again with the same --to: what was moved is passed over.
    Until all is moved the new file holds both keys, so it reads everything; keep the old file too until you are done.

    What lies inside stays the same: data keys, the key of the id hash, signing keys. Certificates stay valid, nobody
    has to enrol again, access tokens are not affected (the development issuer has a key file of its own). Whoever
    has the old key and a copy of the database from before can still read that copy.

    Exit code 0 when everything was moved, 1 when you declined, 3 when --to names the key already in use, 4 when
    something could not be opened with either key; the old key is still needed then.
    """
    settings = Settings()
    with opened_service() as service:
        current = FileMasterKey(settings.key_file)
        # What counts is the key, not the name: the file may be a copy of the one in place.
        in_place = to.exists() and FileMasterKey(to).id == current.id
        if in_place and not current.old_ids:
            raise Invalid(
                f"{to} holds the master key that is in use, and nothing waits to be moved to it.",
                hint="Name another file; it is made when there is none.",
                code="master_key_in_use",
            )
        if not in_place and not prepare and not yes:
            _ask_about_others(service)
        key = begin_move(to, settings.key_file)
        if prepare:
            console.print(
                f"{to} holds the new key {key.id} and, behind it, the one in use. Put it into place as "
                f"{settings.key_file} on every machine, restart there, then run:\n"
                f"  certify keys rewrap --to {settings.key_file}",
                soft_wrap=True,
                highlight=False,
            )
            return
        with progress_bar() as bar:
            task = bar.add_task(f"Moving to {key.id}", total=None)
            moved = rewrap(service, key, progress=lambda done, total: bar.update(task, completed=done, total=total))
        if moved.left:
            complain(
                f"{moved.left:,} keys could be opened neither with the old key nor with the new one.",
                f"{to} still holds both keys. Find the key these were wrapped with, or erase the people concerned.",
            )
            raise typer.Exit(ExitCode.UNAVAILABLE)
        end_move(to)
    _tell_what_is_next(moved, key.id, to, settings.key_file, in_place=in_place)


def _ask_about_others(service: Service) -> None:
    with service.reading() as unit:
        others = other_connections(unit.db)
    if others:
        agreed(
            f"{others} other connections use this database. A service that knows only the old key can read nothing "
            "that was moved, until it has the new file. Stop it first, or use --prepare. Go on all the same?"
        )


def _tell_what_is_next(moved: Rewrapped, key_id: str, to: Path, place: Path, *, in_place: bool) -> None:
    console.print(
        f"[green]✓[/] Everything is under {key_id} now. Moved: {moved.data_keys:,} data keys, "
        f"{moved.secrets:,} secrets, {moved.signing_keys:,} signing keys, {moved.answers:,} stored answers.",
        soft_wrap=True,
        highlight=False,
    )
    if in_place:
        console.print(f"{to} holds the new key alone. Copy it to the other machines.", soft_wrap=True, highlight=False)
    else:
        console.print("Now put the new file into place, before the service starts again:", highlight=False)
        console.print(
            f"  mv {quote(str(place))} {quote(f'{place}.old')} && mv {quote(str(to))} {quote(str(place))}",
            soft_wrap=True,
            highlight=False,
        )
    console.print(
        "Back up the new key. Keep the old one until the last backup of the database made before now has expired; "
        "then destroy it.",
        soft_wrap=True,
    )


def register(root: typer.Typer) -> None:
    """Add ``certify token`` to the command."""
    root.command("token")(token)


def token(
    role: Annotated[Role, typer.Option(help="Whom the token speaks for.")],
    subject: Annotated[str, typer.Option(help="Name of the caller, as the ledger shows it.")] = "developer",
    source: Annotated[
        list[str] | None, typer.Option(help="Registry a machine speaks for; may be given several times.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24)] = 8,
) -> None:
    """Print an access token of the built-in development issuer. Refused when CERTIFY_ENV=production."""
    signer = development_signer(Settings())
    text = signer.issue(
        subject=subject, role=role, now=utc_now(), lifetime=timedelta(hours=hours), sources=source or ()
    )
    typer.echo(text)

"""``certify keys`` and ``certify token``: public keys, rotation, the master key, and tokens for development."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.choices import KeyAlgorithm, KeyPurpose, TokenRole
from certify.cli.exit_codes import ExitCode
from certify.cli.options import command_group, output_file, require_finite, require_writable
from certify.cli.output import Ink, agreed, complain, progress_bar, say
from certify.cli.service import opened_service
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:
    from certify.rewrap import Rewrapped
    from certify.service import Service

app = command_group("Export public keys, rotate signing keys, and move to a new master key.")

_AFTERWARDS = {
    KeyPurpose.CERTIFICATE: "Export the keys again ('certify keys export'), so that payers can verify new "
    "certificates.",
    KeyPurpose.LEDGER: "Give the new public key to those who keep checkpoints (GET /v1/ledger/keys).",
    KeyPurpose.VISIT: "Tablets seal to it once they fetch new work; what is sealed to the old one is opened as before.",
    KeyPurpose.SESSION: "Restart every 'certify serve' now: until then it signs with the old key.",
}


@app.command("init")
def make_master_key(
    file: Annotated[Path | None, typer.Argument(help="File to make. Default: CERTIFY_MASTER_KEY_FILE.")] = None,
) -> None:
    """Make a new master key in a file outside the data folder. An existing file is never overwritten.

    In production the service never makes a key by itself: a key that is missing by mistake must not be replaced by one
    that can read nothing. Exit code 3 when the file exists or lies in the data folder.
    """
    from certify.config import read_settings
    from certify.storage.keys import FileMasterKey

    settings = read_settings()
    path = file or settings.master_key_file
    if path is None:
        raise typer.BadParameter("name a file, or set CERTIFY_MASTER_KEY_FILE", param_hint="FILE")
    if path.exists():
        raise Invalid(
            f"{path} exists already, and a master key is never overwritten.",
            hint="Name another file, or use this key.",
            code=ErrorCode.MASTER_KEY_EXISTS,
        )
    if path.resolve().is_relative_to(settings.data_dir.resolve()):
        raise Invalid(
            f"{path} lies in the data folder {settings.data_dir}: one theft or one lost disk would take both.",
            hint="Name a file elsewhere.",
            code=ErrorCode.MASTER_KEY_IN_DATA,
        )
    key = FileMasterKey(path)
    say(Ink("✓", "green"), f" Made the master key {key.id} in {path}.")
    say("Back it up now, and not beside the database's backups. Without it nothing can be read.")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="JSON file (JWK Set) to write.", callback=require_writable)],
) -> None:
    """Write the public keys that 'certify verify' needs. Give the file to payers; it holds no secret."""
    from certify.decision.issue import key_set
    from certify.storage.signing import active_key

    with opened_service() as service, service.unit() as unit:
        active_key(unit.db, service.vault, "certificate", unit.now.replace(microsecond=0))
        file.write_text(key_set(unit).to_json(), "utf-8")
    say(f"Wrote {file}.")


@app.command()
def rotate(
    purpose: Annotated[
        KeyPurpose,
        typer.Option(help="Key to replace: of certificates, ledger checkpoints, session tokens, or sealed visits."),
    ] = KeyPurpose.CERTIFICATE,
    algorithm: Annotated[
        KeyAlgorithm, typer.Option(help="Algorithm of the new key. Ledger and session keys are always EdDSA (Ed25519).")
    ] = KeyAlgorithm.EDDSA,
) -> None:
    """Retire the key that signs certificates and make a new one. Old certificates can still be verified.

    With --purpose, do the same for the key of ledger checkpoints, of session tokens or of sealed visits. What the old
    key signed stays valid: checkpoints without limit, tokens until they expire. After a rotation of the certificate
    key, export the keys again, so that payers can verify new certificates. After a rotation of the session key, restart
    every 'certify serve'.
    """
    from certify.certificates.keys import Algorithm
    from certify.domain.ledger_events import LedgerEvent
    from certify.storage.signing import Purpose, rotate_key

    with opened_service() as service, service.unit() as unit:
        key = rotate_key(unit.db, service.vault, Purpose(purpose.value), Algorithm(algorithm.value), unit.service.clock)
        unit.ledger(LedgerEvent.KEY_ROTATED, None, purpose=purpose.value, kid=key.kid, algorithm=key.algorithm.value)
    say(f"New {purpose.value} key {key.kid} ({key.algorithm}). {_AFTERWARDS[purpose]}")


@app.command("rewrap")
def rewrap_command(
    to: Annotated[
        Path,
        output_file(
            "File of the new master key. It is made when it does not exist, and used as it is otherwise.", private=True
        ),
    ],
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only make the file. It reads what the old and what the new key wrapped."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, even while others use the database.")] = False,
) -> None:
    """Move to a new master key: wrap all data keys, service secrets and private signing keys with it.

    Stop the service, run this, put the new file in the place of the old one, start. Without stopping: make the file
    with --prepare, put it in place on every machine and restart there, then run this with --to the file in place.

    The command may be stopped or killed at any moment and run again with the same --to: keys that were moved are
    skipped. Until all are moved the new file holds both keys, so it reads everything; keep the old file until you are
    done.

    The keys themselves stay the same: data keys, the key of the id hash, signing keys. So certificates stay valid,
    people need not enrol again, and access tokens are not affected (the development issuer has a key file of its own).
    The old key together with an old copy of the database still reads that copy.

    Exit code 0 when everything was moved, 1 when you declined, 3 when --to names the key already in use, 4 when
    something could not be opened with either key; the old key is still needed then.
    """
    from certify.config import read_settings
    from certify.rewrap import rewrap
    from certify.storage.keys import FileMasterKey, begin_move, end_move

    settings = read_settings()
    with opened_service() as service:
        current = FileMasterKey(settings.key_file)
        # What counts is the key, not the name: the file may be a copy of the one in place.
        in_place = to.exists() and FileMasterKey(to).id == current.id
        if in_place and not current.old_ids:
            raise Invalid(
                f"{to} holds the master key that is in use, and nothing waits to be moved to it.",
                hint="Name another file; it is made when there is none.",
                code=ErrorCode.MASTER_KEY_IN_USE,
            )
        if not in_place and not prepare and not yes:
            _ask_about_others(service)
        key = begin_move(to, settings.key_file)
        if prepare:
            say(
                f"{to} holds the new key {key.id} and, behind it, the one in use. Put it into place as "
                f"{settings.key_file} on every machine, restart there, then run:"
            )
            say(f"  certify keys rewrap --to {quote(str(settings.key_file))}")
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
    """Ask before keys are moved that other processes may need.

    Args:
        service: the service.

    Raises:
        Exit: the answer was no; the command ends with ``ExitCode.NO``.
    """
    from certify.storage.rewrap import other_connections

    with service.reading() as unit:
        others = other_connections(unit.db)
    if others:
        agreed(
            f"{others} other connections use this database. A service that knows only the old key can read nothing "
            "that was moved, until it has the new file. Stop it first, or use --prepare. Go on all the same?"
        )


def _tell_what_is_next(moved: Rewrapped, key_id: str, to: Path, place: Path, *, in_place: bool) -> None:
    say(
        Ink("✓", "green"),
        f" Everything is under {key_id} now. Rewrapped: {moved.data_keys:,} data keys, {moved.secrets:,} secrets, "
        f"{moved.signing_keys:,} signing keys, {moved.answers:,} stored answers.",
    )
    if in_place:
        say(f"{to} holds the new key alone. Copy it to the other machines.")
    else:
        say("Now put the new file into place, before the service starts again:")
        say(f"  mv {quote(str(place))} {quote(f'{place}.old')} && mv {quote(str(to))} {quote(str(place))}")
    say(
        "Back up the new key. Keep the old one until the last backup of the database made before now has expired; "
        "then destroy it."
    )


def register(root: typer.Typer) -> None:
    """Add ``certify token`` to the command."""
    root.command("token")(token)


def token(
    role: Annotated[TokenRole, typer.Option(help="Role that the token gives.")],
    subject: Annotated[str, typer.Option(help="Name of the caller, as the ledger shows it.")] = "developer",
    source: Annotated[
        list[str] | None, typer.Option(help="Source that a registry speaks for; may be given several times.")
    ] = None,
    scheme: Annotated[
        list[str] | None,
        typer.Option(help="Scheme that the caller works for; all without it. May be given several times."),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(help="Region that the caller works for, with all that begin with it. May be given several times."),
    ] = None,
    hours: Annotated[
        float, typer.Option(min=0.01, max=24, help="Hours until the token expires.", callback=require_finite)
    ] = 8,
) -> None:
    """Print an access token of the built-in development issuer. Refused when CERTIFY_ENV=production."""
    from certify.config import read_settings
    from certify.domain.scope import Scope
    from certify.issuers.tokens import Role, development_signer

    signer = development_signer(read_settings())
    text = signer.issue(
        subject=subject,
        role=Role(role.value),
        now=datetime.now(UTC),
        lifetime=timedelta(hours=hours),
        sources=source or (),
        scope=Scope(frozenset(scheme) if scheme else None, frozenset(region) if region else None),
    )
    typer.echo(text)

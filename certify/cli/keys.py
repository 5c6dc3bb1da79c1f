"""``certify keys`` and ``certify token``: public keys, rotation, and tokens for development."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from certify.certificates.keys import Algorithm
from certify.cli.output import console, opened_service
from certify.config import Settings
from certify.issue import key_set
from certify.service import utc_now
from certify.storage.signing import active_key, rotate_key
from certify.tokens import Role, development_signer

app = typer.Typer(help="Public keys for verification, and rotation.", no_args_is_help=True)


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Where to write the JWK Set.", dir_okay=False)]) -> None:
    """Write the public keys that 'certify verify' needs. Give this file to payers; it holds no secret."""
    with opened_service() as service, service.unit() as unit:
        active_key(unit.db, service.vault, "certificate", unit.now.replace(microsecond=0))
        file.write_text(key_set(unit).to_json(), "utf-8")
    console.print(f"Wrote {file}.", soft_wrap=True)


@app.command()
def rotate(
    algorithm: Annotated[Algorithm, typer.Option(help="Of the new key.")] = Algorithm.EDDSA,
) -> None:
    """Retire the key that signs certificates and make a new one. Old certificates stay verifiable.

    Export the keys again afterwards, so that payers can verify new certificates.
    """
    with opened_service() as service, service.unit() as unit:
        key = rotate_key(unit.db, service.vault, "certificate", algorithm, unit.now)
        unit.ledger("key_rotated", None, kid=key.kid, algorithm=key.algorithm.value)
    console.print(f"New key {key.kid} ({key.algorithm}).")


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

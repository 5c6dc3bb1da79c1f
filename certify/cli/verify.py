"""``certify verify``: a certificate, offline, with only the public keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from certify.certificates.errors import CertificateError
from certify.certificates.keyset import KeySet
from certify.certificates.signing import State
from certify.certificates.verify import verify_any
from certify.cli.output import AsJson, ExitCode, complain, console, print_json
from certify.errors import Invalid, Unavailable

_MAX_BYTES = 20_000_000


def register(root: typer.Typer) -> None:
    """Add ``certify verify`` to the command."""
    root.command("verify")(verify)


def verify(
    certificate: Annotated[str, typer.Argument(help="A file (JSON, PDF, QR image), or the text of the QR code.")],
    keys: Annotated[Path, typer.Option(help="The issuer's public keys: 'certify keys export', or GET /v1/keys.")],
    as_json: AsJson = False,
) -> None:
    """Verify a certificate without a network: whether it is genuine and still valid.

    Whether it was revoked since can only the issuer tell (POST /v1/verify). Exit code 0 genuine and valid, 1 not,
    4 when the key file is missing or broken.
    """
    try:
        trusted = KeySet.from_json(keys.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Unavailable(f"The key file {keys} cannot be used: {error}", code="key_file") from error
    try:
        report = verify_any(_read(certificate), trusted, datetime.now(UTC))
    except CertificateError as error:
        if as_json:
            print_json({"state": "refused", "code": error.code, "lines": [error.diagnostics()]})
        else:
            complain(error.diagnostics(), "")
        raise typer.Exit(ExitCode.NO) from error
    if as_json:
        content = report.certificate.to_json()
        print_json({"state": report.state.value, "key_id": report.key_id, "content": content, "lines": report.lines})
    else:
        colour = "green" if report.state is State.VALID else "red"
        console.print(f"[bold {colour}]{report.lines[0]}[/]", highlight=False)
        for line in report.lines[1:]:
            console.print(f"  {line}", highlight=False, soft_wrap=True)
    if report.state is not State.VALID:
        raise typer.Exit(ExitCode.NO)


def _read(argument: str) -> bytes | str:
    if argument.startswith("CPL1:"):
        return argument
    path = Path(argument)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Invalid(f"{path} is too large for a certificate.", code="too_many_bytes")
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", code="file_unreadable") from error

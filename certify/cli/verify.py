"""``certify verify``: verify a certificate offline, with the public keys alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson
from certify.cli.output import Ink, complain, print_json, say
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid, Unavailable

_MAX_BYTES = 20_000_000
_MAX_NAME = 255


def register(root: typer.Typer) -> None:
    """Add ``certify verify`` to the command."""
    root.command("verify")(verify)


def verify(
    certificate: Annotated[
        str, typer.Argument(help="A file (PDF, JSON, picture or scan of the QR code, text), or the QR code's text.")
    ],
    keys: Annotated[
        Path, typer.Option(help="File of the issuer's public keys, from 'certify keys export' or GET /v1/keys.")
    ],
    as_json: AsJson = False,
) -> None:
    """Verify a certificate without a network: whether it is genuine and still valid.

    A certificate that was revoked meanwhile looks the same; only the issuer knows (POST /v1/verify). Exit code 0 when
    genuine and in date, 1 when not, 6 when only a face was compared, which is no proof of life by itself, 3 when the
    file cannot be read, 4 when the key file is missing or broken.
    """
    from certify.certificates.errors import CertificateError
    from certify.certificates.keyset import KeySet
    from certify.certificates.signing import State
    from certify.certificates.verify import verify_any

    try:
        trusted = KeySet.from_json(keys.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Unavailable(
            f"The key file {keys} cannot be used: {reason}.",
            hint="Fetch it from the issuer again.",
            code=ErrorCode.KEY_FILE,
        ) from error
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
        print_json(
            {
                "state": report.state.value,
                "only_a_face": report.only_a_face,
                "key_id": report.key_id,
                "content": content,
                "lines": report.lines,
            }
        )
    else:
        colour = "red" if report.state is not State.VALID else "yellow" if report.only_a_face else "green"
        say(Ink(report.lines[0], f"bold {colour}"))
        for line in report.lines[1:]:
            say(f"  {line}")
    if report.state is not State.VALID:
        raise typer.Exit(ExitCode.NO)
    if report.only_a_face:
        raise typer.Exit(ExitCode.WEAK)


def _read(argument: str) -> bytes | str:
    """Return the text of a QR code as it is, and anything else as the content of the file of that name.

    Args:
        argument: what the command line names.

    Returns:
        Text or bytes.

    Raises:
        Invalid: the file cannot be read (``file_unreadable``) or is too large (``too_many_bytes``).
    """
    path = Path(argument)
    if "CPL1:" in argument and not (len(argument) < _MAX_NAME and path.exists()):
        return argument
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Invalid(f"{path} is too large for a certificate.", code=ErrorCode.TOO_MANY_BYTES)
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", code=ErrorCode.FILE_UNREADABLE) from error

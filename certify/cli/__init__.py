"""The ``certify`` command: one file per group of commands; errors become a sentence and an exit code."""

from __future__ import annotations

import sys

import typer

from certify.certificates.errors import CertificateError
from certify.cli.lazy import LazyGroup
from certify.cli.output import ExitCode, complain
from certify.domain.policy import PolicyInvalid
from certify.errors import CertifyError, Unavailable
from models.errors import ImageRefused, ModelsError

_HELP = """
Prove once a year that a pensioner is alive, and issue a certificate that payers can verify.

New here? 'certify demo' plays the whole story on real faces. To run the service: 'certify models prepare', then
'certify serve'. Settings come from CERTIFY_… environment variables (docs/operations.md).

Exit codes: 0 done or yes; 1 the answer is no (not certified, not genuine, not identical, or you declined); 2 wrong
usage; 3 the input was refused; 4 something the command needs is missing or broken.
"""

app = typer.Typer(
    name="certify",
    cls=LazyGroup,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Hold the commands, which ``LazyGroup`` finds."""


def main() -> None:
    """Run the command; the entry point of the package."""
    try:
        app()
    except Unavailable as error:
        complain(error.message, error.hint)
        sys.exit(ExitCode.UNAVAILABLE)
    except ImageRefused as error:
        complain(str(error), "Take a new photo and try again.")
        sys.exit(ExitCode.REFUSED)
    except ModelsError as error:
        complain(error.message, error.hint)
        sys.exit(ExitCode.UNAVAILABLE)
    except CertifyError as error:
        complain(error.message, error.hint)
        sys.exit(ExitCode.REFUSED)
    except CertificateError as error:
        complain(error.diagnostics(), "")
        sys.exit(ExitCode.NO)
    except PolicyInvalid as error:
        complain(f"A policy cannot be used: {error}", "Correct the file named.")
        sys.exit(ExitCode.UNAVAILABLE)

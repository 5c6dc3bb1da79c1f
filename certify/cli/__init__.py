"""The ``certify`` command: one file per group of commands; errors become a sentence and an exit code.

A module of this package that adds commands loads at its top only what the options need; what works is loaded inside
the command. So a help text, ``--version`` and a mistyped word are answered at once. ``certify.cli.exit_codes`` lists
the exit codes.
"""

from __future__ import annotations

import gc
import sys
import traceback
from typing import Annotated

import typer

from certify.cli.ending import behind, ends_on_sigterm
from certify.cli.exit_codes import ExitCode
from certify.cli.lazy import LazyGroup
from certify.cli.output import complain, prepare_streams

_HELP = """
Prove once a year that a pensioner is alive, and issue a certificate that payers can verify.

New here? 'certify demo' plays the whole story on real faces. To run the service: 'certify models prepare', then
'certify serve'. Settings come from CERTIFY_… environment variables (docs/operations.md).

Exit codes: 0 done or yes; 1 the answer is no (not certified, not genuine, not identical, or you declined); 2 wrong
usage; 3 the input was refused; 4 something the command needs is missing or broken; 5 a fault in certify itself;
6 a genuine certificate that proves no life by itself.
"""

app = typer.Typer(
    name="certify",
    cls=LazyGroup,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    """Print the version of the installed package and end.

    Args:
        wanted: whether ``--version`` was given.

    Raises:
        Exit: the version was printed.
    """
    if wanted:
        from importlib.metadata import version

        typer.echo(f"certify {version('certify')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version of certify and end."),
    ] = False,
) -> None:
    """Hold the commands, which ``LazyGroup`` finds."""


_COLLECT_EVERY = 50_000
"""New objects after which Python looks for unreachable cycles. With its 700, a fifth of the time that ``serve`` takes
to load is spent looking at modules and classes that all stay."""


def main() -> None:
    """Run the command; the entry point of the package.

    SIGTERM ends a command like an error, so that files are closed and the embedded database is stopped.

    Raises:
        SystemExit: always, with one of the exit codes of ``certify.cli.exit_codes``.
    """
    gc.set_threshold(_COLLECT_EVERY)
    prepare_streams()
    with ends_on_sigterm():
        try:
            app()
        except ImportError as error:
            asked = behind(error)
            sys.exit(_report(error) if asked is None else asked.code)
        except Exception as error:  # noqa: BLE001 - each becomes a sentence and an exit code
            sys.exit(_report(error))


def _report(error: Exception) -> ExitCode:
    """Print why a command ended, and return its exit code."""
    from certify.cli.failures import failure_of

    failure = failure_of(error)
    if failure is not None:
        complain(failure.message, failure.hint)
        return failure.code
    traceback.print_exception(error)
    complain("This is a fault in certify.", "Report it with the lines above.")
    return ExitCode.FAULT

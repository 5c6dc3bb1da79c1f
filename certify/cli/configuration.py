"""``certify config``: check the settings before the service starts in production."""

from __future__ import annotations

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, command_group
from certify.cli.output import Ink, complain, print_json, say, warn

app = command_group("Check the settings.")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check that the settings are fit for production, and print everything that is not. Nothing is started or changed.

    'certify serve' and 'certify worker' make the same check when CERTIFY_ENV is 'production'. What is allowed and often
    forgotten is printed too, and issuers are asked for their keys. Exit code 0 when production may start, otherwise 4.
    """
    from certify.config import read_settings
    from certify.production import production_notes, production_problems

    problems = production_problems()
    notes = [] if problems else production_notes(read_settings())
    if as_json:
        print_json({"problems": problems, "notes": notes})
    for problem in () if as_json else problems:
        complain(problem, "")
    for note in () if as_json else notes:
        warn(note)
    if problems:
        raise typer.Exit(ExitCode.UNAVAILABLE)
    if not as_json:
        say(Ink("✓", "green"), " The settings are fit for production.")

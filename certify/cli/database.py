"""``certify db``: the database schema."""

from __future__ import annotations

from typing import Annotated

import typer

from certify.cli.output import console
from certify.config import Settings
from certify.storage.database import open_database

app = typer.Typer(help="Create and migrate the database.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Create and migrate the database."""


@app.command()
def upgrade(
    revision: Annotated[str, typer.Argument(help="Where to; 'head' is what this release needs.")] = "head",
) -> None:
    """Bring the database to the schema this release needs. Safe to repeat, and from several machines at once."""
    from certify.storage import migrate  # noqa: PLC0415 - slow to load

    database = open_database(Settings())
    migrate.upgrade(database, revision)
    database.close()
    console.print("The database is up to date.")

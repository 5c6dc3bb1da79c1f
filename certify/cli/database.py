"""``certify db``: the database schema."""

from __future__ import annotations

from typing import Annotated

import typer

from certify.cli.options import command_group
from certify.cli.output import say
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

app = command_group("Create and migrate the database.")


@app.command()
def upgrade(
    revision: Annotated[
        str, typer.Argument(help="Revision of the schema to migrate to; 'head' is the one that this release needs.")
    ] = "head",
) -> None:
    """Bring the database to the schema that this release needs. Safe to repeat, and from several machines at once."""
    from alembic.util.exc import CommandError

    from certify.config import read_settings
    from certify.storage import migrate
    from certify.storage.database import open_as_owner, runtime_role

    settings = read_settings()
    database = open_as_owner(settings)
    try:
        migrate.upgrade(database, revision, runtime=runtime_role(settings))
    except CommandError as error:
        if revision == "head":
            raise  # the database is newer than this release
        raise Invalid(
            f"The schema has no revision '{revision}'.",
            hint="Leave it out to migrate to 'head'.",
            code=ErrorCode.REVISION,
        ) from error
    finally:
        database.close()
    say("The database is up to date.")

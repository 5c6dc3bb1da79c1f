"""Migrate a database to the schema that this release needs, or back to an earlier one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from certify.storage.database import Database

# Two processes that start together must not migrate at once.
_LOCK = 0x6D6967726174651


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up to a revision; do nothing if the database has it already."""
    with database.engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to a revision; ``base`` empties the database."""
    with database.engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.downgrade(_config(connection), revision)


def is_current(database: Database) -> bool:
    """Return whether the database has the schema that this release needs. It costs one query."""
    with database.engine.connect() as connection:
        if connection.scalar(text("select to_regclass('public.alembic_version')")) is None:
            return False
        return connection.scalars(text("select version_num from public.alembic_version")).all() == [_head()]


@cache
def _head() -> str | None:
    """Return the newest revision of this release. Reading the scripts takes a third of a second."""
    return ScriptDirectory.from_config(_scripts()).get_current_head()


def _config(connection: Connection) -> Config:
    config = _scripts()
    config.attributes["connection"] = connection
    return config


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config

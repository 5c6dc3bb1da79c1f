"""Run migrations: Alembic's entry point, on the connection that certify.storage.migrate passes."""

from alembic import context

from certify.storage.tables import doorstep as doorstep_tables
from certify.storage.tables import journal as journal_tables
from certify.storage.tables.base import Base

TABLES = (Base, doorstep_tables, journal_tables)  # imported so that Alembic knows their tables


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Return whether an object belongs to our schema; the tables of the job queue have their own."""
    return kind != "table" or not (name or "").startswith("procrastinate_")


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, include_name=is_ours)
with context.begin_transaction():
    context.run_migrations()

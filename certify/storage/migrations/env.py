"""Alembic's entry point: runs on the connection that certify.storage.migrate hands over."""

from alembic import context

from certify.storage.tables import doorstep as doorstep_tables
from certify.storage.tables.base import Base

TABLES = (Base, doorstep_tables)  # loaded, so that their tables are known


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out the job queue's tables, which bring their own schema."""
    return kind != "table" or not (name or "").startswith("procrastinate_")


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, include_name=is_ours)
with context.begin_transaction():
    context.run_migrations()

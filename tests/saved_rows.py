"""Save all rows of a test's database, and put them back: building the same world again takes ten times as long."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

_TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'jobs') and c.relkind = 'r' and c.relname <> 'alembic_version' order by 1, 2
"""
_SEQUENCES = """
select schemaname, sequencename, last_value from pg_sequences
where schemaname in ('public', 'jobs') and last_value is not null
"""


@dataclass(frozen=True, slots=True)
class SavedRows:
    """The rows of a database.

    Attributes:
        tables: of each table with rows: schema, name, and what COPY wrote.
        sequences: of each used sequence: schema, name, and its last value.
    """

    tables: tuple[tuple[str, str, bytes], ...]
    sequences: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, connection: psycopg.Connection) -> SavedRows:
        """Read all rows.

        Args:
            connection: as the owner of the database, without an open transaction.
        """
        tables = []
        for schema, name in connection.execute(_TABLES).fetchall():
            statement = sql.SQL("copy {} to stdout (format binary)").format(sql.Identifier(schema, name))
            with connection.cursor().copy(statement) as copy:
                rows = b"".join(bytes(part) for part in copy)
            if len(rows) > _EMPTY_COPY:
                tables.append((schema, name, rows))
        return cls(tuple(tables), tuple(connection.execute(_SEQUENCES).fetchall()))

    def put_back(self, connection: psycopg.Connection) -> None:
        """Write the rows into an empty database of the same schema.

        Args:
            connection: as the owner of the database, without an open transaction.
        """
        with connection.transaction():
            # Without triggers and foreign keys: some tables are append-only, and the order does not matter.
            connection.execute("set local session_replication_role = replica")
            for schema, name, rows in self.tables:
                statement = sql.SQL("copy {} from stdin (format binary)").format(sql.Identifier(schema, name))
                with connection.cursor().copy(statement) as copy:
                    copy.write(rows)
            for schema, name, value in self.sequences:
                connection.execute("select setval(%s::regclass, %s)", (f'"{schema}"."{name}"', value))


_EMPTY_COPY = 21
"""Length of what COPY writes of an empty table: signature, flags and length of the header, and the trailer (-1)."""

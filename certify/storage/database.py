"""The connection to PostgreSQL and the transaction: one request or job is one transaction, committed at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from certify.config import Settings
from certify.storage.embedded import embedded_url, start_embedded

SESSION_OPTIONS = "-csearch_path=public,jobs -ctimezone=UTC"
"""What every connection to our database is opened with, the job queue's own too."""


_CONNECT_SECONDS = 10
"""psycopg itself would wait for 130 seconds, in which nothing is printed and nothing answers."""


class Database:
    """An engine with the settings every part relies on: UTC, a search path that holds the job queue, bounded waits."""

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
        """The address in the form psycopg reads: SQLAlchemy's, without the driver's name."""
        return self.url.replace("postgresql+psycopg://", "postgresql://", 1)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session, commit when the block ends, roll back when it raises."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reads, each on its own: no transaction, so two round trips fewer."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("select 1"))

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def _patience(url: str) -> dict[str, int]:
    """Return how long to wait for a server that does not answer, unless the address says it itself."""
    return {} if "connect_timeout=" in url else {"connect_timeout": _CONNECT_SECONDS}


def holds_secrets(database: Database) -> bool:
    """Tell whether something in the database was wrapped by a master key."""
    with database.engine.connect() as connection:
        if connection.scalar(text("select to_regclass('public.signing_keys')")) is None:
            return False
        return bool(connection.scalar(text("select exists (select from signing_keys) or exists (select from secrets)")))


def database_url(settings: Settings) -> str:
    """Return the configured URL, or that of the embedded server, started when needed."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_url(start_embedded(Path(settings.data_dir)))


def open_database(settings: Settings, *, pool_size: int = 10) -> Database:
    """Connect as the settings say."""
    return Database(database_url(settings), pool_size=pool_size)

"""Write, search and shorten the journal of who read about whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, Error
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.storage.database import SESSION_OPTIONS, Database
from certify.storage.tables.journal import AccessRow

_ADD = b"""
    insert into access_journal (at, subject, issuer, role, request_id, route, target, status, people)
    values (%(at)s, %(subject)s, %(issuer)s, %(role)s, %(request_id)s, %(route)s, %(target)s, %(status)s, %(people)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRead:
    """One request that read something about people.

    Attributes:
        at: when.
        subject: who, by the issuer of the token.
        issuer: who says so.
        role: as what.
        request_id: of the answer's ``X-Request-ID``.
        route: method and template of the path.
        target: what the path names; empty for a list.
        status: status of the answer.
        people: ids of the people whom the answer was about.
    """

    at: datetime
    subject: str
    issuer: str
    role: str
    request_id: str
    route: str
    target: str
    status: int
    people: Collection[UUID]


class JournalWriter:
    """Writes entries inside the event loop, on connections of its own, before the answer leaves.

    A commit does not wait for the disk: if the database's machine loses its power, the entries of the last second may
    be missing. Waiting would double the time of a payer's question.
    """

    def __init__(self, database: Database, *, size: int = 2) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            database.conninfo,
            min_size=1,
            max_size=size,
            open=False,
            timeout=10,
            kwargs={"autocommit": True, "options": f"{SESSION_OPTIONS} -csynchronous_commit=off"},
        )

    async def open(self) -> None:
        """Connect."""
        await self._pool.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()

    async def write(self, read: NewRead) -> None:
        """Store an entry.

        Raises:
            Unavailable: the database does not store it (``database_unavailable``).
        """
        entry = {name: getattr(read, name) for name in NewRead.__slots__} | {"people": list(read.people)}
        try:
            try:
                await self._execute(entry)
            except Error:
                await self._pool.check()  # if the database was restarted, a new connection works
                await self._execute(entry)
        except (Error, PoolTimeout) as error:
            raise Unavailable(
                "The journal of reads cannot be written, so nothing is shown.",
                hint="Try again shortly.",
                code=ErrorCode.DATABASE_UNAVAILABLE,
            ) from error

    async def _execute(self, entry: dict[str, Any]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_ADD, entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFilter:
    """Which entries of the journal are wanted; None for all.

    Attributes:
        subject: who read.
        role: as what.
        person: about whom.
        request_id: of one request.
        since: from this instant.
        until: before this instant.
    """

    subject: str | None = None
    role: str | None = None
    person: UUID | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_reads(db: Session, wanted: ReadFilter, *, before: int | None = None, limit: int) -> Sequence[AccessRow]:
    """Return entries of the journal, newest first.

    Args:
        db: the session of the transaction.
        wanted: which entries.
        before: only entries with a smaller number: the last of the page before.
        limit: at most so many.
    """
    query = select(AccessRow).order_by(AccessRow.id.desc()).limit(limit)
    for column, value in (
        (AccessRow.subject, wanted.subject),
        (AccessRow.role, wanted.role),
        (AccessRow.request_id, wanted.request_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.person is not None:
        query = query.where(AccessRow.people.contains([wanted.person]))
    if wanted.since is not None:
        query = query.where(AccessRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AccessRow.at < wanted.until)
    if before is not None:
        query = query.where(AccessRow.id < before)
    return db.scalars(query).all()


def forget_reads(db: Session, before: datetime) -> None:
    """Delete entries that are older than an instant; the database keeps those of the last thirty days in any case."""
    db.execute(select(func.certify_forget_reads(before)))

"""A lock for each feed, held while its file is imported or carried out: two runs never change the same records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.storage.database import Database

_TRY = text("select pg_try_advisory_lock(hashtext('certify.feed'), hashtext(:feed))")
_FREE = text("select pg_advisory_unlock(hashtext('certify.feed'), hashtext(:feed))")


@contextmanager
def feed_locked(database: Database, feed: str) -> Iterator[None]:
    """Hold the lock of a feed. PostgreSQL frees it by itself when the process or its connection ends.

    Args:
        database: the database.
        feed: name of the feed.

    Yields:
        Nothing.

    Raises:
        Conflict: somebody else holds it (``feed_busy``).
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(_TRY, {"feed": feed}):
            raise Conflict(
                f"Another import or run of the feed {feed} is going on.",
                hint="Wait until it has ended; 'certify run list' shows it. Then call this again.",
                code=ErrorCode.FEED_BUSY,
            )
        try:
            yield
        finally:
            connection.scalar(_FREE, {"feed": feed})

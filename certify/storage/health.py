"""Check that the database answers, has the schema of this release, and can write to its disk."""

from __future__ import annotations

from sqlalchemy import text

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.storage.database import Database, DatabaseError, sqlstate
from certify.storage.migrate import is_current

_NO_ROOM = "53"
"""Class of SQLSTATE for insufficient resources (PostgreSQL, appendix A): a full disk is 53100."""

# A sort that does not fit into the least memory that PostgreSQL allows writes a temporary file, beside the tables. It
# needs no right to create or change anything, leaves nothing behind, and fails when the disk is full.
_WRITE = """
select count(*) from (select md5(n::text) as word from generate_series(1, 4000) as n order by word offset 0) as sorted
"""


def require_current_schema(database: Database) -> None:
    """Check that the database answers and has the schema of this release; errors of SQLAlchemy pass to the caller.

    Raises:
        Unavailable: the schema is an older or newer one (``schema_old``).
    """
    if not is_current(database):
        raise Unavailable(
            "The database schema is not current.", hint="Run 'certify db upgrade'.", code=ErrorCode.SCHEMA_OLD
        )


def require_room(database: Database) -> None:
    """Check that the database can write to its disk, with a temporary file of some 100 kB; takes a few milliseconds.

    Raises:
        Unavailable: it cannot (``disk_full``).
    """
    try:
        with database.engine.begin() as connection:
            connection.execute(text("set local work_mem = '64kB'"))
            connection.execute(text(_WRITE))
    except DatabaseError as error:
        if (sqlstate(error) or "").startswith(_NO_ROOM):
            raise Unavailable(
                f"The database cannot write: its disk is full or a limit is reached (SQLSTATE {sqlstate(error)}).",
                hint="Make room. Nothing that was accepted is lost.",
                code=ErrorCode.DISK_FULL,
            ) from error
        raise

"""Statements sent as they stand, past the compiler and the ORM: those of every determination, where each costs time.

Rows go in as one JSON parameter a table (``json_populate_recordset`` gives each value the type of its column), so one
statement writes one row or thousands, and PostgreSQL prepares it once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from psycopg import Connection, Cursor, Error
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, make_transient_to_detached

from certify.storage.tables.base import Base

R = TypeVar("R", bound=Base)
Row = Mapping[str, Any]


def run(db: Session, statement: bytes, parameters: Mapping[str, Any]) -> int:
    """Execute a statement that gives no rows, after what the ORM still has to write; return how many it touched."""
    return _execute(db, statement, parameters, binary=False).rowcount


def fetch(
    db: Session, statement: bytes, parameters: Mapping[str, Any] | None = None, *, binary: bool = False
) -> list[Any]:
    """Execute a statement, after what the ORM still has to write, and return its rows as tuples.

    ``binary`` is for megabytes of bytes: as text they would come in hexadecimal, twice as long.
    """
    return _execute(db, statement, parameters, binary=binary).fetchall()


def load(
    db: Session, entity: type[R], condition: bytes, parameters: Mapping[str, Any], *, also: tuple[str, ...] = ()
) -> R | None:
    """Return the one row of a table that a condition names, as the ORM would: known to the session, changes written.

    A row the session holds already is returned as it is there. What the mapping defers is read when it is asked for,
    but for ``also``.
    """
    names, query = _columns(entity, also)
    rows = fetch(db, query + condition, parameters)
    if not rows:
        return None
    values = dict(zip(names, rows[0], strict=True))
    mapper = inspect(entity)
    key = mapper.identity_key_from_primary_key(tuple(values[column.name] for column in mapper.primary_key))
    known = db.identity_map.get(key)
    if known is not None:
        return cast("R", known)
    row = entity(**values)
    make_transient_to_detached(row)
    db.add(row)
    return row


@cache
def _columns(entity: type[Base], also: tuple[str, ...]) -> tuple[list[str], bytes]:
    mapper = inspect(entity)
    found = [attribute for attribute in mapper.column_attrs if not attribute.deferred or attribute.key in also]
    columns = ", ".join(attribute.columns[0].name for attribute in found)  # an attribute may have another name
    # Names of our own tables, nothing that anybody sent.
    query = f"select {columns} from {mapper.local_table.description} where ".encode()  # noqa: S608
    return [attribute.key for attribute in found], query


def one_or_many(statement: bytes, people: Collection[UUID]) -> tuple[bytes, dict[str, Any]]:
    """Complete a statement that ends in a column with the people it is about, and give the parameters.

    For one person with "=": PostgreSQL plans that once. What has an array it plans anew every time, which takes as long
    as executing it, because the plan for an array of unknown length looks dearer to it.
    """
    if len(people) == 1:
        return statement + b" = %(person)s", {"person": next(iter(people))}
    return statement + b" = any(%(people)s)", {"people": list(people)}


def driver(db: Session) -> Connection[Any]:
    """Return the driver's own connection, for what needs its binary form, after what the ORM still has to write."""
    db.flush()
    found = db.connection().connection.driver_connection
    if found is None:
        raise ConnectionError("the connection is closed")
    return found  # type: ignore[no-any-return]


def as_rows(rows: Sequence[Row]) -> str:
    """Return rows as the JSON that ``json_populate_recordset`` reads; what a row does not name becomes NULL."""
    return json.dumps(rows, default=_as_text, separators=(",", ":"))


def refresh(db: Session, *entities: type[Base]) -> None:
    """Read anew what the ORM holds of these tables, mostly nothing: a direct statement has changed it."""
    for loaded in list(db.identity_map.values()):
        if isinstance(loaded, entities):
            db.refresh(loaded)


def _execute(db: Session, statement: bytes, parameters: Mapping[str, Any] | None, *, binary: bool) -> Cursor[Any]:
    try:
        return driver(db).execute(statement, parameters, binary=binary)
    except Error as error:
        # Callers know SQLAlchemy's errors. The parameters stay out of the message: they hold names and dates of birth.
        raise DBAPIError.instance(None, None, error, Error, hide_parameters=True) from error


def _as_text(value: object) -> str:
    if isinstance(value, date):  # and datetime, which is one
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} has no place in a row")

"""Run SQL directly on psycopg, without the compiler and the ORM of SQLAlchemy, where speed matters.

Every determination runs these statements, so their overhead counts. Rows are passed as one JSON parameter for each
table, and ``json_populate_recordset`` gives each value the type of its column. So one statement writes one row or
thousands, and PostgreSQL prepares it once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    """Execute a statement that returns no rows, and return how many rows it changed.

    Pending changes of the ORM are written first.
    """
    return _execute(db, statement, parameters, binary=False).rowcount


def fetch(
    db: Session, statement: bytes, parameters: Mapping[str, Any] | None = None, *, binary: bool = False
) -> list[Any]:
    """Execute a statement and return its rows as tuples. Pending changes of the ORM are written first.

    Args:
        db: the session of the transaction.
        statement: SQL with placeholders of psycopg, such as ``%(id)s``.
        parameters: values of the placeholders.
        binary: transfer the result in binary form. Use it for megabytes of bytes: as text they come in hexadecimal,
            twice as long.
    """
    return _execute(db, statement, parameters, binary=binary).fetchall()


def load(
    db: Session, entity: type[R], condition: bytes, parameters: Mapping[str, Any], *, also: tuple[str, ...] = ()
) -> R | None:
    """Return the one row that a condition selects, as an object of the ORM whose changes the session writes.

    If the session holds the row already, it is returned as it is in the session. Deferred columns are read when they
    are used.

    Args:
        db: the session of the transaction.
        entity: class of the table.
        condition: the text after ``where``, with placeholders of psycopg; it selects one row at most.
        parameters: values of the placeholders.
        also: deferred columns to read at once.
    """
    rows = load_all(db, entity, condition, parameters, also=also)
    return rows[0] if rows else None


def load_all(
    db: Session,
    entity: type[R],
    condition: bytes,
    parameters: Mapping[str, Any],
    *,
    also: tuple[str, ...] = (),
    check: Callable[[R], None] | None = None,
) -> list[R]:
    """Return all rows that a condition selects, as :func:`load` does; the condition may end in ``order by``.

    Args:
        db: the session of the transaction.
        entity: class of the table.
        condition: the text after ``where``.
        parameters: values of the placeholders.
        also: deferred columns to read at once.
        check: called with each row that the session did not hold, before it is returned. A table whose rows carry a MAC
            needs it, because the events that check such rows belong to queries of the ORM.

    Raises:
        TypeError: the rows carry a MAC, and nothing checks it.
    """
    names, query = _columns(entity, also)
    mapper = inspect(entity)
    if check is None and "mac" in mapper.columns:
        raise TypeError(f"rows of {entity.__name__} carry a MAC that must be checked")
    loaded = []
    for row in fetch(db, query + condition, parameters):
        values = dict(zip(names, row, strict=True))
        key = mapper.identity_key_from_primary_key(tuple(values[column.name] for column in mapper.primary_key))
        held = cast("R | None", db.identity_map.get(key))
        if held is None:
            held = entity(**values)
            if check is not None:
                check(held)
            make_transient_to_detached(held)
            db.add(held)
        loaded.append(held)
    return loaded


@cache
def _columns(entity: type[Base], also: tuple[str, ...]) -> tuple[list[str], bytes]:
    mapper = inspect(entity)
    found = [attribute for attribute in mapper.column_attrs if not attribute.deferred or attribute.key in also]
    columns = ", ".join(attribute.columns[0].name for attribute in found)  # an attribute may have another name
    # Names of our own tables; nothing here comes from a caller.
    query = f"select {columns} from {mapper.local_table.description} where ".encode()  # noqa: S608
    return [attribute.key for attribute in found], query


def one_or_many(statement: bytes, people: Collection[UUID]) -> tuple[bytes, dict[str, Any]]:
    """Complete a statement with the people that it is about, and return it with its parameters.

    For one person the comparison is "=", which PostgreSQL plans once. A comparison with an array is planned again for
    every call, because the plan for an array of unknown length looks more costly; planning then takes as long as
    executing.

    Args:
        statement: SQL that ends in the column to compare.
        people: ids of the people.
    """
    if len(people) == 1:
        return statement + b" = %(person)s", {"person": next(iter(people))}
    return statement + b" = any(%(people)s)", {"people": list(people)}


def driver(db: Session) -> Connection[Any]:
    """Write the pending changes of the ORM, and return the connection of psycopg.

    Raises:
        ConnectionError: the connection is closed.
    """
    db.flush()
    connection = db.connection().connection.driver_connection
    if connection is None:
        raise ConnectionError("the connection is closed")
    return connection  # type: ignore[no-any-return]


def as_rows(rows: Sequence[Row]) -> str:
    """Return rows as JSON for ``json_populate_recordset``; a column that a row does not name becomes NULL."""
    return json.dumps(rows, default=_as_text, separators=(",", ":"))


def as_bytes(values: Iterable[bytes]) -> str:
    """Return bytes for ``string_to_array(…, ',')::bytea[]``: a driver writes arrays of thousands much more slowly."""
    return ",".join(["\\x" + value.hex() for value in values])


def refresh(db: Session, *entities: type[Base]) -> None:
    """Read again the rows of these tables that the session holds, after a direct statement changed them.

    Mostly the session holds none.
    """
    for loaded in list(db.identity_map.values()):
        if isinstance(loaded, entities):
            db.refresh(loaded)


def _execute(db: Session, statement: bytes, parameters: Mapping[str, Any] | None, *, binary: bool) -> Cursor[Any]:
    try:
        return driver(db).execute(statement, parameters, binary=binary)
    except Error as error:
        # Callers handle the errors of SQLAlchemy. The parameters stay out of the message: they hold personal data.
        raise DBAPIError.instance(None, None, error, Error, hide_parameters=True) from error


def _as_text(value: object) -> str:
    if isinstance(value, date):  # also datetime, a subclass
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} has no place in a row")

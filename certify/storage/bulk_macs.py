"""Compute and check the MACs of tens of thousands of rows at once, on Arrow tables (certify/storage/row_macs.py)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import JSON, DateTime, inspect
from sqlalchemy.orm import Session

from certify.domain.codec import canonical
from certify.storage.mac_form import MAC_BYTES, RowMac
from certify.storage.row_macs import COLUMNS, ENTITIES, LATER, RowKind, RowMacs, alarm, column_sql

_PREFIX = "guard_"
_MAC = f"{_PREFIX}mac"
_NUL = "\0"
_EMPTY = pa.scalar("")


@cache
def guard_columns(kind: RowKind) -> dict[str, pa.DataType]:
    """Return the names and types of the columns that ``guarded_sql`` adds to a query."""
    return {f"{_PREFIX}{name}": pa.string() for name in (*COLUMNS[kind], "mac")}


@cache
def guarded_sql(kind: RowKind, alias: str) -> str:
    """Return SQL for all columns that a MAC binds, in canonical form, and the MAC; ``checked_table`` reads them."""
    return ", ".join((*column_sql(kind, alias), f"encode({alias}.mac, 'hex')"))


def checked_table(macs: RowMacs, db: Session, kind: RowKind, rows: pa.Table) -> pa.Table:
    """Check rows that were read with the columns of ``guarded_sql``, and return them without these columns.

    Raises:
        RowAltered: a row is not as the service wrote it (``row_altered``).
    """
    guards = [f"{_PREFIX}{name}" for name in COLUMNS[kind]]
    columns = [rows[name].combine_chunks() for name in guards]
    computed = _macs(macs, db, kind, columns)
    stored = rows[_MAC].combine_chunks()
    different = pc.fill_null(pc.not_equal(_in_hex(computed, len(stored)), stored), fill_value=True)
    for place in np.flatnonzero(different.to_numpy(zero_copy_only=False)).tolist():
        theirs = stored[place].as_py()
        _look_again(
            macs,
            db,
            kind,
            [column[place].as_py() for column in columns],
            None if theirs is None else bytes.fromhex(theirs),
        )
    return rows.drop_columns([*guards, _MAC])


def sealed_batch(macs: RowMacs, db: Session, kind: RowKind, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows with their MACs in a further column, as PostgreSQL reads bytes from text."""
    return batch.append_column("mac", macs_in_text(macs, db, kind, batch))


def macs_in_text(macs: RowMacs, db: Session, kind: RowKind, rows: pa.Table | pa.RecordBatch) -> pa.Array:
    """Return the MACs of rows as PostgreSQL reads bytes from text. Columns that a table lacks are NULL."""
    given = set(rows.schema.names)
    columns = [
        _words(rows[name], instant=name in _instants(kind)) if name in given else pa.nulls(rows.num_rows, pa.string())
        for name in COLUMNS[kind]
    ]
    written = _in_hex(_macs(macs, db, kind, columns), rows.num_rows)
    return pc.binary_join_element_wise("\\x", written, "")


def _in_hex(macs: bytes, count: int) -> pa.StringArray:
    """Return MACs that follow one another as an array of hexadecimal texts."""
    width = 2 * MAC_BYTES
    offsets = pa.py_buffer(np.arange(0, width * count + 1, width, dtype=np.int32))
    return pa.StringArray.from_buffers(count, offsets, pa.py_buffer(macs.hex().encode()))


def _macs(macs: RowMacs, db: Session, kind: RowKind, columns: list[pa.Array]) -> bytes:
    """Return the MACs of rows whose columns are in their canonical form, one after another."""
    compute = macs.under(db, kind)
    return _macs_of(compute, columns, LATER.get(kind, 0))


def _macs_of(compute: RowMac, columns: list[pa.Array], later: int) -> bytes:
    """Return the MACs of rows; ``later`` columns at the end are bound where they are not NULL (``row_macs.bound``)."""
    count, last = len(columns[0]), columns[-1]
    if later and last.null_count == count:
        return _macs_of(compute, columns[:-1], later - 1)
    if later and last.null_count:
        given = last.is_valid()
        halves = ((given, columns, 0), (pc.invert(given), columns[:-1], later - 1))
        found = np.empty(count, f"S{MAC_BYTES}").view((np.uint8, MAC_BYTES))
        for chosen, bound_columns, more in halves:
            part = _macs_of(compute, [column.filter(chosen) for column in bound_columns], more)
            found[chosen.to_numpy(zero_copy_only=False)] = np.frombuffer(part, np.uint8).reshape(-1, MAC_BYTES)
        return found.tobytes()
    # Most columns have no NULL or nothing else; a constant for the whole column is joined much faster.
    words = [_EMPTY if column.null_count == count else column for column in columns]
    marks = pc.binary_join_element_wise(*[_mark(column) for column in columns], "")
    if isinstance(marks, pa.Scalar) and all(isinstance(column, pa.Scalar) for column in words):
        marks = pa.repeat(marks, count)
    joined = pc.binary_join_element_wise(*words, marks, _NUL, null_handling="replace", null_replacement="")
    joined = joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
    _, offsets, forms = joined.buffers()
    if forms is None:
        return b""
    bounds = np.frombuffer(offsets, np.int32)[joined.offset : joined.offset + len(joined) + 1]
    return compute.each(memoryview(forms), bounds.tolist())


def _mark(column: pa.Array) -> pa.Array | pa.Scalar:
    """Return "1" for each value of a column that is NULL and "0" for the others."""
    if column.null_count == 0:
        return pa.scalar("0")
    if column.null_count == len(column):
        return pa.scalar("1")
    return pc.if_else(column.is_null(), "1", "0")


def _words(column: pa.Array | pa.ChunkedArray, *, instant: bool) -> pa.Array:
    """Return a column in its canonical form, as ``row_macs.message`` writes it."""
    found = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks)
    if instant and pa.types.is_string(found.type):
        found = found.cast(pa.timestamp("us", "UTC"))
    if pa.types.is_timestamp(found.type):
        found = found.cast(pa.timestamp("us", found.type.tz)).cast(pa.int64())
    if pa.types.is_floating(found.type):
        found = found.cast(pa.float64()).view(pa.int64())
    return found.cast(pa.string())


def _look_again(macs: RowMacs, db: Session, kind: RowKind, words: list[Any], stored: bytes | None) -> None:
    """Check a row whose JSON is perhaps only written in another way, as earlier releases wrote it.

    Raises:
        RowAltered: the row is not as the service wrote it (``row_altered``).
    """
    values = list(words)
    for place, name in enumerate(COLUMNS[kind]):
        if isinstance(inspect(ENTITIES[kind]).columns[name].type, JSON):
            try:
                values[place] = canonical(json.loads(words[place])).decode()
            except ValueError:
                raise alarm(kind, words[0]) from None
    macs.check(db, kind, values, stored)


@cache
def _instants(kind: RowKind) -> frozenset[str]:
    columns = inspect(ENTITIES[kind]).columns
    return frozenset(name for name in COLUMNS[kind] if isinstance(columns[name].type, DateTime))

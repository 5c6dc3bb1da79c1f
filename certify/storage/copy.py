"""Move millions of rows between PostgreSQL and Arrow tables with COPY."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
import pyarrow.csv as pc
from psycopg import sql
from sqlalchemy.orm import Session

from certify.storage.direct import driver

_PIECE = 50_000
"""Rows that are turned into text at a time."""
_BLOCK = 8 << 20  # bytes


def copy_in(
    db: Session, table: str, rows: pa.Table, *, prepare: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None
) -> None:
    """Append rows to a table. PostgreSQL casts texts to the types of its columns; NULL stays NULL.

    Args:
        db: the session of the transaction.
        table: name of one of our own tables; never anything that a caller sent.
        rows: the rows; the names of the columns are those of the table.
        prepare: completes each piece in another thread, while PostgreSQL stores the piece before.
    """
    pieces = rows.to_batches(max_chunksize=_PIECE)
    columns = rows.column_names if prepare is None or not pieces else prepare(pieces[0].slice(0, 0)).schema.names
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(sql.Identifier(table), names)
    options = pc.WriteOptions(include_header=False)
    with driver(db).cursor() as cursor, cursor.copy(statement) as copy:
        for batch in _prepared(pieces, prepare):
            sink = pa.BufferOutputStream()
            pc.write_csv(batch, sink, options)
            copy.write(sink.getvalue())


def _prepared(
    pieces: Sequence[pa.RecordBatch], prepare: Callable[[pa.RecordBatch], pa.RecordBatch] | None
) -> Iterator[pa.RecordBatch]:
    if prepare is None:
        yield from pieces
        return
    with ThreadPoolExecutor(1) as ahead:
        waiting: Future[pa.RecordBatch] | None = None
        for piece in pieces:
            started = ahead.submit(prepare, piece)
            if waiting is not None:
                yield waiting.result()
            waiting = started
        if waiting is not None:
            yield waiting.result()


def copy_out(db: Session, query: str, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Return the result of a query as an Arrow table.

    Args:
        db: the session of the transaction.
        query: one of our own queries; it takes no parameters.
        columns: names and types of the result, in the order in which the query selects them.
    """
    return pa.Table.from_batches(copy_out_batches(db, query, columns), pa.schema(list(columns.items())))


def copy_out_batches(db: Session, query: str, columns: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the result of a query in batches of a few megabytes, for results too large to hold in memory.

    Args:
        db: the session of the transaction.
        query: one of our own queries; it takes no parameters.
        columns: names and types of the result, in the order in which the query selects them.
    """
    with driver(db).cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv)".encode()) as copy:
        source = _CopyFile(iter(copy))
        if not source.peek():
            return
        reader = pc.open_csv(
            pa.PythonFile(source, mode="r"),
            read_options=pc.ReadOptions(column_names=list(columns), block_size=_BLOCK),
            parse_options=pc.ParseOptions(newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                column_types=dict(columns),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
            ),
        )
        yield from reader


class _CopyFile(io.RawIOBase):
    """The output of COPY as a file that can be read once."""

    def __init__(self, blocks: Iterator[bytes | bytearray | memoryview]) -> None:
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def peek(self) -> bytes:
        """Return the next bytes without consuming them; empty at the end."""
        self._rest = self.read(1) + self._rest
        return self._rest

    def read(self, size: int = -1) -> bytes:
        wanted = size if size >= 0 else 1 << 62
        parts = [self._rest]
        have = len(self._rest)
        while have < wanted and (block := next(self._blocks, None)) is not None:
            parts.append(bytes(block))
            have += len(parts[-1])
        whole = b"".join(parts)
        self._rest = whole[wanted:] if have > wanted else b""
        return whole[:wanted]

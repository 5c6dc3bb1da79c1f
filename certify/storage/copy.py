"""Millions of rows into and out of PostgreSQL: COPY, with Arrow tables on our side."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.csv as pc
from psycopg import sql
from sqlalchemy.orm import Session

from certify.storage.direct import driver

_PIECE = 50_000
"""Rows turned into text at a time."""
_BLOCK = 8 << 20


def copy_in(db: Session, table: str, rows: pa.Table) -> None:
    """Append rows to a table of ours, by the names of the columns; texts are cast by PostgreSQL, NULL stays NULL."""
    names = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(sql.Identifier(table), names)
    options = pc.WriteOptions(include_header=False)
    with driver(db).cursor() as cursor, cursor.copy(statement) as copy:
        for batch in rows.to_batches(max_chunksize=_PIECE):
            sink = pa.BufferOutputStream()
            pc.write_csv(batch, sink, options)
            copy.write(sink.getvalue())


def copy_out(db: Session, query: str, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Return the result of a query of ours as Arrow, with columns of these names and types, in the order selected."""
    return pa.Table.from_batches(copy_out_batches(db, query, columns), pa.schema(list(columns.items())))


def copy_out_batches(db: Session, query: str, columns: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Do what ``copy_out`` does, a few megabytes at a time: for results that should not lie in memory as a whole."""
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
    """What comes out of COPY, as a file that is read once."""

    def __init__(self, blocks: Iterator[bytes | bytearray | memoryview]) -> None:
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def peek(self) -> bytes:
        """Return what comes next without taking it; nothing at the end."""
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

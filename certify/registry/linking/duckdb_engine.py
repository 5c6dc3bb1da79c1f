"""Linking on one machine: DuckDB, in memory with spilling to disk."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.linking.agreement import (
    FULL_WORD,
    INITIAL,
    SCRIPT_SQL,
    SOUND_CLASSES,
    SOUNDS,
    TONED,
    WHOLE_SYLLABLES,
)
from certify.registry.linking.engine import (
    Source,
    check_columns,
    checked_name,
)
from certify.registry.normalise import canonical

_BATCH = 1_000_000
"""Rows normalised at a time: some 120 MB. In a larger batch fewer values are new."""
_WANTED = "* EXCLUDE (id_reason, birth_reason)"
"""The canonical columns that are kept; the reasons of missing values are not needed."""


def _sounds_sql() -> str:
    """Return the SQL of the classes of a word ``w``, without repetitions: mm becomes m."""
    sql = f"translate(w, '{SOUND_CLASSES[0]}', '{SOUND_CLASSES[1]}')"
    for sound in SOUNDS:
        sql = f"regexp_replace({sql}, '{sound}+', '{sound}', 'g')"
    return sql


MACROS = (
    "CREATE MACRO word_count(a) AS len(string_split(a, ' '))",
    "CREATE MACRO shared_words(a, b) AS len(list_intersect(string_split(a, ' '), string_split(b, ' ')))",
    "CREATE MACRO same_letters(a, b) AS (list_sort(string_split(a, '')) = list_sort(string_split(b, '')))",
    f"CREATE MACRO script_of(a) AS ({SCRIPT_SQL})",
    f"CREATE MACRO has_tones(a) AS regexp_matches(a, '{TONED}')",
    (
        f"CREATE MACRO is_brief(a) AS (CASE WHEN regexp_matches(a, '{INITIAL}') AND script_of(a) NOT IN "
        f"({WHOLE_SYLLABLES}) THEN NOT regexp_matches(a, '{FULL_WORD}.* .*{FULL_WORD}') ELSE FALSE END)"
    ),
    (
        "CREATE MACRO sounds(a) AS list_aggregate(list_sort(list_transform(string_split(a, ' '), "
        f"lambda w: {_sounds_sql()})), 'string_agg', ' ')"
    ),
)
"""The functions that each engine defines (engine.py)."""


class DuckDbEngine:
    """One database in memory.

    Args:
        memory: memory that DuckDB may use, such as ``6GB``; other rows are spilled to disk.
        threads: threads of DuckDB and of normalising.
        spill: folder for spilled rows; None for a private one.
    """

    name = "duckdb"

    def __init__(self, *, memory: str = "6GB", threads: int = 2, spill: Path | None = None) -> None:
        self._folder = None if spill else tempfile.TemporaryDirectory(prefix="certify-link-")
        self._threads = threads
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads,
                "temp_directory": str(spill or (self._folder.name if self._folder else "")),
                # Queries sort where order matters; keeping it everywhere costs memory.
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
            }
        )
        for macro in MACROS:
            self.connection.execute(macro)

    def load(self, table: str, source: Source) -> None:
        """Normalise a batch in each thread, directly into the table."""
        checked_name(table)
        batches = self._canonical_batches(source)
        first = next(batches, None)
        reader = pa.RecordBatchReader.from_batches(
            (first or canonical(_empty(source), source.layout)).schema,
            (batch for piece in _chain(first, batches) for batch in piece.to_batches()),
        )
        self.connection.register("arriving", reader)
        self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {_WANTED} FROM arriving")
        self.connection.unregister("arriving")

    def _canonical_batches(self, source: Source) -> Iterator[pa.Table]:
        waiting: deque[Future[pa.Table]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for batch in self._read(source):
                waiting.append(pool.submit(canonical, batch, source.layout))
                if len(waiting) > self._threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _read(self, source: Source) -> Iterator[pa.RecordBatch]:
        wanted = source.layout.columns()
        if isinstance(source.data, pa.Table):
            check_columns(source.data.column_names, wanted, "The table")
            yield from source.data.select(wanted).combine_chunks().to_batches(_BATCH)
            return
        if isinstance(source.data, pa.RecordBatchReader):
            check_columns(source.data.schema.names, wanted, "The table")
            yield from _regrouped(source.data, wanted)
            return
        select, path = self._selected(source.data, {name: name for name in wanted}), str(source.data)
        # It needs its own cursor, because the main one fills the table at the same time.
        with self.connection.cursor() as cursor, _readable(source.data):
            yield from cursor.sql(select, params=[path]).to_arrow_reader(_BATCH)

    def file_columns(self, path: Path) -> list[str]:
        """Return the column names of a file."""
        return list(_columns_of(self.connection, path))

    def read(self, table: str, path: Path, columns: Mapping[str, str]) -> None:
        """Copy columns of a file, as texts."""
        select = self._selected(path, columns, cast=True)
        with _readable(path):
            self.connection.execute(f"CREATE OR REPLACE TABLE {checked_name(table)} AS {select}", [str(path)])

    def _selected(self, path: Path, columns: Mapping[str, str], *, cast: bool = False) -> str:
        """Return a query, with the path as its parameter, for columns under our names."""
        return selected_columns(self.connection, path, columns, cast=cast)

    def register(self, table: str, data: pa.Table) -> None:
        """Copy an Arrow table into the database."""
        self.connection.register("arriving", data)
        self.connection.execute(f"CREATE OR REPLACE TABLE {checked_name(table)} AS SELECT * FROM arriving")
        self.connection.unregister("arriving")

    def create(self, table: str, select: str) -> None:
        """Run the query and store its rows."""
        self.connection.execute(f"CREATE OR REPLACE TABLE {checked_name(table)} AS {select}")

    def define(self, table: str, select: str) -> None:
        """Make a view."""
        self.connection.execute(f"CREATE OR REPLACE VIEW {checked_name(table)} AS {select}")

    def keep_only(self, table: str, column: str) -> None:
        """Drop the other columns, without a copy of the one that stays."""
        for other in self.columns(table):
            if other != column:
                self.connection.execute(f"ALTER TABLE {checked_name(table)} DROP COLUMN {other}")

    def few(self, table: str, columns: str, where: str) -> str:
        """Return a query that finds the rows first, so that other columns are read for these rows only."""
        return f"SELECT {columns} FROM {table} WHERE rowid IN (SELECT rowid FROM {checked_name(table)} WHERE {where})"

    def query(self, select: str) -> pa.Table:
        """Return the result as Arrow."""
        return self.connection.sql(select).to_arrow_table()

    def count(self, table: str) -> int:
        """Count rows; DuckDB does not read them for that."""
        return int(self.connection.execute(f"SELECT count(*) FROM {checked_name(table)}").fetchall()[0][0])

    def columns(self, table: str) -> list[str]:
        """Return the column names."""
        return list(self.connection.table(checked_name(table)).columns)

    def splink(self) -> Any:
        """Return Splink on this connection."""
        from splink import DuckDBAPI  # noqa: PLC0415 - slow to load

        return DuckDBAPI(connection=self.connection)

    def close(self) -> None:
        """Close the database and delete spilled rows."""
        self.connection.close()
        if self._folder is not None:
            self._folder.cleanup()


def selected_columns(
    database: duckdb.DuckDBPyConnection, path: Path, columns: Mapping[str, str], *, cast: bool = True
) -> str:
    """Return a query, with the path as its parameter, for columns of a file under our names.

    Args:
        database: reads the names of the columns.
        path: the file.
        columns: names of its columns by ours.
        cast: whether the values become texts.

    Returns:
        The query.

    Raises:
        Invalid: a column is missing (``column_missing``), or the file cannot be read (``file``).
    """
    present = _columns_of(database, path)
    check_columns(present, columns.values(), path)
    kind = "::VARCHAR" if cast else ""
    wanted = ", ".join(f"{_quoted(present[theirs])}{kind} AS {_quoted(ours)}" for ours, theirs in columns.items())
    return f"SELECT {wanted} FROM {_reader(path)}"


def _columns_of(database: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Return the column names of a file by the same names without spaces around them."""
    with database.cursor() as cursor, _readable(path):
        rows = cursor.execute(f"DESCRIBE SELECT * FROM {_reader(path)}", [str(path)]).fetchall()
    return {str(row[0]).strip(): str(row[0]) for row in rows}


def _reader(path: Path) -> str:
    return "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, all_varchar=true, header=true)"


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise Invalid(f"{path} cannot be read as a table.", hint=str(error)[:200], code=ErrorCode.FILE) from error


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _chain(first: pa.Table | None, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    if first is not None:
        yield first
    yield from rest


def _regrouped(reader: pa.RecordBatchReader, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Combine a stream of small batches to the size at which normalising is fast."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        waiting.append(batch.select(wanted))
        rows += batch.num_rows
        if rows >= _BATCH:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, rows = [], 0
    if waiting:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


def _empty(source: Source) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in source.layout.columns()})

"""Linking on one machine: DuckDB, in memory with spilling to disk."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from certify.errors import Invalid
from certify.registry.linking.engine import Source, check_columns, checked_name
from certify.registry.normalise import canonical

_BATCH = 500_000
"""Rows normalised at a time: some 60 MB, and few enough batches for NumPy to be fast."""
MACROS = (
    "CREATE MACRO word_count(a) AS len(string_split(a, ' '))",
    "CREATE MACRO shared_words(a, b) AS len(list_intersect(string_split(a, ' '), string_split(b, ' ')))",
)
"""The two functions that every engine defines (engine.py)."""


class DuckDbEngine:
    """One database in memory.

    Args:
        memory: what DuckDB may use, such as ``6GB``; more is spilled.
        threads: of DuckDB, and of normalising.
        spill: folder for what does not fit; a private one when None.
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
                # Order is asked for where it matters; keeping it everywhere costs memory.
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
            }
        )
        for macro in MACROS:
            self.connection.execute(macro)

    def load(self, table: str, source: Source) -> None:
        """Normalise in as many threads as there are, a batch at a time, straight into the table."""
        checked_name(table)
        batches = self._canonical_batches(source)
        first = next(batches, None)
        reader = pa.RecordBatchReader.from_batches(
            (first or canonical(_empty(source), source.layout)).schema,
            (batch for piece in _chain(first, batches) for batch in piece.to_batches()),
        )
        self.connection.register("arriving", reader)
        self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM arriving")
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
        wanted = ", ".join(_quoted(name) for name in source.layout.columns())
        if isinstance(source.data, pa.Table):
            check_columns(source.data.column_names, source.layout, "The table")
            yield from source.data.select(source.layout.columns()).combine_chunks().to_batches(_BATCH)
            return
        cursor = self.connection.cursor()
        reader = "read_parquet(?)" if source.data.suffix == ".parquet" else "read_csv(?, all_varchar=true, header=true)"
        path = [str(source.data)]
        try:
            found = [row[0] for row in cursor.execute(f"DESCRIBE SELECT * FROM {reader}", path).fetchall()]  # noqa: S608
            check_columns(found, source.layout, source.data)
            yield from cursor.sql(f"SELECT {wanted} FROM {reader}", params=path).to_arrow_reader(_BATCH)
        except duckdb.Error as error:
            raise Invalid(f"{source.data} cannot be read as a table.", hint=str(error)[:200], code="file") from error
        finally:
            cursor.close()

    def register(self, table: str, data: pa.Table) -> None:
        """Copy an Arrow table into the database."""
        self.connection.register("arriving", data)
        self.connection.execute(f"CREATE OR REPLACE TABLE {checked_name(table)} AS SELECT * FROM arriving")
        self.connection.unregister("arriving")

    def create(self, table: str, select: str) -> None:
        """Run the query and keep its rows."""
        self.connection.execute(f"CREATE OR REPLACE TABLE {checked_name(table)} AS {select}")

    def query(self, select: str) -> pa.Table:
        """Return the result as Arrow."""
        return self.connection.sql(select).to_arrow_table()

    def count(self, table: str) -> int:
        """Count rows; DuckDB knows without reading them."""
        return int(self.connection.execute(f"SELECT count(*) FROM {checked_name(table)}").fetchall()[0][0])  # noqa: S608

    def columns(self, table: str) -> list[str]:
        """Return the column names."""
        return list(self.connection.table(checked_name(table)).columns)

    def splink(self) -> Any:
        """Return Splink on this connection."""
        from splink import DuckDBAPI  # noqa: PLC0415 - slow to load

        return DuckDBAPI(connection=self.connection)

    def close(self) -> None:
        """Close the database and remove what was spilled."""
        self.connection.close()
        if self._folder is not None:
            self._folder.cleanup()


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _chain(first: pa.Table | None, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    if first is not None:
        yield first
    yield from rest


def _empty(source: Source) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in source.layout.columns()})

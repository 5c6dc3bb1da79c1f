"""A private DuckDB database for registry records: bounded memory, and spilled rows in a private folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_MEMORY = "3GB"
"""Memory that may be used before rows are spilled to disk."""


@contextmanager
def open_workspace() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory; rows that do not fit go to a private folder, which is deleted at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="certify-registry-") as spill,
        duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": spill}) as database,
    ):
        yield database

"""A DuckDB of one's own for what registries say of people: bounded memory, and nothing spilled where others look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_MEMORY = "3GB"
"""What may be used before rows are spilled to disk."""


@contextmanager
def open_workspace() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory; what does not fit goes to a private folder, which goes with it."""
    with (
        tempfile.TemporaryDirectory(prefix="certify-registry-") as spill,
        duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": spill}) as database,
    ):
        yield database

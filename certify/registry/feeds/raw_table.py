"""The table of a feed's rows in DuckDB: our column names, all cells as text. The readers of all formats fill it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed

RAW = "feed_rows"
"""Table with ``row`` (bigint, from 1) and the named columns (text)."""
BAD = "feed_bad_rows"
"""Table with ``row``, ``code``, ``reason`` and ``cells`` (the row as text, as far as it could be read)."""
READ = "feed_file"
"""Temporary table that a reader fills: ``row`` and the columns under their names in the file."""
MAX_CELL = 10_000
"""Characters of a cell that are read."""


def keep_named_columns(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``RAW`` from ``READ``, with our names of the columns; empty cells become null."""
    kept = ", ".join(
        f"nullif(trim({quoted_name(theirs)}), '') as {ours}" for ours, theirs in feed.columns.named().items()
    )
    database.execute(f"create or replace table {RAW} as select row, {kept} from {READ} order by row")
    database.execute(f"drop table {READ}")


def require_columns(feed: Feed, present: Sequence[str]) -> None:
    """Require the columns that a description names.

    Args:
        feed: the description.
        present: the columns of the file.

    Raises:
        Invalid: a column is missing (``feed_columns``).
    """
    missing = sorted(set(feed.columns.named().values()) - set(present))
    if missing:
        raise Invalid(
            f"The file has no columns {', '.join(repr(name) for name in missing)}.",
            hint=f"It has: {', '.join(name[:40] for name in present[:30])}.",
            code=ErrorCode.FEED_COLUMNS,
        )


def quoted_name(column: str) -> str:
    """Quote the name of a column for SQL."""
    return '"' + column.replace('"', '""') + '"'


def quoted_text(value: str) -> str:
    """Quote a text for SQL, in places where a parameter is not possible."""
    return "'" + value.replace("'", "''") + "'"

"""The table of a feed's rows in DuckDB: our column names, all cells as text. The readers of all formats fill it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from certify.registry.feeds.description import Feed
from certify.registry.feeds.file_layout import DATE_COLUMNS

RAW = "feed_rows"
"""Table with ``row`` (bigint, from 1) and the named columns (text)."""
BAD = "feed_bad_rows"
"""Table with ``row``, ``code``, ``reason``, ``cells`` (the row as text, as far as it could be read) and ``record_id``
(where it could be read)."""
READ = "feed_file"
"""Temporary table that a reader fills: ``row``, and ``f0``, ``f1``, … in the order of ``Columns.sources``."""
MAX_CELL = 10_000
"""Characters of a cell that are read."""
SHOWN = 1_000
"""Characters of a row that cannot be read, as the quarantine has them."""
BATCH = 50_000
"""Records that are in memory at once."""
PATTERN = frozenset("*?[]{}")
"""Characters for which DuckDB would look for several files, if it opened a file of this name."""
_BLANKS = " \t\r\u00a0\u3000\ufeff"
_TRIMMED = f"""nullif(case when regexp_matches({{cell}}, '^[{_BLANKS}]|[{_BLANKS}]$')
    then trim({{cell}}, '{_BLANKS}') else {{cell}} end, '')"""
"""To look first is cheaper: few cells have blanks at their ends."""
_NOTHING = ("NULL", "null", "(null)", "\\N", "N/A", "n/a", "#N/A", "NaN", "nan", "None", "-", "--", "---", "?")
"""What databases and spreadsheets write for an empty cell. Null is a surname too, so only these spellings count."""
_CODED = frozenset({"operation", "act"})
"""Our columns whose words the description explains, whatever they are."""


def keep_named_columns(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``RAW`` from ``READ``, with our names of the columns; empty cells become null."""
    places = {name: place for place, name in enumerate(feed.columns.sources())}
    kept = []
    for ours, theirs in feed.columns.parts().items():
        cells = [_TRIMMED.format(cell=f"f{places[name]}") for name in theirs]
        if ours not in _CODED:
            cells = [_emptied(cell, f"f{places[name]}") for cell, name in zip(cells, theirs, strict=True)]
        kept.append(f"{_joined(ours, cells)} as {ours}")
    database.execute(f"create or replace table {RAW} as select row, {', '.join(kept)} from {READ} order by row")
    database.execute(f"drop table {READ}")


def _emptied(cell: str, raw: str) -> str:
    listed = ", ".join(map(quoted_text, _NOTHING))
    return f"case when length({raw}) > 9 then {cell} when {cell} in ({listed}) then null else {cell} end"


def _joined(ours: str, cells: Sequence[str]) -> str:
    """Return the SQL that puts the cells of several columns together."""
    if len(cells) == 1:
        return cells[0]
    listed = ", ".join(cells)
    if ours == "record_id":
        # A record is known by all its keys. The stroke is doubled inside a key, so that no two records share a number.
        doubled = ", ".join(f"replace({cell}, '|', '||')" for cell in cells)
        missing = " or ".join(f"{cell} is null" for cell in cells)
        return f"case when {missing} then null else concat_ws('|', {doubled}) end"
    if ours in DATE_COLUMNS:
        parts = ", ".join(f"coalesce({cell}, '00')" for cell in cells)
        whole = f"when length({cells[-1]}) > 2 then {cells[-1]}"  # year and month only stand where this is missing
        return f"case {whole} when {cells[0]} is null then null else concat_ws('-', {parts}) end"
    return f"nullif(concat_ws('{'' if ours == 'national_id' else ' '}', {listed}), '')"


def fill(feed: Feed, database: duckdb.DuckDBPyConnection, rows: Iterator[tuple[int, Sequence[str | None]]]) -> int:
    """Make the table ``READ`` from rows that Python reads one by one.

    Args:
        feed: the description.
        database: where the table is made.
        rows: number and cells of each row, in the order of ``Columns.sources``.

    Returns:
        The number of rows.
    """
    names = [f"f{place}" for place in range(len(feed.columns.sources()))]
    schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in names)])
    database.execute(f"create or replace temp table {READ} (row bigint, {', '.join(f'{n} varchar' for n in names)})")
    count = 0
    for batch in _batches(rows):
        columns = [
            [number for number, _ in batch],
            *(list(cells) for cells in zip(*(c for _, c in batch), strict=True)),
        ]
        database.register("feed_batch", pa.table(columns, schema=schema))
        database.execute(f"insert into {READ} select * from feed_batch")
        database.unregister("feed_batch")
        count += len(batch)
    return count


def set_apart(database: duckdb.DuckDBPyConnection, rows: Sequence[tuple[int, str, str]]) -> None:
    """Add rows that cannot be read to ``BAD``: their number, the reason and their text."""
    for start in range(0, len(rows), BATCH):
        numbers, reasons, texts = zip(*rows[start : start + BATCH], strict=True)
        schema = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("cells", pa.string())])
        database.register("feed_batch", pa.table([list(numbers), list(reasons), list(texts)], schema=schema))
        database.execute(
            f"insert into {BAD} select row, 'row_unreadable', reason, left(cells, {SHOWN}), null from feed_batch"
        )
        database.unregister("feed_batch")


def _batches(
    rows: Iterator[tuple[int, Sequence[str | None]]],
) -> Iterator[list[tuple[int, Sequence[str | None]]]]:
    batch: list[tuple[int, Sequence[str | None]]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def quoted_name(column: str) -> str:
    """Quote the name of a column for SQL."""
    return '"' + column.replace('"', '""') + '"'


def quoted_text(value: str) -> str:
    """Quote a text for SQL, in places where a parameter is not possible."""
    return "'" + value.replace("'", "''") + "'"

"""Readers of feeds whose cells have types: Parquet files, sheets of a workbook, and queries on another database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook, PasswordError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed
from certify.registry.feeds.headings import places_of
from certify.registry.feeds.lines import UNREADABLE
from certify.registry.feeds.raw_table import (
    BATCH,
    PATTERN,
    READ,
    fill,
    keep_named_columns,
    quoted_name,
    set_apart,
)

_EXACT = 10**15
"""From here on, a number in a sheet has lost digits: it is stored with 15 (IEEE 754, as spreadsheets show it)."""


def read_parquet_file(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    """Read a Parquet file; cells of every type become text, and instants the local time of their zone.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.

    Raises:
        Invalid: a column is missing, or has lists or records in its cells (``feed_columns``).
    """
    names = feed.columns.sources()
    with pq.ParquetFile(path) as file:
        headings = file.schema_arrow.names
        found = [headings[place] for place in places_of(names, headings)]
        types = [file.schema_arrow.field(name).type for name in found]
        if nested := [name for name, kind in zip(found, types, strict=True) if pa.types.is_nested(kind)]:
            raise Invalid(
                f"The column '{nested[0]}' holds lists or records, not single values.",
                hint="Have it sent with one value a cell, or as JSON lines, where columns are paths.",
                code=ErrorCode.FEED_COLUMNS,
            )
        if not PATTERN.intersection(str(path)) and all(map(_is_plain, types)):
            listed = ", ".join(f"cast({quoted_name(name)} as varchar) as f{at}" for at, name in enumerate(found))
            database.execute(
                f"""create or replace temp table {READ} as select file_row_number + 1 as row, {listed}
                from read_parquet(?, file_row_number = true)""",
                [str(path)],
            )
            keep_named_columns(feed, database)
            return
        schema = pa.schema([("row", pa.int64()), *((f"f{at}", pa.string()) for at in range(len(names)))])

        def batches() -> Iterator[pa.RecordBatch]:
            row = 1
            for batch in file.iter_batches(columns=list(dict.fromkeys(found)), batch_size=BATCH):
                cells = [_as_text(batch.column(name), feed.dates.zone) for name in found]
                yield pa.record_batch(
                    [pa.array(np.arange(row, row + len(batch), dtype=np.int64)), *cells], schema=schema
                )
                row += len(batch)

        database.register("feed_batch", pa.RecordBatchReader.from_batches(schema, batches()))
        database.execute(f"create or replace temp table {READ} as select * from feed_batch")
        database.unregister("feed_batch")
    _set_unreadable_apart(database, len(names))
    keep_named_columns(feed, database)


def _set_unreadable_apart(database: duckdb.DuckDBPyConnection, columns: int) -> None:
    """Move rows with bytes that are no text to the bad rows."""
    marked = " or ".join(f"contains(f{at}, '{UNREADABLE}')" for at in range(columns))
    cells = ", ".join(f"f{at}" for at in range(columns))
    found = database.execute(
        f"select row, concat_ws(' | ', {cells}) from {READ} where {marked} order by row"
    ).fetchall()
    set_apart(database, [(row, "It has bytes that are no text in UTF-8.", text) for row, text in found])
    if found:
        database.execute(f"delete from {READ} where {marked}")


def _is_plain(kind: pa.DataType) -> bool:
    """Return whether DuckDB writes cells of this type as they are meant."""
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_date(kind))


def _as_text(cells: pa.Array, zone: str | None) -> pa.Array:
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_timestamp(cells.type) and cells.type.tz:
        cells = pc.local_timestamp(cells.cast(pa.timestamp(cells.type.unit, zone or cells.type.tz)))
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        texts = [None if cell is None else cell.decode("utf-8", "certify_mark") for cell in cells.to_pylist()]
        return pa.array(texts, pa.string())
    if pa.types.is_decimal(cells.type):  # 7000001.00 is the number 7000001
        numbers = [None if cell is None else f"{cell.normalize():f}" for cell in cells.to_pylist()]
        return pa.array(numbers, pa.string())
    return cells.cast(pa.string())


def read_sheet(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    """Read one sheet of a workbook (XLSX or ODS).

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.

    Raises:
        Invalid: it is no workbook, or it is not clear which sheet is meant (``feed_file``), or a column is missing
            (``feed_columns``).
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
        names = workbook.sheet_names
        chosen = [name for name in names if feed.file.sheet in (None, name)]
        if len(chosen) != 1:
            raise Invalid(
                f"{path.name} has {len(names)} sheets; it is not clear which one to read.",
                hint=f"Name it as 'sheet' in [file]. It has: {', '.join(repr(name[:40]) for name in names[:20])}.",
                code=ErrorCode.FEED_FILE,
            )
        rows = workbook.get_sheet_by_name(chosen[0]).to_python(skip_empty_area=False)
    except (CalamineError, PasswordError) as error:
        raise Invalid(
            f"{path.name} is no workbook that can be read.",
            hint="Save it as .xlsx or .ods, without a password.",
            code=ErrorCode.FEED_FILE,
        ) from error
    rows = rows[feed.file.skip :]
    headings = [_cell(cell) or "" for cell in rows[0]] if rows else []
    places = places_of(feed.columns.sources(), headings)
    shortened: list[tuple[int, str, str]] = []

    def read() -> Iterator[tuple[int, list[str | None]]]:
        for number, row in enumerate(rows[1:], 1):
            cells = [row[place] if place < len(row) else None for place in places]
            if any(isinstance(cell, float) and abs(cell) >= _EXACT for cell in cells):
                shortened.append((number, _SHORTENED, " | ".join(_cell(cell) or "" for cell in cells)))
            elif any(_cell(cell) for cell in row):
                yield number, [_cell(cell) for cell in cells]

    fill(feed, database, read())
    set_apart(database, shortened)
    keep_named_columns(feed, database)


_SHORTENED = "The sheet has stored a long number without its last digits; such columns must be text."


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime | date | time | timedelta):
        return value.isoformat() if not isinstance(value, timedelta) else str(value)
    return str(value).strip() or None if value is not None else None


def read_sql(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
    """Run the query of a feed on another database and store its rows.

    Args:
        feed: the description.
        database: where the tables are made.

    Raises:
        Invalid: the address is not set or the query fails (``feed_file``), or a column is missing (``feed_columns``).
    """
    address = os.environ.get(feed.file.database or "")
    if not address:
        raise Invalid(
            f"The environment variable {feed.file.database} is not set.",
            hint="It holds the address of the other database.",
            code=ErrorCode.FEED_FILE,
        )
    zone = ZoneInfo(feed.dates.zone) if feed.dates.zone else None
    try:
        engine = create_engine(address)
        with engine.connect().execution_options(stream_results=True) as connection:
            answer = connection.execute(text(feed.file.query or ""))
            places = places_of(feed.columns.sources(), list(answer.keys()))

            def read() -> Iterator[tuple[int, list[str | None]]]:
                number = 0
                for rows in answer.partitions(BATCH):
                    for row in rows:
                        number += 1
                        yield number, [_stored(row[place], zone) for place in places]

            fill(feed, database, read())
        engine.dispose()
    except SQLAlchemyError as error:
        # The text of the error may contain the address with its password.
        raise Invalid(f"The query could not be run: {type(error).__name__}.", code=ErrorCode.FEED_FILE) from None
    keep_named_columns(feed, database)


def _stored(value: Any, zone: ZoneInfo | None) -> str | None:
    if isinstance(value, datetime) and value.tzinfo and zone:
        value = value.astimezone(zone)
    return None if value is None else str(value)

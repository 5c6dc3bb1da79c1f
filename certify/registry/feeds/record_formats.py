"""Readers of feeds that come record by record: XML files, and queries on another database."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed
from certify.registry.feeds.raw_table import MAX_CELL, keep_named_columns, quoted_name, require_columns

_BATCH = 50_000
"""Records that are in memory at once."""


def read_xml(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    """Read the records of an XML file.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.

    Raises:
        Invalid: the file declares entities (``feed_file``), or a column is missing (``feed_columns``).
    """
    names = list(dict.fromkeys(feed.columns.named().values()))
    schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in names)])
    database.execute(
        "create or replace temp table feed_file (row bigint, "
        + ", ".join(f"{quoted_name(name)} varchar" for name in names)
        + ")"
    )
    seen: set[str] = set()
    for batch in _batches(_xml_records(path, feed.file.record or "", names, seen)):
        table = pa.Table.from_pylist(batch, schema=schema)
        database.register("feed_batch", table)
        database.execute("insert into feed_file select * from feed_batch")
        database.unregister("feed_batch")
    require_columns(feed, sorted(seen))
    keep_named_columns(feed, database)


def _xml_records(path: Path, record: str, names: Sequence[str], seen: set[str]) -> Iterator[dict[str, object]]:
    """Read records one by one; cells are elements or attributes, found by their local names.

    A file with its own entities is refused, because entities can make a small file expand without limit.
    """
    with path.open("rb") as file:
        if b"<!ENTITY" in file.read(65_536):
            raise Invalid(f"{path.name} declares entities.", hint="Send it without a DTD.", code=ErrorCode.FEED_FILE)
    number = 0
    root = None
    for event, element in ET.iterparse(path, events=("start", "end")):  # noqa: S314 - see above
        if root is None:
            root = element
        if event != "end" or _local(element.tag) != record:
            continue
        number += 1
        cells = {_local(child.tag): (child.text or "").strip()[:MAX_CELL] for child in element.iter()}
        cells |= {_local(name): value[:MAX_CELL] for name, value in element.attrib.items()}
        seen.update(name for name in names if name in cells)
        yield {"row": number, **{name: cells.get(name) for name in names}}
        root.clear()  # frees the elements that were read


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
    try:
        engine = create_engine(address)
        with engine.connect().execution_options(stream_results=True) as connection:
            answer = connection.execute(text(feed.file.query or ""))
            names = list(answer.keys())
            require_columns(feed, names)
            listed = ", ".join(f"{quoted_name(name)} varchar" for name in names)
            database.execute(f"create or replace temp table feed_file (row bigint, {listed})")
            schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in names)])
            number = 0
            for rows in answer.partitions(_BATCH):
                columns = list(zip(*rows, strict=True))
                table = pa.table(
                    [
                        pa.array(range(number + 1, number + len(rows) + 1), pa.int64()),
                        *(pa.array([None if c is None else str(c) for c in column], pa.string()) for column in columns),
                    ],
                    schema=schema,
                )
                number += len(rows)
                database.register("feed_batch", table)
                database.execute("insert into feed_file select * from feed_batch")
                database.unregister("feed_batch")
        engine.dispose()
    except SQLAlchemyError as error:
        # The text of the error may contain the address with its password.
        raise Invalid(f"The query could not be run: {type(error).__name__}.", code=ErrorCode.FEED_FILE) from None
    keep_named_columns(feed, database)


def _batches(records: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    batch: list[dict[str, object]] = []
    for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]

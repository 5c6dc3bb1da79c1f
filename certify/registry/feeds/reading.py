"""Reading of a feed's file, in any format, into one DuckDB table of text with our column names.

Cells are not interpreted: a cell that is not a date stays a text. Rows that cannot be divided into cells go to the
table of bad rows with the reason, and the other rows are read.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.csv_format import read_csv_file
from certify.registry.feeds.description import Feed
from certify.registry.feeds.file_layout import Format
from certify.registry.feeds.fixed_width import read_fixed_width
from certify.registry.feeds.nested_formats import read_json_document, read_json_lines, read_xml
from certify.registry.feeds.raw_table import BAD, RAW
from certify.registry.feeds.typed_formats import read_parquet_file, read_sheet, read_sql
from certify.registry.feeds.unpack import unpacked

_READERS = {
    Format.CSV: read_csv_file,
    Format.FIXED_WIDTH: read_fixed_width,
    Format.PARQUET: read_parquet_file,
    Format.JSON_LINES: read_json_lines,
    Format.JSON: read_json_document,
    Format.XML: read_xml,
    Format.XLSX: read_sheet,
    Format.ODS: read_sheet,
}
_BATCH = 50_000
"""Rows that are hashed at once."""


@dataclass(frozen=True, slots=True)
class FeedFile:
    """The result of reading a feed.

    Attributes:
        sha256: hash of the file, in hexadecimal; for a query, hash of the rows.
        rows: number of rows in the table ``RAW``.
        bad: number of rows that could not be read, in the table ``BAD``.
    """

    sha256: str
    rows: int
    bad: int


def read_feed(
    feed: Feed, path: Path | None, database: duckdb.DuckDBPyConnection, *, sha256: str | None = None
) -> FeedFile:
    """Read a feed's file into the tables ``RAW`` and ``BAD`` of a database, and replace their content.

    Args:
        feed: the description.
        path: the file; None for SQL feeds.
        database: where the tables are made.
        sha256: hash of the file, if it is known already.

    Returns:
        The hash and the numbers of rows.

    Raises:
        Invalid: the file is missing, or cannot be read as described (``feed_file``), or has not the described columns
            (``feed_columns``).
    """
    database.execute(
        f"create or replace table {BAD} (row bigint, code varchar, reason varchar, cells varchar, record_id varchar)"
    )
    with ExitStack() as stack:
        if feed.file.format is Format.SQL:
            read_sql(feed, database)
            sha256 = _hash_of_table(database)
        else:
            if path is None:
                raise Invalid("This feed needs a file.", code=ErrorCode.FEED_FILE)
            sha256 = sha256 or hash_file(path)
            try:
                _READERS[feed.file.format](feed, unpacked(path, feed.file, stack), database, stack)
            except (duckdb.Error, pa.ArrowException, OSError, UnicodeError, LookupError, ET.ParseError) as error:
                raise _unreadable(feed, path, error) from error
    rows = _count(database, RAW)
    return FeedFile(sha256, rows, _count(database, BAD))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Args:
        path: the file.

    Returns:
        The hash.

    Raises:
        Invalid: the file cannot be read (``feed_file``).
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", code=ErrorCode.FEED_FILE) from error
    return digest.hexdigest()


def _hash_of_table(database: duckdb.DuckDBPyConnection) -> str:
    digest = hashlib.sha256()
    cursor = database.execute(f"select * from {RAW} order by row")
    while rows := cursor.fetchmany(_BATCH):
        digest.update(repr(rows).encode())
    return digest.hexdigest()


def _count(database: duckdb.DuckDBPyConnection, table: str) -> int:
    counted = database.execute(f"select count(*) from {table}").fetchone()
    return int(counted[0]) if counted else 0


def _unreadable(feed: Feed, path: Path, error: Exception) -> Invalid:
    """Say in our words why a file cannot be read. The words of a library tell an operator nothing, or too much."""
    if type(error) is LookupError:  # not its kinds, KeyError and IndexError
        return Invalid("The encoding is not known.", hint="Try utf-8, gb18030 or latin-1.", code=ErrorCode.FEED_FILE)
    if isinstance(error, OSError) and error.strerror:
        return Invalid(f"{path.name} cannot be read: {error.strerror}.", code=ErrorCode.FEED_FILE)
    place = ""
    if isinstance(error, ET.ParseError):
        place = f"; line {error.position[0]} is out of order"
    elif isinstance(error, UnicodeDecodeError):
        place = f"; byte {error.start} is no text in this encoding"
    elif isinstance(error, duckdb.OutOfMemoryException):
        return Invalid(
            f"{path.name} does not fit into the memory and the disk of this machine.",
            hint="Make room in the folder of temporary files.",
            code=ErrorCode.FEED_FILE,
        )
    return Invalid(
        f"{path.name} is no whole file of the format {feed.file.format.value}{place}.",
        hint="Compare the file with [file] of its description; it may also be cut off.",
        code=ErrorCode.FEED_FILE,
    )

"""A feed's file, in whatever format, as one DuckDB table of text: our column names, and the row it stood in.

Nothing is understood here: a cell that is no date stays a cell. Rows that cannot even be cut into cells go to the table
of bad rows with the reason, and the others go on.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed, Format

RAW = "feed_rows"
"""Table with ``row`` (bigint, from 1) and the named columns (text)."""
BAD = "feed_bad_rows"
"""Table with ``row``, ``code``, ``reason`` and ``cells`` (the row as text, as far as it could be read)."""

_BATCH = 50_000
_MAX_FIELD = 10_000


@dataclass(frozen=True, slots=True)
class FeedFile:
    """What was read. ``rows`` counts those in the table, ``bad`` those that could not be read."""

    sha256: str
    rows: int
    bad: int


def read_feed(
    feed: Feed, path: Path | None, database: duckdb.DuckDBPyConnection, *, sha256: str | None = None
) -> FeedFile:
    """Read a feed's file into the tables ``RAW`` and ``BAD`` of a database, replacing what is there.

    ``path`` is None for SQL feeds. ``sha256`` is of the file, if that is known already.

    Raises Invalid (``feed_file``, ``feed_columns``).
    """
    database.execute(f"create or replace table {BAD} (row bigint, code varchar, reason varchar, cells varchar)")
    with ExitStack() as stack:
        if feed.file.format is Format.SQL:
            _read_sql(feed, database)
            sha256 = _hash_of_table(database)
        else:
            if path is None:
                raise Invalid("This feed needs a file.", code=ErrorCode.FEED_FILE)
            sha256 = sha256 or hash_file(path)
            try:
                _READERS[feed.file.format](feed, path, database, stack)
            except (duckdb.Error, OSError, UnicodeError, LookupError, ET.ParseError) as error:
                raise _unreadable(path, error) from error
    rows = _count(database, RAW)
    return FeedFile(sha256, rows, _count(database, BAD))


def _read_csv(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    form = feed.file
    source = _as_utf8(path, form.encoding, stack)
    header = _header(source, form.separator, form.quote, form.skip)
    _require(feed, header)
    columns = dict.fromkeys(header, "VARCHAR")
    database.execute("set preserve_insertion_order = true")
    database.execute(
        f"""create or replace temp table feed_file as
        select row_number() over () as row, * from read_csv(?, auto_detect = false, header = true, skip = {form.skip},
            delim = ?, quote = ?, escape = ?, columns = {_literal(columns)}, store_rejects = true,
            rejects_table = 'feed_rejects', rejects_scan = 'feed_rejects_scan', rejects_limit = 0,
            strict_mode = true, null_padding = false, max_line_size = 1000000)""",
        [str(source), form.separator, form.quote, form.quote],
    )
    # Line numbers of rows behind a bad one: DuckDB counts lines, rows are what is left. Bad lines come first in both.
    database.execute(
        f"""insert into {BAD} select line - {form.skip} - 1, 'row_unreadable',
            any_value(error_message), any_value(csv_line) from feed_rejects group by line"""
    )
    database.execute("drop table feed_rejects; drop table feed_rejects_scan")
    _rename(feed, database)


def _read_fixed_width(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    source = _as_utf8(path, feed.file.encoding, stack)
    _require(feed, list(feed.file.fields))
    parts = ", ".join(
        f"trim(substring(line, {first}, {length})) as {_name(name)}"
        for name, (first, length) in feed.file.fields.items()
    )
    least = max(first for first, _ in feed.file.fields.values())
    database.execute(
        f"""create or replace temp table feed_lines as
        select row_number() over () as row, line from read_csv(?, auto_detect = false, header = false,
            skip = {feed.file.skip}, delim = '\x1f', quote = '', escape = '', columns = {{'line': 'VARCHAR'}},
            null_padding = true, max_line_size = 1000000)""",
        [str(source)],
    )
    database.execute(
        f"""insert into {BAD} select row, 'row_too_short', 'The line ends before its last field.', left(line, 200)
        from feed_lines where coalesce(length(line), 0) < {least}"""
    )
    database.execute(
        f"create or replace temp table feed_file as select row, {parts} from feed_lines where length(line) >= {least}"
    )
    _rename(feed, database)


def _read_parquet(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    source = "read_parquet(?, file_row_number = true)"
    found = database.execute(f"describe select * from {source}", [str(path)]).fetchall()
    _require(feed, [name for name, *_ in found])
    kept = ", ".join(f"cast({_name(name)} as varchar) as {_name(name)}" for name in set(feed.columns.named().values()))
    database.execute(
        f"create or replace temp table feed_file as select file_row_number + 1 as row, {kept} from {source}",
        [str(path)],
    )
    _rename(feed, database)


def _read_json_lines(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    source = _as_utf8(path, feed.file.encoding, stack)
    database.execute(
        """create or replace temp table feed_lines as
        select row_number() over () as row, line from read_csv(?, auto_detect = false, header = false, delim = '\x1f',
            quote = '', escape = '', columns = {'line': 'VARCHAR'}, null_padding = true, max_line_size = 1000000)""",
        [str(source)],
    )
    # "case", because "and" may look at the second condition first, and a broken line has no type.
    is_object = "case when coalesce(json_valid(line), false) then json_type(line) = 'OBJECT' else false end"
    database.execute(
        f"""insert into {BAD} select row, 'row_unreadable', 'The line is no JSON object.', left(line, 200)
        from feed_lines where not ({is_object}) and trim(coalesce(line, '')) <> ''"""
    )
    names = list(dict.fromkeys(feed.columns.named().values()))
    paths = {name: _text(f'$."{name}"') for name in names}
    kept = ", ".join(f"json_extract_string(line, {path}) as {_name(name)}" for name, path in paths.items())
    database.execute(
        f"""create or replace temp table feed_file as select row, {kept} from feed_lines
        where {is_object}"""
    )
    present = database.execute(
        "select " + ", ".join(f"bool_or({_name(name)} is not null)" for name in names) + " from feed_file"
    ).fetchone()
    _require(feed, [name for name, there in zip(names, present or (), strict=False) if there])
    _rename(feed, database)


def _read_xml(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    names = list(dict.fromkeys(feed.columns.named().values()))
    schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in names)])
    database.execute(
        "create or replace temp table feed_file (row bigint, "
        + ", ".join(f"{_name(name)} varchar" for name in names)
        + ")"
    )
    seen: set[str] = set()
    for batch in _batches(_xml_records(path, feed.file.record or "", names, seen)):
        table = pa.Table.from_pylist(batch, schema=schema)
        database.register("feed_batch", table)
        database.execute("insert into feed_file select * from feed_batch")
        database.unregister("feed_batch")
    _require(feed, sorted(seen))
    _rename(feed, database)


def _xml_records(path: Path, record: str, names: Sequence[str], seen: set[str]) -> Iterator[dict[str, object]]:
    """Read records one by one; cells are elements or attributes, found by their local names.

    A file with its own entities is refused: they are a way to blow up a small file.
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
        cells = {_local(child.tag): (child.text or "").strip()[:_MAX_FIELD] for child in element.iter()}
        cells |= {_local(name): value[:_MAX_FIELD] for name, value in element.attrib.items()}
        seen.update(name for name in names if name in cells)
        yield {"row": number, **{name: cells.get(name) for name in names}}
        root.clear()  # what was read is not kept


def _read_sql(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
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
            _require(feed, names)
            listed = ", ".join(f"{_name(name)} varchar" for name in names)
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
        # The text of the error may hold the address with its password.
        raise Invalid(f"The query could not be run: {type(error).__name__}.", code=ErrorCode.FEED_FILE) from None
    _rename(feed, database)


_READERS = {
    Format.CSV: _read_csv,
    Format.FIXED_WIDTH: _read_fixed_width,
    Format.PARQUET: _read_parquet,
    Format.JSON_LINES: _read_json_lines,
    Format.XML: _read_xml,
}


def _rename(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
    """Keep the named columns under our names; empty cells become null."""
    kept = ", ".join(f"nullif(trim({_name(theirs)}), '') as {ours}" for ours, theirs in feed.columns.named().items())
    database.execute(f"create or replace table {RAW} as select row, {kept} from feed_file order by row")
    database.execute("drop table feed_file")


def _as_utf8(path: Path, encoding: str, stack: ExitStack) -> Path:
    """Return the file, or a copy of it in UTF-8. Unreadable bytes become the replacement character, row by row."""
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "ascii"):
        with path.open("rb") as file:
            if file.read(3) != codecs.BOM_UTF8:
                return path
        name = "utf-8-sig"
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="certify-feed-"))
    copy = Path(folder) / "feed"
    with (
        path.open(encoding=name, errors="replace", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as to,
    ):
        while block := source.read(1 << 20):
            to.write(block)
    return copy


def _header(path: Path, separator: str, quote: str, skip: int) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        for _ in range(skip):
            file.readline(_MAX_FIELD * 100)
        line = file.readline(_MAX_FIELD * 100).rstrip("\r\n")
    names = [name.strip().strip(quote or None) for name in line.split(separator)]
    if not line or len(set(names)) != len(names) or not all(names):
        raise Invalid(
            "The first line does not name each column once.",
            hint="Is the separator right?",
            code=ErrorCode.FEED_COLUMNS,
        )
    return names


def _require(feed: Feed, found: Sequence[str]) -> None:
    missing = sorted(set(feed.columns.named().values()) - set(found))
    if missing:
        raise Invalid(
            f"The file has no columns {', '.join(repr(name) for name in missing)}.",
            hint=f"It has: {', '.join(name[:40] for name in found[:30])}.",
            code=ErrorCode.FEED_COLUMNS,
        )


def _batches(records: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    batch: list[dict[str, object]] = []
    for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _literal(columns: dict[str, str]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in columns.items()) + "}"


def _name(column: str) -> str:
    """Quote a column's name for SQL."""
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    """Quote a text for SQL, where a parameter cannot stand."""
    return "'" + value.replace("'", "''") + "'"


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises Invalid (``feed_file``) when it cannot be read."""
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
    found = database.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def _unreadable(path: Path, error: Exception) -> Invalid:
    if isinstance(error, LookupError):
        return Invalid("The encoding is not known.", hint="Try utf-8, gb18030 or latin-1.", code=ErrorCode.FEED_FILE)
    return Invalid(
        f"{path.name} cannot be read: {str(error).splitlines()[0][:200]}",
        hint="Compare the file with [file] of its description.",
        code=ErrorCode.FEED_FILE,
    )

"""Readers of feed files that DuckDB parses itself: CSV, fixed width, Parquet and JSON lines."""

from __future__ import annotations

import codecs
import tempfile
from contextlib import ExitStack
from pathlib import Path

import duckdb

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed
from certify.registry.feeds.raw_table import (
    BAD,
    MAX_CELL,
    keep_named_columns,
    quoted_name,
    quoted_text,
    require_columns,
)


def read_csv_file(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read a CSV file; rows that cannot be divided into cells go to ``BAD``.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: closes temporary files.

    Raises:
        Invalid: the header is not usable, or a column is missing (``feed_columns``).
    """
    form = feed.file
    source = _as_utf8(path, form.encoding, stack)
    header = _header(source, form.separator, form.quote, form.skip)
    require_columns(feed, header)
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
    # DuckDB counts lines, while rows are numbered without the bad lines before them.
    database.execute(
        f"""insert into {BAD} select line - {form.skip} - 1, 'row_unreadable',
            any_value(error_message), any_value(csv_line) from feed_rejects group by line"""
    )
    database.execute("drop table feed_rejects; drop table feed_rejects_scan")
    keep_named_columns(feed, database)


def read_fixed_width(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read a file with fields of fixed width; lines that are too short go to ``BAD``.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: closes temporary files.

    Raises:
        Invalid: a column is missing (``feed_columns``).
    """
    source = _as_utf8(path, feed.file.encoding, stack)
    require_columns(feed, list(feed.file.fields))
    parts = ", ".join(
        f"trim(substring(line, {first}, {length})) as {quoted_name(name)}"
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
    keep_named_columns(feed, database)


def read_parquet_file(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    """Read a Parquet file; cells of every type become text.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.

    Raises:
        Invalid: a column is missing (``feed_columns``).
    """
    source = "read_parquet(?, file_row_number = true)"
    described = database.execute(f"describe select * from {source}", [str(path)]).fetchall()
    require_columns(feed, [name for name, *_ in described])
    kept = ", ".join(
        f"cast({quoted_name(name)} as varchar) as {quoted_name(name)}" for name in set(feed.columns.named().values())
    )
    database.execute(
        f"create or replace temp table feed_file as select file_row_number + 1 as row, {kept} from {source}",
        [str(path)],
    )
    keep_named_columns(feed, database)


def read_json_lines(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read a file with one JSON object a line; other lines go to ``BAD``.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: closes temporary files.

    Raises:
        Invalid: a column is missing (``feed_columns``).
    """
    source = _as_utf8(path, feed.file.encoding, stack)
    database.execute(
        """create or replace temp table feed_lines as
        select row_number() over () as row, line from read_csv(?, auto_detect = false, header = false, delim = '\x1f',
            quote = '', escape = '', columns = {'line': 'VARCHAR'}, null_padding = true, max_line_size = 1000000)""",
        [str(source)],
    )
    # "case", because "and" may evaluate the second condition first, and a broken line has no type.
    is_object = "case when coalesce(json_valid(line), false) then json_type(line) = 'OBJECT' else false end"
    database.execute(
        f"""insert into {BAD} select row, 'row_unreadable', 'The line is no JSON object.', left(line, 200)
        from feed_lines where not ({is_object}) and trim(coalesce(line, '')) <> ''"""
    )
    names = list(dict.fromkeys(feed.columns.named().values()))
    paths = {name: quoted_text(f'$."{name}"') for name in names}
    kept = ", ".join(f"json_extract_string(line, {path}) as {quoted_name(name)}" for name, path in paths.items())
    database.execute(
        f"""create or replace temp table feed_file as select row, {kept} from feed_lines
        where {is_object}"""
    )
    present = database.execute(
        "select " + ", ".join(f"bool_or({quoted_name(name)} is not null)" for name in names) + " from feed_file"
    ).fetchone()
    require_columns(feed, [name for name, is_present in zip(names, present or (), strict=False) if is_present])
    keep_named_columns(feed, database)


def _as_utf8(path: Path, encoding: str, stack: ExitStack) -> Path:
    """Return the file, or a copy of it in UTF-8. Unreadable bytes become the replacement character."""
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
            file.readline(MAX_CELL * 100)
        line = file.readline(MAX_CELL * 100).rstrip("\r\n")
    names = [name.strip().strip(quote or None) for name in line.split(separator)]
    if not line or len(set(names)) != len(names) or not all(names):
        raise Invalid(
            "The first line does not name each column once.",
            hint="Is the separator right?",
            code=ErrorCode.FEED_COLUMNS,
        )
    return names


def _literal(columns: dict[str, str]) -> str:
    return "{" + ", ".join(f"{quoted_text(name)}: {quoted_text(kind)}" for name, kind in columns.items()) + "}"

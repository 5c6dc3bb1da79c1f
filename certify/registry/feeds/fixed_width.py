"""Reader of files with fields of fixed width, counted in characters or in bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import duckdb

from certify.registry.feeds.description import Feed
from certify.registry.feeds.headings import places_of
from certify.registry.feeds.lines import UNREADABLE, as_lines, line_reader
from certify.registry.feeds.raw_table import BAD, READ, SHOWN, fill, keep_named_columns
from certify.registry.feeds.written_dates import Problem, read_written

_SEEN = 10_000
"""Lines by whose lengths it is seen what the widths count."""
_FULL = "utf-16", "utf-32"
"""Encodings whose lines are no lines of bytes. Their bytes are never counted."""


def read_fixed_width(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read a file with fields of fixed width; lines that are too short go to ``BAD``.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: deletes temporary files.

    Raises:
        Invalid: a column is missing (``feed_columns``).
    """
    form = feed.file
    places = places_of(feed.columns.sources(), list(form.fields))
    fields = [list(form.fields.values())[place] for place in places]
    least = max(first for first, _ in form.fields.values())
    if form.unit == "bytes" or (form.unit == "auto" and _counts_bytes(feed, path)):
        lines = _raw_lines(path, form.skip)
        bad: list[tuple[int, str, str, str]] = []
        fill(feed, database, _byte_rows(lines, codecs.lookup(form.encoding).name, fields, least, bad))
        if bad:
            database.executemany(f"insert into {BAD} values (?, ?, ?, ?, null)", bad)
        keep_named_columns(feed, database)
        return
    source = as_lines(path, form.encoding, stack)
    database.register("feed_lines", line_reader(source, form.skip))
    good = f"length(line) >= {least} and not contains(line, '{UNREADABLE}') and not contains(line, chr(0))"
    parts = ", ".join(f"substring(line, {first}, {length}) as f{at}" for at, (first, length) in enumerate(fields))
    database.execute(
        f"""create or replace temp table feed_split as select row, case when {good} then null else line end as bad,
            {parts} from (select row, rtrim(line, chr(10)) as line from feed_lines) where trim(line) <> ''"""
    )
    database.unregister("feed_lines")
    short = f"length(bad) < {least}"
    database.execute(
        f"""insert into {BAD} select row, case when {short} then 'row_too_short' else 'row_unreadable' end,
            case when {short} then '{_SHORT}' else '{_NO_TEXT}' end, left(bad, {SHOWN}), null
        from feed_split where bad is not null"""
    )
    database.execute(f"create or replace temp table {READ} as select * exclude (bad) from feed_split where bad is null")
    database.execute("drop table feed_split")
    keep_named_columns(feed, database)


_SHORT = "The line ends before its last field."
_NO_TEXT = "It has bytes that are no text in this encoding."


def _raw_lines(path: Path, skip: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers, as they are stored."""
    with path.open("rb") as file:
        row = -skip
        for stored in file:
            for line in stored.rstrip(b"\r\n").split(b"\r"):
                row += 1
                if row > 0 and line.strip():
                    yield row, line.removeprefix(codecs.BOM_UTF8) if row == 1 else line


def _counts_bytes(feed: Feed, path: Path) -> bool:
    """Return whether the widths count bytes: by where dates of events stand, else by the lengths of lines."""
    encoding = feed.file.encoding
    if codecs.lookup(encoding).name.startswith(_FULL):
        return False
    first, length = feed.file.fields[feed.columns.parts()["event_date"][0]]
    in_bytes, in_characters, dates = set(), set(), [0, 0]
    for _, line in islice(_raw_lines(path, feed.file.skip), _SEEN):
        text = line.decode(encoding, "replace")
        in_bytes.add(len(line))
        in_characters.add(len(text))
        cells = (text[first - 1 : first - 1 + length], line[first - 1 : first - 1 + length].decode(encoding, "replace"))
        for place, cell in enumerate(cells):
            read = read_written(cell, feed.dates, order=None, pivot=feed.dates.pivot)
            dates[place] += read.problem not in (Problem.UNREADABLE, Problem.MISSING)
    if dates[0] != dates[1]:
        return dates[1] > dates[0]
    return len(in_bytes) == 1 and len(in_characters) > 1


def _byte_rows(
    lines: Iterator[tuple[int, bytes]],
    encoding: str,
    fields: list[tuple[int, int]],
    least: int,
    bad: list[tuple[int, str, str, str]],
) -> Iterator[tuple[int, list[str | None]]]:
    for row, line in lines:
        if len(line) < least:
            bad.append((row, "row_too_short", _SHORT, line.decode(encoding, "replace")[:SHOWN]))
            continue
        try:
            yield row, [line[first - 1 : first - 1 + length].decode(encoding) for first, length in fields]
        except UnicodeDecodeError:
            bad.append((row, "row_unreadable", _NO_TEXT, line.decode(encoding, "replace")[:SHOWN]))

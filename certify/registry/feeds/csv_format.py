"""Reader of CSV files. Each physical line is divided into cells by itself.

A quoted cell may go over several lines, if none of them is a row of its own. So a quotation mark that is never closed
spoils one line, and not the people on the lines below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed
from certify.registry.feeds.file_layout import FileForm
from certify.registry.feeds.headings import places_of
from certify.registry.feeds.lines import LONGEST, UNREADABLE, as_lines, count_lines, first_line, line_reader
from certify.registry.feeds.raw_table import BAD, PATTERN, READ, SHOWN, keep_named_columns, quoted_text

_LONGEST_CELL = 50
"""Lines that one quoted cell may go over."""
_MOST_JOINED = 100_000
"""Lines that cannot be read up to which cells of several lines are looked for; with more, the file is held anyway."""


def read_csv_file(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read a CSV file; lines that cannot be divided into cells go to ``BAD``.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: deletes temporary files.

    Raises:
        Invalid: a column is missing or not clear (``feed_columns``), or it is no text file (``feed_file``).
    """
    form = feed.file
    source = as_lines(path, form.encoding, stack)
    headings = _cells(first_line(source, form.skip), form.separator, form.quote)
    if path.stat().st_size == 0:
        raise Invalid("The file is empty.", hint="Have it sent again.", code=ErrorCode.FEED_COLUMNS)
    if headings is None or not any(headings):
        raise Invalid(
            "The first line does not name the columns.",
            hint="Are separator, quote and 'skip' right?",
            code=ErrorCode.FEED_COLUMNS,
        )
    places = places_of(feed.columns.sources(), headings)
    if not _read_at_once(database, source, form, headings, places):
        _read_lines(database, source, form, headings, places)
    keep_named_columns(feed, database)


def _read_at_once(
    database: duckdb.DuckDBPyConnection, source: Path, form: FileForm, headings: Sequence[str], places: Sequence[int]
) -> bool:
    """Read a file in which every line is a whole row, three times as fast; return False if there is another line."""
    if PATTERN.intersection(str(source)):  # DuckDB would look for files of this pattern
        return False
    lines, marks = count_lines(source, f"{UNREADABLE}\0{form.quote}")
    quoted = bool(form.quote) and form.quote in marks
    if len(marks) > quoted or (quoted and not _all_whole(database, source, form)):
        return False
    names = [f"c{place}" for place in range(len(headings))]
    columns = ", ".join(f"{quoted_text(name)}: 'VARCHAR'" for name in names)
    kept = ", ".join(f"{names[place]} as f{at}" for at, place in enumerate(places))
    quote = form.quote if quoted else ""
    try:
        database.execute(
            f"""create or replace temp table {READ} as select row_number() over () as row, {kept}
            from read_csv(?, auto_detect = false, header = true, skip = {form.skip}, delim = ?, quote = ?, escape = ?,
                columns = {{{columns}}}, strict_mode = true, null_padding = false, new_line = '\\n',
                max_line_size = {LONGEST})""",
            [str(source), form.separator, quote, quote],
        )
    except duckdb.Error:  # some line has too many cells, or too few: each is looked at by itself
        return False
    read = database.execute(f"select count(*) from {READ}").fetchall()[0][0]
    return bool(read == lines - form.skip - 1)


def _all_whole(database: duckdb.DuckDBPyConnection, source: Path, form: FileForm) -> bool:
    whole, _ = _patterns(form.separator, form.quote, blanks="")
    database.register("feed_lines", line_reader(source, form.skip + 1))
    broken = database.execute(
        f"""select count(*) from feed_lines
        where not regexp_full_match(rtrim(line, chr(10)), {quoted_text(whole)})"""
    ).fetchall()[0][0]
    database.unregister("feed_lines")
    return bool(broken == 0)


def _read_lines(
    database: duckdb.DuckDBPyConnection, source: Path, form: FileForm, headings: Sequence[str], places: Sequence[int]
) -> None:
    """Read a file line by line; lines that are no whole rows go to ``BAD``."""
    separator, quote = quoted_text(form.separator), quoted_text(form.quote)
    plain = f"string_split(line, {separator})"
    cells = plain
    if form.quote:
        whole, one = (quoted_text(pattern) for pattern in _patterns(form.separator, form.quote))
        cells = f"""case when not contains(line, {quote}) then {plain}
            when regexp_full_match(line, {whole}) then regexp_extract_all({separator} || line, {one}, 1) end"""
    # A separator at the end of each line is usual in exports; it is no cell.
    number = len(headings)
    good = f"""(len(cells) = {number} or len(cells) = {number + 1} and trim(cells[{number + 1}]) = '')
        and not contains(line, '{UNREADABLE}') and not contains(line, chr(0)) and length(line) <= {LONGEST}"""
    kept = ", ".join(f"{_bare(f'cells[{place + 1}]', form.quote)} as f{at}" for at, place in enumerate(places))
    database.register("feed_lines", line_reader(source, form.skip + 1))
    database.execute(
        f"""create or replace temp table feed_split as
        select row, case when coalesce({good}, false) then null else line end as bad, {kept} from (
            select row, line, {cells} as cells from (select row, rtrim(line, chr(10)) as line from feed_lines)
            where trim(line) <> ''
        )"""
    )
    database.unregister("feed_lines")
    joined = _join_lines(database, form.separator, form.quote, number) if form.quote else {}
    gone = {number for first, (last, _) in joined.items() for number in range(first, last + 1)}
    listed = ", ".join(map(str, sorted(gone))) or "-1"
    reason = f"""case when contains(bad, '{UNREADABLE}') then 'It has bytes that are no text in this encoding.'
        when length(bad) > {LONGEST} then 'The line is too long.'
        when {f"contains(bad, {quote})" if form.quote else "false"} then 'A quotation mark is open or out of place.'
        else 'It has another number of cells than the headings.' end"""
    database.execute(
        f"""insert into {BAD} select row, 'row_unreadable', {reason}, left(bad, {SHOWN}), null from feed_split
        where bad is not null and row not in ({listed})"""
    )
    database.execute(f"create or replace temp table {READ} as select * exclude (bad) from feed_split where bad is null")
    database.execute("drop table feed_split")
    for first, (_, found) in joined.items():
        marks = ", ".join("?" for _ in places)
        database.execute(f"insert into {READ} values (?, {marks})", [first, *(found[place] for place in places)])


def _join_lines(
    database: duckdb.DuckDBPyConnection, separator: str, quote: str, number: int
) -> dict[int, tuple[int, Sequence[str]]]:
    """Find rows whose quoted cells go over several lines: by their first line, the last one and the cells."""
    bad = database.execute(
        f"select row, bad from feed_split where bad is not null order by row limit {_MOST_JOINED + 1}"
    ).fetchall()
    if len(bad) > _MOST_JOINED:
        return {}
    found: dict[int, tuple[int, Sequence[str]]] = {}
    at = 0
    while at < len(bad):
        first, text = bad[at]
        at += 1
        if text.count(quote) % 2 == 0 or UNREADABLE in text:
            continue
        for more in range(at, min(at + _LONGEST_CELL, len(bad))):
            row, line = bad[more]
            # A line that has all cells is a row of its own, in which something else is wrong.
            if row != first + more - at + 1 or line.count(separator) == number - 1 or UNREADABLE in line:
                break
            text += "\n" + line
            cells = _cells(text, separator, quote)
            if cells is not None:
                if len(cells) == number:
                    found[first] = (row, cells)
                    at = more + 1
                break
    return found


def _patterns(separator: str, quote: str, *, blanks: str = " *") -> tuple[str, str]:
    """Return the patterns of a line, and of a cell with the separator before it."""
    s, q = re.escape(separator), re.escape(quote)
    cell = rf"(?:{blanks}{q}(?:[^{q}]|{q}{q})*{q}{blanks}|[^{s}{q}\n]*)"
    return f"{cell}(?:{s}{cell})*", f"{s}({cell})"


def _cells(line: str, separator: str, quote: str) -> list[str] | None:
    """Divide one line into cells; None if a quotation mark is open or out of place."""
    if not quote:
        return line.split(separator)
    whole, one = _patterns(separator, quote)
    if re.fullmatch(whole, line) is None:
        return None
    found = [cell.strip(" ") for cell in re.findall(one, separator + line)]
    return [cell[1:-1].replace(quote * 2, quote) if cell.startswith(quote) else cell for cell in found]


def _bare(cell: str, quote: str) -> str:
    """Return the SQL of a cell without its quotation marks."""
    if not quote:
        return cell
    mark, twice = quoted_text(quote), quoted_text(quote * 2)
    inner = f"replace(substring(trim({cell}), 2, length(trim({cell})) - 2), {twice}, {mark})"
    return f"case when starts_with(ltrim({cell}), {mark}) then {inner} else {cell} end"

"""Readers of nested records: XML, JSON lines and JSON documents. Columns are paths (``paths``)."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser, iterparse

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed
from certify.registry.feeds.lines import UNREADABLE, as_lines, line_reader
from certify.registry.feeds.paths import Node, cell_at, nodes_at
from certify.registry.feeds.raw_table import BAD, READ, SHOWN, fill, keep_named_columns, quoted_text, set_apart

_NEEDED = ("record_id", "event_date")
"""Our columns that some record must have. A register may have no other key in this week's file."""
_TWICE = "A name stands twice in one object."
_NO_OBJECT = "The line is no JSON object."
_TOO_DEEP = "The record is nested too deeply."
_HALF = "It has half of a character."
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_READ_BY_PARSER = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "ascii")
"""Encodings that the parser of XML knows. Others are converted first: it refuses those with several bytes a letter."""
_Apart = list[tuple[int, str, str]]
"""Records that cannot be read: their number, the reason, and their text."""


def read_xml(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read the records of an XML file.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: deletes temporary files.

    Raises:
        Invalid: the file declares entities (``feed_file``), a column is missing (``feed_columns``), or a record has a
            column more than once (``feed_ambiguous``).
    """
    seen: set[str] = set()
    apart: _Apart = []
    records = _xml_records(path, feed, seen, stack)
    count = fill(feed, database, _cells_of(feed, records, apart, anywhere=True))
    set_apart(database, apart)
    if count == 0 and not apart and len(seen) > 1:
        raise Invalid(
            f"The file has no records '{feed.file.record}'.",
            hint=f"It has: {', '.join(sorted(name[:40] for name in seen)[:30])}.",
            code=ErrorCode.FEED_COLUMNS,
        )
    _require_needed(feed, database, count)
    keep_named_columns(feed, database)


def _xml_records(path: Path, feed: Feed, seen: set[str], stack: ExitStack) -> Iterator[tuple[int, Node]]:
    """Yield the records. Entities are refused by the parser, because they can expand without limit."""
    number, root, record = 0, None, feed.file.record or ""
    with path.open("rb") as file:
        declared = _DECLARED.match(file.read(200).removeprefix(codecs.BOM_UTF8))
    name = codecs.lookup(declared[1].decode() if declared else feed.file.encoding).name
    parser = None
    if name not in _READ_BY_PARSER:
        path, parser = as_lines(path, name, stack), XMLParser(encoding="utf-8")
    try:
        for event, element in iterparse(path, events=("start", "end"), parser=parser):
            if root is None:
                root = element
            if len(seen) < 100:
                seen.add(_local(element.tag))
            if event == "end" and _local(element.tag) == record:
                number += 1
                yield number, _node_of(element)
                root.clear()  # frees the elements that were read
    except DefusedXmlException as error:
        raise Invalid(
            f"{path.name} declares entities.", hint="Have it sent without a DTD.", code=ErrorCode.FEED_FILE
        ) from error


def _node_of(element: Any) -> Node | None:
    try:
        return _as_node(element)
    except RecursionError:
        return None


def _as_node(element: Any) -> Node:
    attributes = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    text = (element.text or "").strip()
    if not attributes and not len(element):
        return text
    node: dict[str, Any] = attributes | ({"#text": text} if text else {})
    for child in element:
        if isinstance(child.tag, str):
            node.setdefault(_local(child.tag), []).append(_as_node(child))
    return node


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def read_json_document(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, _stack: ExitStack) -> None:
    """Read a JSON document: a list of records, or one whose ``record`` says where the list is, or a single record.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.

    Raises:
        Invalid: it is no JSON (``feed_file``), a column is missing (``feed_columns``), or a record has a column more
            than once (``feed_ambiguous``).
    """
    name = codecs.lookup(feed.file.encoding).name
    text = path.read_text("utf-8-sig" if name == "utf-8" else name)
    try:
        document = json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Invalid(
            f"{path.name}: line {error.lineno} is no JSON.",
            hint="One object a line is the format json_lines.",
            code=ErrorCode.FEED_FILE,
        ) from error
    except (RecursionError, _Twice) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else "has a name twice in one object"
        raise Invalid(f"{path.name} {reason}.", hint="Have it sent again.", code=ErrorCode.FEED_FILE) from error
    records = nodes_at(document, feed.file.record) if feed.file.record else document
    records = records if isinstance(records, list) else [records]
    numbered = enumerate(records, 1)
    others = [(row, "It is no JSON object.", str(node)) for row, node in numbered if not isinstance(node, dict)]
    apart: _Apart = [*others]
    objects = ((row, node) for row, node in enumerate(records, 1) if isinstance(node, dict))
    count = fill(feed, database, _cells_of(feed, objects, apart, anywhere=False))
    set_apart(database, apart)
    if count == 0 and not apart and feed.file.record and document:
        raise Invalid(f"The file has no records at '{feed.file.record}'.", code=ErrorCode.FEED_COLUMNS)
    _require_needed(feed, database, count)
    keep_named_columns(feed, database)


def read_json_lines(feed: Feed, path: Path, database: duckdb.DuckDBPyConnection, stack: ExitStack) -> None:
    """Read a file with one JSON object a line; other lines go to ``BAD``.

    Args:
        feed: the description.
        path: the file.
        database: where the tables are made.
        stack: deletes temporary files.

    Raises:
        Invalid: a column is missing (``feed_columns``), or a record has one more than once (``feed_ambiguous``).
    """
    source = as_lines(path, feed.file.encoding, stack)
    database.register("feed_given", line_reader(source, 0))
    # "case", because "and" may evaluate the second condition first, and a broken line has no type.
    database.execute(
        f"""create or replace table feed_lines as
        select row, line, case when contains(line, '{UNREADABLE}') then '{_NO_OBJECT}'
            when not coalesce(json_valid(line), false) or json_type(line) <> 'OBJECT' then '{_NO_OBJECT}'
            when len(json_keys(line)) <> len(list_distinct(json_keys(line))) then '{_TWICE}' end as bad
        from (select row, rtrim(line, chr(10)) as line from feed_given) where trim(line) <> ''"""
    )
    database.unregister("feed_given")
    database.execute(
        f"""insert into {BAD} select row, 'row_unreadable', bad, left(line, {SHOWN}), null from feed_lines
        where bad is not null"""
    )
    names = feed.columns.sources()
    if not any(set("./[@") & set(name) for name in names):
        keys = [quoted_text('$."' + name.replace('"', '\\"') + '"') for name in names]
        kept = ", ".join(f"json_extract_string(line, {key}) as f{at}" for at, key in enumerate(keys))
        database.execute(f"create or replace temp table {READ} as select row, {kept} from feed_lines where bad is null")
        if not _may_be_deeper(database, names):
            _require_needed(feed, database, _count(database))
            keep_named_columns(feed, database)
            database.execute("drop table feed_lines")
            return
    apart: _Apart = []
    count = fill(feed, database, _cells_of(feed, _parsed(database), apart, anywhere=False))
    set_apart(database, apart)
    _require_needed(feed, database, count)
    keep_named_columns(feed, database)
    database.execute("drop table feed_lines")


def _may_be_deeper(database: duckdb.DuckDBPyConnection, names: Sequence[str]) -> bool:
    """Return whether a column that no record has at the top may stand deeper in one."""
    for at, name in enumerate(names):
        word = quoted_text(json.dumps(name, ensure_ascii=False))
        found = database.execute(
            f"""select count(f{at}) = 0 and (select count(*) from feed_lines where contains(line, {word})) > 0
            from {READ}"""
        ).fetchall()
        if found[0][0]:
            return True
    return False


def _parsed(database: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, Node | None]]:
    reader = database.cursor()
    reader.execute("select row, line from feed_lines where bad is null order by row")
    while rows := reader.fetchmany(10_000):
        for row, line in rows:
            try:
                yield row, json.loads(line, parse_float=str, parse_int=str)
            except RecursionError:
                yield row, None


def _cells_of(
    feed: Feed, records: Iterator[tuple[int, Node | None]], apart: _Apart, *, anywhere: bool
) -> Iterator[tuple[int, list[str | None]]]:
    """Yield the cells of each record; records that cannot be read are added to ``apart``."""
    names, joined = feed.columns.sources(), set(feed.columns.parts().get("name", ()))
    for row, record in records:
        if record is None:
            apart.append((row, _TOO_DEEP, ""))
            continue
        try:
            cells = [cell_at(record, name, join=name in joined, anywhere=anywhere) for name in names]
            "".join(cell for cell in cells if cell).encode()
        except RecursionError:
            apart.append((row, _TOO_DEEP, ""))
        except UnicodeEncodeError:
            apart.append((row, _HALF, " | ".join(cell or "" for cell in cells).encode("utf-8", "replace").decode()))
        else:
            yield row, cells


def _require_needed(feed: Feed, database: duckdb.DuckDBPyConnection, count: int) -> None:
    """Require that some record has the columns without which no record can be used."""
    names = feed.columns.sources()
    needed = [name for ours in _NEEDED for name in feed.columns.parts()[ours][:1]]
    listed = ", ".join(f"count(f{names.index(name)})" for name in needed)
    found = database.execute(f"select {listed} from {READ}").fetchall()[0]
    missing = sorted({name for name, number in zip(needed, found, strict=True) if number == 0})
    if count and missing:
        raise Invalid(
            f"The file has no columns {', '.join(repr(name) for name in missing)}.",
            hint="No record has them. Compare their names or paths with the file.",
            code=ErrorCode.FEED_COLUMNS,
        )


def _count(database: duckdb.DuckDBPyConnection) -> int:
    return int(database.execute(f"select count(*) from {READ}").fetchall()[0][0])


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found

"""One feed in every format gives the same table; what cannot be read is said row by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from certify.errors import Invalid
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.feeds.raw_table import BAD, RAW
from certify.registry.feeds.reading import read_feed

RECORDS = [
    {"NR": "1", "ID": "110101194001011234", "NAME": "王建国", "BORN": "1940-01-01", "DIED": "2026-10-02"},
    {"NR": "2", "ID": "", "NAME": "José da Silva", "BORN": "02/03/1941", "DIED": "2026-10-05"},
    {"NR": "3", "ID": "x", "NAME": 'O"Neil; Ann', "BORN": "", "DIED": "yesterday"},
]
EXPECTED = [
    (1, "1", "2026-10-02", "110101194001011234", "王建国", "1940-01-01"),
    (2, "2", "2026-10-05", None, "José da Silva", "02/03/1941"),
    (3, "3", "yesterday", "x", 'O"Neil; Ann', None),
]


def feed(**file: Any) -> Feed:
    return parse_feed(
        {
            "name": "deaths",
            "source": "civil-registry",
            "kind": "deaths",
            "file": file,
            "columns": {
                "record_id": "NR",
                "event_date": "DIED",
                "national_id": "ID",
                "name": "NAME",
                "birth_date": "BORN",
            },
            "evidence": {"weight": 1.0, "justification": "registered by a civil registrar"},
        }
    )


def _csv(path: Path, encoding: str, separator: str) -> None:
    rows = [separator.join('"' + cell.replace('"', '""') + '"' for cell in record.values()) for record in RECORDS]
    path.write_bytes(("\r\n".join([separator.join(RECORDS[0]), *rows]) + "\r\n").encode(encoding))


def _json(path: Path) -> None:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS), "utf-8")


def _fixed(path: Path) -> None:
    widths = {"NR": 6, "ID": 20, "NAME": 20, "BORN": 10, "DIED": 10}
    path.write_text("".join("".join(r[n].ljust(w) for n, w in widths.items()) + "\n" for r in RECORDS), "utf-8")


def _xml(path: Path) -> None:
    body = "".join(
        f'<d:death NR="{r["NR"]}"><ID>{r["ID"]}</ID><who><NAME>{r["NAME"]}</NAME><BORN>{r["BORN"]}</BORN></who>'
        f"<DIED>{r['DIED']}</DIED></d:death>"
        for r in RECORDS
    )
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?><list xmlns:d="urn:d">{body}</list>', "utf-8")


def _rows(database: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return database.execute(
        f"select row, record_id, event_date, national_id, name, birth_date from {RAW} order by row"
    ).fetchall()


FIXED = {"NR": (1, 6), "ID": (7, 20), "NAME": (27, 20), "BORN": (47, 10), "DIED": (57, 10)}
WRITERS: dict[str, tuple[dict[str, Any], Callable[[Path], None]]] = {
    "csv": ({"format": "csv"}, lambda path: _csv(path, "utf-8", ",")),
    "csv with a byte order mark": ({"format": "csv"}, lambda path: _csv(path, "utf-8-sig", ",")),
    "csv gb18030": (
        {"format": "csv", "encoding": "gb18030", "separator": ";"},
        lambda path: _csv(path, "gb18030", ";"),
    ),
    "csv utf-16": ({"format": "csv", "encoding": "utf-16", "separator": "\t"}, lambda path: _csv(path, "utf-16", "\t")),
    "fixed width": ({"format": "fixed_width", "fields": FIXED}, _fixed),
    "json lines": ({"format": "json_lines"}, _json),
    "parquet": ({"format": "parquet"}, lambda path: pq.write_table(pa.Table.from_pylist(RECORDS), path)),
    "xml": ({"format": "xml", "record": "death"}, _xml),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_table(name: str, tmp_path: Path) -> None:
    form, write = WRITERS[name]
    path = tmp_path / "feed.dat"
    write(path)
    with duckdb.connect() as database:
        found = read_feed(feed(**form), path, database)
        assert _rows(database) == EXPECTED
    assert (found.rows, found.bad, len(found.sha256)) == (3, 0, 64)


def test_a_query_on_another_database_gives_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"sqlite:///{tmp_path}/registry.db"
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text('create table deaths ("NR" int, "ID" text, "NAME" text, "BORN" text, "DIED" text)'))
        connection.execute(text("insert into deaths values (:NR, :ID, :NAME, :BORN, :DIED)"), RECORDS)
    engine.dispose()
    described = feed(format="sql", database="REGISTRY_URL", query="select * from deaths order by NR")
    with duckdb.connect() as database:
        with pytest.raises(Invalid, match="REGISTRY_URL"):
            read_feed(described, None, database)
        monkeypatch.setenv("REGISTRY_URL", address)
        first = read_feed(described, None, database)
        assert _rows(database) == EXPECTED
        assert read_feed(described, None, database).sha256 == first.sha256
        wrong = feed(format="sql", database="REGISTRY_URL", query="select nothing from nowhere")
        with pytest.raises(Invalid, match="OperationalError") as refused:
            read_feed(wrong, None, database)
        assert "sqlite" not in refused.value.message


def test_rows_that_cannot_be_cut_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_text(
        'NR,ID,NAME,BORN,DIED\n1,a,b,1940-01-01,2026-01-01\n2,too,few\n3,"open,b,c,d\n4,c,d,1941-01-01,2026-01-02\n'
    )
    with duckdb.connect() as database:
        found = read_feed(feed(format="csv"), path, database)
        kept = database.execute(f"select record_id from {RAW} order by row").fetchall()
        bad = database.execute(f"select row, code, cells from {BAD} order by row").fetchall()
    assert ("1",) in kept
    assert found.bad >= 1
    assert bad[0][:2] == (2, "row_unreadable")
    assert "too,few" in bad[0][2]


def test_short_lines_and_broken_objects_are_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    with duckdb.connect() as database:
        _fixed(path)
        path.write_text(path.read_text() + "4     short\n")
        assert read_feed(feed(format="fixed_width", fields=FIXED), path, database).bad == 1
        path.write_text(json.dumps(RECORDS[0]) + "\n{broken\n[1]\n" + json.dumps(RECORDS[2]) + "\n")
        found = read_feed(feed(format="json_lines"), path, database)
        assert (found.rows, found.bad) == (2, 2)
        assert database.execute(f"select row from {BAD} order by row").fetchall() == [(2,), (3,)]
        assert database.execute(f"select row from {RAW} order by row").fetchall() == [(1,), (4,)]


@pytest.mark.parametrize(
    ("form", "content", "code"),
    [
        ({"format": "csv"}, b"A,B\n1,2\n", "feed_columns"),
        ({"format": "csv"}, b"NR,NR\n1,2\n", "feed_columns"),
        ({"format": "csv"}, b"", "feed_columns"),
        ({"format": "csv", "encoding": "klingon"}, b"NR\n", "feed_file"),
        ({"format": "parquet"}, b"PAR1 no", "feed_file"),
        ({"format": "xml", "record": "death"}, b"<list><death>", "feed_file"),
        ({"format": "xml", "record": "death"}, b'<!DOCTYPE l [<!ENTITY a "b">]><list>&a;</list>', "feed_file"),
        ({"format": "xml", "record": "birth"}, b"<list><death/></list>", "feed_columns"),
    ],
)
def test_files_that_are_something_else_are_refused(
    form: dict[str, Any], content: bytes, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "feed"
    path.write_bytes(content)
    with duckdb.connect() as database, pytest.raises(Invalid) as refused:
        read_feed(feed(**form), path, database)
    assert refused.value.code == code


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with duckdb.connect() as database, pytest.raises(Invalid) as refused:
        read_feed(feed(format="csv"), tmp_path / "nothing.csv", database)
    assert refused.value.code == "feed_file"

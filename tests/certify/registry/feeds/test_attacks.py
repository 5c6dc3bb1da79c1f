"""Ugly files: what no library reads alike ends as a bad row or one clear sentence, and never as a fault."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from certify.errors import Invalid
from certify.registry.feeds.checking import RECORDS, check_records
from certify.registry.feeds.description import Limits
from certify.registry.feeds.raw_table import BAD, RAW
from certify.registry.feeds.reading import read_feed
from certify.registry.feeds.shape import Shape, departures

from .test_files_of_the_field import feed

GOOD = {"NR": "1", "ID": "7000001", "NAME": "Ana Lima", "BORN": "1941-02-03", "DIED": "2026-10-02"}
DEEP = '{"a":' * 3_000 + "1" + "}" * 3_000
PATHS = {"record_id": "NR", "event_date": "DIED", "national_id": "ID", "name": "who.name", "birth_date": "BORN"}
TODAY = date(2026, 11, 24)


def _rows(described: Any, path: Path) -> tuple[list[Any], list[int]]:
    with duckdb.connect() as database:
        read_feed(described, path, database)
        kept = database.execute(f"select record_id, name from {RAW} order by row").fetchall()
        return kept, [row for (row,) in database.execute(f"select row from {BAD} order by row").fetchall()]


def _checked(text: str, tmp_path: Path) -> tuple[list[Any], list[Any], Shape]:
    path = tmp_path / "feed.csv"
    path.write_text(text, "utf-8")
    with duckdb.connect() as database:
        read_feed(feed(), path, database)
        shape = check_records(feed(), database, today=TODAY)
        kept = database.execute(
            f"select record_id, national_id, name, birth_date, event_date, event_from from {RECORDS} order by row"
        ).fetchall()
        return kept, database.execute(f"select record_id, code from {BAD} order by row").fetchall(), shape


def test_attack_a_number_of_thousands_of_digits_is_a_bad_row_of_json(tmp_path: Path) -> None:
    long = json.dumps(GOOD)[:-1] + ', "X": ' + "9" * 5_000 + "}"
    path = tmp_path / "feed.json"
    path.write_text(f"[{long}]")
    assert _rows(feed(format="json"), path) == ([("1", "Ana Lima")], [])
    path.write_text(f"{json.dumps(GOOD | {'who': {'name': 'Ana Lima'}})}\n{long}\n")
    kept, _ = _rows(feed(PATHS, format="json_lines"), path)
    assert kept == [("1", "Ana Lima"), ("1", None)]


@pytest.mark.parametrize("ugly", [DEEP, '{"NR": "\\ud800", "DIED": "2026-10-02"}'])
def test_attack_a_line_too_deep_or_with_half_a_character_spoils_itself(ugly: str, tmp_path: Path) -> None:
    path = tmp_path / "feed"
    good = json.dumps(GOOD | {"who": {"name": "Ana Lima"}})
    path.write_text(f"{good}\n{ugly}\n")
    kept, bad = _rows(feed(PATHS, format="json_lines"), path)
    assert (kept[0], [row for row in (1, 2) if row in bad] or [number for number, _ in kept[1:]]) in (
        (("1", "Ana Lima"), [2]),
        (("1", "Ana Lima"), [None]),
    )
    if ugly != DEEP:  # a whole document is refused by the parser of JSON, if it is too deep
        path.write_text(f"[{good}, {ugly}]")
        assert _rows(feed(PATHS, format="json"), path) == ([("1", "Ana Lima")], [2])


def test_attack_an_element_that_is_nested_without_end_spoils_itself(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    good = "".join(f"<{name}>{value}</{name}>" for name, value in GOOD.items())
    path.write_text(f"<all><d>{'<a>' * 20_000}{'</a>' * 20_000}</d><d>{good}</d></all>")
    assert _rows(feed(format="xml", record="d"), path) == ([("1", "Ana Lima")], [1])


@pytest.mark.parametrize(("encoding", "name"), [("GB18030", "王国华"), ("Big5", "王國華"), ("Shift_JIS", "山田太郎")])
def test_xml_in_the_encodings_of_east_asia_is_read(encoding: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    cells = "".join(f"<{key}>{value}</{key}>" for key, value in (GOOD | {"NAME": name}).items())
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>\n<all><d>{cells}</d></all>'.encode(encoding))
    assert _rows(feed(format="xml", record="d"), path) == ([("1", name)], [])


def test_parquet_cells_that_hold_lists_are_refused_and_bytes_and_decimals_are_read(tmp_path: Path) -> None:
    path = tmp_path / "feed.parquet"
    columns: dict[str, Any] = {name: [value, value] for name, value in GOOD.items()}
    pq.write_table(pa.table(columns | {"NAME": [{"given": "Ana"}, None]}), path)
    with pytest.raises(Invalid, match="holds lists or records"):
        _rows(feed(format="parquet"), path)
    ids = pa.array([Decimal("7000001.00"), Decimal("1E+3")], pa.decimal128(20, 2))
    pq.write_table(pa.table(columns | {"NAME": ["Zoë".encode(), b"Zo\xeb"], "NR": ids}), path)
    assert _rows(feed(format="parquet"), path) == ([("7000001", "Zoë")], [2])


def test_a_zip_of_a_desktop_has_one_file_and_an_empty_one_has_none(tmp_path: Path) -> None:
    text = ",".join(GOOD) + "\n" + ",".join(GOOD.values()) + "\n"
    path = tmp_path / "feed.zip"
    for members, count in ((("a.csv", "__MACOSX/._a.csv", ".DS_Store"), 1), (("a.csv", "b.csv"), 2), ((), 0)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for member in members:
                archive.writestr(member, text)
        path.write_bytes(packed.getvalue())
        if count == 1:
            assert _rows(feed(), path) == ([("1", "Ana Lima")], [])
        else:
            with pytest.raises(Invalid, match=f"has {count} files inside"):
                _rows(feed(), path)


def test_an_undeclared_utf_16_is_said(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(",".join(GOOD).encode("utf-16"))
    with pytest.raises(Invalid, match="UTF-16"):
        _rows(feed(), path)


def test_attack_cells_that_stand_for_nothing_are_nothing(tmp_path: Path) -> None:
    kept, bad, _ = _checked(
        "NR,ID,NAME,BORN,DIED\n"
        "1,NULL,Ana Lima,1941-02-03,2026-10-02\n"
        "2,7000002,N/A,1111-11-11,2026-10-02\n"
        "3,7000003,Jennifer Null,1900-01-01,2026-10-02\n"
        "4,7000004,Ana Lima,1941-02-03,NULL\n"
        "5,7000005,Ana Lima,,1900-01-01\n"
        "NULL,7000006,Ana Lima,1941-02-03,2026-10-02\n",
        tmp_path,
    )
    assert [row[:4] for row in kept] == [
        ("1", None, "Ana Lima", "1941-02-03"), ("2", "7000002", None, None), ("3", "7000003", "Jennifer Null", None)
    ]  # fmt: skip
    assert bad == [("4", "event_date_missing"), ("5", "event_too_old"), (None, "record_id_missing")]


def test_attack_an_id_of_many_people_is_no_id_and_they_are_not_lost(tmp_path: Path) -> None:
    rows = [f"{n},990001112,Person {n},194{n}-02-03,2026-10-02" for n in range(1, 6)]
    same = [f"{n},7000001,Ana Lima,1941-02-03,2026-10-02" for n in range(6, 12)]
    kept, bad, shape = _checked("\n".join(["NR,ID,NAME,BORN,DIED", *rows, *same]), tmp_path)
    assert [row[1] for row in kept] == [None] * 5 + ["7000001"] * 6
    assert (bad, shape.shared_ids) == ([], 5)


def test_attack_a_list_of_all_people_is_held(tmp_path: Path) -> None:
    rows = [f"{n},70000{n},Ana Lima,1941-02-03,{'unknown' if n % 2 else '2026-10-02'}" for n in range(10, 30)]
    _, _, shape = _checked("\n".join(["NR,ID,NAME,BORN,DIED", *rows]), tmp_path)
    found = departures(shape, [], Limits(), fresh_days=1_000, today=TODAY)
    assert [entry.code for entry in found] == ["many_undated"]


def test_the_first_possible_day_of_a_death_is_kept(tmp_path: Path) -> None:
    rows = ["1,7000001,A B,,2026-10", "2,7000002,A B,,2026", "3,7000003,A B,,unknown", "4,7000004,A B,,2026-11-02"]
    kept, _, _ = _checked("\n".join(["NR,ID,NAME,BORN,DIED", *rows]), tmp_path)
    assert [(row[4], row[5]) for row in kept] == [
        (date(2026, 10, 31), date(2026, 10, 1)),
        (TODAY, date(2026, 1, 1)),
        (TODAY, date(1900, 1, 1)),
        (date(2026, 11, 2), None),
    ]


_DAY, _ABSENT = (
    "http://hl7.org/fhir/us/vrdr/StructureDefinition/Date-",
    "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
)


def _part(name: str, value: int | None) -> dict[str, Any]:
    if value is None:
        return {"url": _DAY + name, "_valueUnsignedInt": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}}
    return {"url": _DAY + name, "valueUnsignedInt": value}


@pytest.mark.parametrize(
    ("parts", "date_read"),
    [
        ([_part("Year", 2026), _part("Month", 11), _part("Day", None)], "2026-11-00"),
        ([_part("Day", 4), _part("Month", 11), _part("Year", 2026)], "2026-11-04"),
        ([_part("Year", 2026), _part("Month", None), _part("Day", 7)], "2026-00-00"),
        ([_part("Year", None)], "unknown"),
        ([{"url": "year", "valueUnsignedInt": 2026}, {"url": "month", "valueUnsignedInt": 2}], "2026-02-00"),
    ],
)
def test_the_parts_of_a_date_that_fhir_gives_one_by_one_are_read(
    parts: list[dict[str, Any]], date_read: str, tmp_path: Path
) -> None:
    whole = {
        "extension": [{"url": "http://hl7.org/fhir/us/vrdr/StructureDefinition/PartialDateTime", "extension": parts}]
    }
    path = tmp_path / "feed.jsonl"
    path.write_text(json.dumps(GOOD | {"who": {"name": "A"}, "DIED": None, "_DIED": whole}) + "\n")
    with duckdb.connect() as database:
        read_feed(feed(PATHS, format="json_lines"), path, database)
        assert database.execute(f"select event_date from {RAW}").fetchall() == [(date_read,)]

"""Files as the field sends them: stray quotes, mixed ends of lines, packed files, sheets, and headings a little off.

Every physical line is accounted for: it is used, or it is in the quarantine with its number.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from certify.errors import Invalid
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.feeds.raw_table import BAD, RAW
from certify.registry.feeds.reading import read_feed

from .sheets import write_sheets

HEADER = "NR,ID,NAME,BORN,DIED"


def feed(columns: dict[str, Any] | None = None, dates: dict[str, Any] | None = None, **file: Any) -> Feed:
    given = {"record_id": "NR", "event_date": "DIED", "national_id": "ID", "name": "NAME", "birth_date": "BORN"}
    return parse_feed(
        {
            "name": "deaths",
            "source": "civil-registry",
            "kind": "deaths",
            "file": {"format": "csv"} | file,
            "columns": given if columns is None else columns,
            "dates": dates or {},
            "evidence": {"weight": 1.0, "justification": "registered by a civil registrar"},
        }
    )


def _read(described: Feed, path: Path, what: str = "record_id") -> tuple[list[Any], list[int]]:
    with duckdb.connect() as database:
        read_feed(described, path, database)
        kept = database.execute(f"select {what} from {RAW} order by row").fetchall()
        bad = database.execute(f"select row from {BAD} order by row").fetchall()
    return [row[0] if len(row) == 1 else row for row in kept], [row for (row,) in bad]


def _csv(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


ROWS = [f"N{number},7{number:03},Ann Oak{number},1940-01-{number:02},2026-11-02" for number in range(1, 10)]


@pytest.mark.parametrize(
    "line",
    [
        'N5,7005,"Ann Oak5,1940-01-05,2026-11-02',
        'N5,7005,Ann "Oak5,1940-01-05,2026-11-02',
        'N5,7005,Ann Oak5",1940-01-05,2026-11-02',
        'N5,7005,"Ann" Oak5,1940-01-05,2026-11-02',
        'N5,7005,Ann Oak5,1940-01-05,"2026-11-02',
        '"N5,7005,Ann Oak5,1940-01-05,2026-11-02',
        'N5,7005,Ann Oak5,1940-01-05,2026-11-02"',
        "N5,7005,Ann, Oak5,1940-01-05,2026-11-02",
        "N5,7005",
        "N5,7005,A\x00,1940-01-05,2026-11-02",
    ],
)
def test_a_stray_quote_spoils_its_own_line_and_no_other(line: str, tmp_path: Path) -> None:
    path = _csv(tmp_path / "f", *ROWS[:4], line, *ROWS[5:])
    kept, bad = _read(feed(), path)
    assert (kept, bad) == ([f"N{number}" for number in range(1, 10) if number != 5], [5])


def test_two_stray_quotes_do_not_swallow_the_people_between_them(tmp_path: Path) -> None:
    lines = [*ROWS]
    lines[2] = 'N3,7003,"Ann Oak3,1940-01-03,2026-11-02'
    lines[6] = 'N7,7007,Ann Oak7",1940-01-07,2026-11-02'
    lines[7] = 'N8,7008,Ann Oak8",1940-01-08,2026-11-02'
    kept, bad = _read(feed(), _csv(tmp_path / "f", *lines))
    assert (kept, bad) == (["N1", "N2", "N4", "N5", "N6", "N9"], [3, 7, 8])


def test_a_quoted_cell_may_go_over_lines(tmp_path: Path) -> None:
    path = _csv(tmp_path / "f", ROWS[0], 'N2,7002,"Ann\nOak, ""the"" elder",1940-01-02,2026-11-02', ROWS[2])
    assert _read(feed(), path, "row, name") == ([(1, "Ann Oak1"), (2, 'Ann\nOak, "the" elder'), (4, "Ann Oak3")], [])


@pytest.mark.parametrize("ends", [("\r\n", "\n"), ("\r", "\r"), ("\n", "\r"), ("\r\n", "\r")])
def test_ends_of_lines_may_be_mixed(ends: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "f"
    text = "".join(line + ends[number % 2] for number, line in enumerate([HEADER, *ROWS]))
    path.write_bytes(text.encode())
    assert _read(feed(), path) == ([f"N{number}" for number in range(1, 10)], [])
    path.write_bytes(text.rstrip("\r\n").encode())  # and the last line may have no end at all
    assert len(_read(feed(), path)[0]) == 9


def test_bytes_that_are_no_text_spoil_their_own_line(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes("\n".join([HEADER, *ROWS]).encode().replace(b"Ann Oak4", b"Jos\xe9"))
    assert _read(feed(), path)[1] == [4]
    assert _read(feed(encoding="latin-1"), path)[1] == []
    path.write_bytes("\n".join([HEADER, *ROWS]).encode("gb18030").replace(b"Ann Oak4", b"A\xff"))
    assert _read(feed(encoding="gb18030"), path)[1] == [4]


def test_headings_may_differ_in_spaces_and_capitals_and_hold_separators(tmp_path: Path) -> None:
    header = '\ufeff nr ,Id,"name, of the dead",BORN,Died On,X,X,'
    path = _csv(tmp_path / "f", "N1,7,Ann,1940-01-01,2026-11-02,a,b,", header=header)
    columns = {"record_id": "NR", "national_id": "ID", "name": "Name, of the  dead", "birth_date": "born",
               "event_date": "died on"}  # fmt: skip
    assert _read(feed(columns), path, "record_id, name") == ([("N1", "Ann")], [])
    with pytest.raises(Invalid, match="2 columns 'X'"):
        _read(feed(columns | {"sex": "X"}), path)


def test_names_keys_and_dates_may_have_several_columns(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "f",
        "12,A|7,7,Ann,Maria,Oak,1940,3,2,2026-11-02",
        "12,,7,Ann,,Oak,1940,,,2026-11-02",
        header="OFFICE,ENTRY,ID,G1,G2,FAMILY,Y,M,D,DIED",
    )
    columns = {"record_id": ["OFFICE", "ENTRY"], "national_id": "ID", "name": ["G1", "G2", "FAMILY"],
               "birth_date": ["Y", "M", "D"], "event_date": "DIED"}  # fmt: skip
    assert _read(feed(columns), path, "record_id, name, birth_date")[0] == [
        ("12|A||7", "Ann Maria Oak", "1940-3-2"),
        (None, "Ann Oak", "1940-00-00"),
    ]


def test_packed_files_are_unpacked_whatever_their_name(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *ROWS]).encode()
    path = tmp_path / "f"
    path.write_bytes(gzip.compress(text))
    assert len(_read(feed(), path)[0]) == 9
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deaths.csv", text)
    assert len(_read(feed(), path)[0]) == 9
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(Invalid, match="2 files inside"):
        _read(feed(), path)
    assert len(_read(feed(member="deaths.csv"), path)[0]) == 9
    path.write_bytes(gzip.compress(text)[:-12])
    with pytest.raises(Invalid, match="cut off"):
        _read(feed(), path)


@pytest.mark.parametrize("form", ["xlsx", "ods"])
def test_one_named_sheet_of_a_workbook_is_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"f.{form}"
    rows: list[list[object]] = [
        [*HEADER.split(",")],
        ["N1", 7001, "Ann", "1940-01-01", "2026-11-02"],
        [],
        ["N2", 110101194001011234.0, "Bo", "1941-01-01", "2026-11-03"],
        ["N3", "7003", "Cy", 14977, "2026-11-04"],
    ]
    write_sheets(path, {"Notes": [["hello"]], "Deaths": rows})
    with pytest.raises(Invalid, match="2 sheets"):
        _read(feed(format=form), path)
    found = _read(feed(format=form, sheet="Deaths"), path, "record_id, national_id, birth_date")
    # The long number has lost its last digits in the sheet. No person may be found by what is left of it.
    assert found == ([("N1", "7001", "1940-01-01"), ("N3", "7003", "14977")], [3])


def test_instants_in_parquet_are_days_of_their_own_zone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    instant = pa.array([datetime(2026, 11, 1, 16, tzinfo=UTC)], pa.timestamp("us", "Asia/Shanghai"))
    rest = {name: pa.array(["x"]) for name in ("NR", "ID", "NAME", "BORN")}
    pq.write_table(pa.table({**rest, "DIED": instant}), path)
    assert _read(feed(format="parquet"), path, "left(event_date, 10)")[0] == ["2026-11-02"]
    assert _read(feed(dates={"zone": "America/Lima"}, format="parquet"), path, "left(event_date, 10)")[0] == [
        "2026-11-01"
    ]


def test_names_of_files_are_no_patterns(tmp_path: Path) -> None:
    _csv(tmp_path / "a.csv", *ROWS)
    for name in ("*.csv", "[ab].csv", "?.csv", "{a,b}.csv"):
        assert _read(feed(), _csv(tmp_path / name, ROWS[0]))[0] == ["N1"]
        pq.write_table(pa.Table.from_pylist([dict.fromkeys(HEADER.split(","), "x")]), tmp_path / f"{name}.parquet")
        assert _read(feed(format="parquet"), tmp_path / f"{name}.parquet")[0] == ["x"]


FIXED = {"NR": [1, 4], "NAME": [5, 10], "BORN": [15, 8], "DIED": [23, 8], "ID": [31, 3]}


@pytest.mark.parametrize("unit", ["bytes", "characters"])
def test_fixed_widths_count_bytes_or_characters(unit: str, tmp_path: Path) -> None:
    path, encoding = tmp_path / "f", "gb18030"
    lines = []
    for number, name in enumerate(("王小明", "李雷", "Ann")):
        padded = name.encode(encoding).ljust(10) if unit == "bytes" else name.ljust(10).encode(encoding)
        lines.append(f"N{number:03}".encode() + padded + b"1950030420261120" + b"7  ")
    path.write_bytes(b"\r\n".join([*lines, b"N004short", lines[0][:5] + b"\xff" + lines[0][6:]]))
    described = feed(format="fixed_width", encoding=encoding, fields=FIXED, unit=unit)
    kept, bad = _read(described, path, "name, event_date")
    assert (kept, bad) == ([("王小明", "20261120"), ("李雷", "20261120"), ("Ann", "20261120")], [4, 5])
    # Without a word in the description, the lengths of the lines show it.
    short = [line.rstrip() for line in lines]  # some transports cut the blanks at the ends of lines
    path.write_bytes(b"\n".join([*short[:1], short[1] + b"1"]))
    assert _read(feed(format="fixed_width", encoding=encoding, fields=FIXED), path, "name, event_date")[0] == kept[:2]
    path.write_bytes(b"\n".join(lines))
    assert _read(feed(format="fixed_width", encoding=encoding, fields=FIXED), path, "name, event_date")[0] == kept


DEAD = {"ID": "D-9", "NAME": "Late Oak", "BORN": "1938-02-01"}
ALIVE = {"ID": "P-1", "NAME": "Living Oak", "BORN": "1961-02-11"}


def _nested(path: Path, form: str) -> dict[str, Any]:
    record = {"NR": "1", "deceased": DEAD, "DIED": "2026-11-02", "informant": ALIVE}
    if form == "xml":
        people = "".join(
            f"<{who}>" + "".join(f"<{name}>{value}</{name}>" for name, value in record[who].items()) + f"</{who}>"  # type: ignore[attr-defined]
            for who in ("deceased", "informant")
        )
        path.write_text(f"<list><death><NR>1</NR>{people}<DIED>2026-11-02</DIED></death></list>")
        return {"format": "xml", "record": "death"}
    path.write_text(json.dumps(record) + "\n" if form == "json_lines" else json.dumps({"list": [record]}))
    return {"format": form} | ({"record": "list"} if form == "json" else {})


@pytest.mark.parametrize("form", ["xml", "json", "json_lines"])
def test_the_person_named_as_deceased_died_and_not_the_informant(form: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    described = _nested(path, form)
    with pytest.raises(Invalid, match=r"more than once: deceased/ID, informant/ID") as refused:
        _read(feed(**described), path)
    assert refused.value.code == "feed_ambiguous"
    assert "deceased/ID" in refused.value.hint
    columns = {"record_id": "NR", "event_date": "DIED", "national_id": "deceased/ID", "name": "deceased.NAME",
               "birth_date": "deceased/BORN"}  # fmt: skip
    assert _read(feed(columns, **described), path, "national_id, name") == ([("D-9", "Late Oak")], [])


def test_a_path_chooses_among_lists(tmp_path: Path) -> None:
    path = tmp_path / "f"
    record = {
        "NR": 1,
        "DIED": "2026-11-02",
        "who.dob": "1940-01-01",
        "name": [{"use": "old", "given": ["X"]}, {"use": "official", "given": ["Ann", "Mia"], "family": "Oak"}],
        "ids": [{"type": "PASSPORT", "value": "p"}, {"type": "NID", "value": "7"}],
    }
    path.write_text(json.dumps(record) + "\n")
    columns = {"record_id": "NR", "event_date": "DIED", "national_id": "ids[type=NID].value", "birth_date": "who.dob",
               "name": ["name[use=official].given", "name[use=official].family"]}  # fmt: skip
    found = _read(feed(columns, format="json_lines"), path, "national_id, name, birth_date")
    assert found[0] == [("7", "Ann Mia Oak", "1940-01-01")]
    with pytest.raises(Invalid, match=r"2 values at 'ids\.value'"):
        _read(feed(columns | {"national_id": "ids.value"}, format="json_lines"), path)


@pytest.mark.parametrize("form", ["json_lines", "xml"])
def test_keys_that_no_row_has_this_week_may_be_described(form: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    row = dict(zip(HEADER.split(","), ["N1", "7", "Ann", "1940-01-01", "2026-11-02"], strict=True))
    cells = "".join(f"<{name}>{value}</{name}>" for name, value in row.items())
    path.write_text(json.dumps(row) if form == "json_lines" else f"<l><d>{cells}</d></l>")
    columns = {"record_id": "NR", "event_date": "DIED", "national_id": "ID", "target": "OF", "region": "WHERE"}
    described = feed(columns, format=form, record="d")
    assert _read(described, path, "record_id, target, region")[0] == [("N1", None, None)]
    with pytest.raises(Invalid, match="no columns 'WHEN'"):
        _read(described.model_copy(update={"columns": feed(columns | {"event_date": "WHEN"}).columns}), path)


@pytest.mark.parametrize("start", [b"", b"<?xml version='1.0' encoding='utf-16'?>"])
def test_entities_are_refused_by_the_parser_however_they_are_written(start: bytes, tmp_path: Path) -> None:
    text = '<!DOCTYPE l [<!ENTITY a "b">]>' + " " * 70_000 + "<l><d><NR>&a;</NR></d></l>"
    path = tmp_path / "f"
    path.write_bytes((start.decode() + text).encode("utf-16" if start else "utf-8"))
    with pytest.raises(Invalid, match="declares entities"):
        _read(feed(format="xml", record="d"), path)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ({"format": "parquet"}, b"PAR1 no"),
        ({"format": "xml", "record": "d"}, b"<l><d>"),
        ({"format": "json"}, b'{"a": '),
        ({"format": "json"}, b'{"NR": 1, "NR": 2}'),
        ({"format": "json"}, b"[" * 100_000),
        ({"format": "xlsx"}, b"no sheet"),
        ({"format": "ods"}, b"PK\x03\x04no"),
        ({"format": "csv"}, b"PK\x03\x04no"),
        ({"format": "csv", "encoding": "utf-16"}, b"NR\n"),
    ],
)
def test_no_words_of_a_library_reach_a_person(form: dict[str, Any], content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f.dat"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refused:
        _read(feed(**form), path)
    words = refused.value.message + refused.value.hint
    assert not any(word in words for word in ("Error", "DuckDB", "Arrow", "state machine", "Traceback", "0x"))
    assert refused.value.message.endswith(".")


def test_trackers_of_dhis2_are_read_by_the_ids_of_their_attributes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    who = [
        {"attribute": "nid", "value": "7"},
        {"attribute": "nam", "value": "Ann Oak"},
        {"attribute": "dob", "value": ""},
    ]
    events = [{"programStage": "x"}, {"programStage": "death", "event": "E1", "eventDate": "2026-11-02T00:00:00.000"}]
    entity = {"trackedEntityInstance": "t", "attributes": who, "enrollments": [{"events": events}]}
    path.write_text(json.dumps({"trackedEntityInstances": [entity]}))
    columns = {
        "record_id": "enrollments.events[programStage=death].event",
        "event_date": "enrollments.events[programStage=death].eventDate",
        "national_id": "attributes[attribute=nid].value",
        "name": "attributes[attribute=nam].value",
        "birth_date": "attributes[attribute=dob].value",
    }
    described = feed(columns, format="json", record="trackedEntityInstances")
    assert _read(described, path, "record_id, national_id, name, birth_date")[0] == [("E1", "7", "Ann Oak", None)]


def test_fhir_in_xml_has_its_values_in_attributes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    patient = '<identifier><value value="7"/></identifier><name><family value="Oak"/><given value="Ann"/></name>'
    path.write_text(
        f'<Bundle xmlns="http://hl7.org/fhir"><Patient><id value="P1"/>{patient}<birthDate value="1940-01-02"/>'
        '<deceasedDateTime value="2026-11"/><contact><name><family value="Alive"/></name></contact></Patient></Bundle>'
    )
    columns = {"record_id": "id", "event_date": "deceasedDateTime", "national_id": "identifier/value",
               "name": ["./name/given", "./name/family"], "birth_date": "birthDate/@value"}  # fmt: skip
    described = feed(columns, format="xml", record="Patient")
    assert _read(described, path, "record_id, national_id, name, birth_date, event_date")[0] == [
        ("P1", "7", "Ann Oak", "1940-01-02", "2026-11")
    ]

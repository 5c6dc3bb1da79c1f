"""Check of records: each impossible record goes to the bad rows with its reason, and the others are used."""

from __future__ import annotations

import csv
import stat
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from certify.registry.feeds.checking import RECORDS, bad_by_reason, check_records, first_records
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.feeds.quarantine import write_quarantine
from certify.registry.feeds.reading import read_feed
from certify.registry.feeds.shape import Shape

TODAY = date(2026, 11, 24)
HEADER = "NR,ID,NAME,BORN,DIED,OP,OF,UF"
GOOD = "1,110101194001011234,Wang,1940-01-01,2026-11-02,N,,11"


def feed(**more: Any) -> Feed:
    columns = {
        "record_id": "NR",
        "national_id": "ID",
        "name": "NAME",
        "birth_date": "BORN",
        "event_date": "DIED",
        "operation": "OP",
        "target": "OF",
        "region": "UF",
    }
    return parse_feed(
        {
            "name": "deaths",
            "source": "civil-registry",
            "kind": "deaths",
            "file": {"format": "csv"},
            "columns": columns,
            "operations": {"notify": ["N", ""], "correct": ["C"], "void": ["X"]},
            "evidence": {"weight": 1.0, "justification": "registered by a civil registrar"},
        }
        | more
    )


def _check(path: Path, *rows: str, described: Feed | None = None) -> tuple[Shape, list[Any], list[str]]:
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    described = described or feed()
    with duckdb.connect() as database:
        read_feed(described, path, database)
        shape = check_records(described, database, today=TODAY)
        good = database.execute(f"select record_id, operation, event_date from {RECORDS} order by row").fetchall()
        return shape, good, [code for code, _, _ in bad_by_reason(database)]


def test_good_records_are_read(tmp_path: Path) -> None:
    shape, good, bad = _check(
        tmp_path / "f", GOOD, "2,,José,22/03/1941,05.11.2026,,,11", "3,x,,,20261107,C,1,11", "4,,,,,X,1,11"
    )
    assert bad == []
    assert good == [
        ("1", "notify", date(2026, 11, 2)),
        ("2", "notify", date(2026, 11, 5)),
        ("3", "correct", date(2026, 11, 7)),
        ("4", "void", None),
    ]
    assert shape == Shape(4, 0, 0, 0, date(2026, 11, 7))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",a,b,1940-01-01,2026-11-02,N,,11", "record_id_missing"),
        ("a\x07b,a,b,1940-01-01,2026-11-02,N,,11", "record_id_invalid"),
        ("a:void,a,b,1940-01-01,2026-11-02,N,,11", "record_id_invalid"),
        ("9,a,b,1940-01-01,02/11/2026,N,,11", "event_date_ambiguous"),
        ("9,a,b,02/11/1940,2026-11-02,N,,11", "birth_date_ambiguous"),
        ("9,a,b,soon,2026-11-02,N,,11", "birth_date_unreadable"),
        ("9,a,b,1940-01-01,2026-11-02,?,,11", "operation_unknown"),
        ("9,a,b,1940-01-01,2026-11-02,X,,11", "target_missing"),
        ("9,a,b,1940-01-01,,N,,11", "event_date_missing"),
        ("9,a,b,1940-01-01,2026-02-30,N,,11", "event_date_unreadable"),
        ("9,a,b,1940-01-01,soon,N,,11", "event_date_unreadable"),
        ("9,a,b,1940-01-01,2027-01-02,N,,11", "event_in_future"),
        ("9,a,b,,1890-11-02,N,,11", "event_too_old"),
        ("9,a,b,2026-11-03,2026-11-02,N,,11", "event_before_birth"),
        ("9,,b,,2026-11-02,N,,11", "nobody_named"),
        ("1,a,b,1940-01-01,2026-11-02,N,,11", "record_twice"),
    ],
)
def test_impossible_records_are_quarantined(row: str, code: str, tmp_path: Path) -> None:
    shape, good, bad = _check(tmp_path / "f", GOOD, row)
    assert bad == [code]
    assert [record for record, *_ in good] == ["1"]
    assert (shape.rows, shape.bad) == (1, 1)


def test_of_two_records_with_one_number_the_usable_one_is_used(tmp_path: Path) -> None:
    _, good, bad = _check(tmp_path / "f", "1,a,b,1940-01-01,never,N,,11", GOOD)
    assert good == [("1", "notify", date(2026, 11, 2))]
    assert bad == ["event_date_unreadable"]


def test_other_regions_are_not_covered(tmp_path: Path) -> None:
    covered = feed(coverage={"regions": ["12"]})
    assert _check(tmp_path / "f", GOOD, described=covered)[2] == ["region_not_covered"]


def test_acts_are_translated_and_unknown_ones_quarantined(tmp_path: Path) -> None:
    columns = {"record_id": "NR", "national_id": "ID", "event_date": "DIED", "act": "OP"}
    life = parse_feed(
        {
            "name": "hospital",
            "source": "hospital",
            "kind": "life_events",
            "file": {"format": "csv"},
            "columns": columns,
            "acts": {"N": "hospital_stay"},
            "evidence": {"weight": 1.0, "justification": "treated over days, identified"},
        }
    )
    path = tmp_path / "f"
    path.write_text(f"{HEADER}\n{GOOD}\n2,a,,,2026-11-02,Z,,\n")
    with duckdb.connect() as database:
        read_feed(life, path, database)
        check_records(life, database, today=TODAY)
        assert database.execute(f"select act from {RECORDS}").fetchall() == [("hospital_stay",)]
        assert [code for code, *_ in bad_by_reason(database)] == ["act_unknown"]


def test_the_quarantine_file_is_private_and_harmless(tmp_path: Path) -> None:
    path, target = tmp_path / "f", tmp_path / "bad.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n=1+1,a,b,,never,N,,11\n")
    with duckdb.connect() as database:
        read_feed(feed(), path, database)
        check_records(feed(), database, today=TODAY)
        assert write_quarantine(database, target) == 1
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        (row,) = csv.DictReader(target.read_text().splitlines())
        assert (row["row"], row["code"]) == ("2", "event_date_unreadable")
        assert row["cells"].startswith("'=1+1")
        assert first_records(database)[0][:3] == (1, "1", "notify")
        path.write_text(f"{HEADER}\n{GOOD}\n")
        read_feed(feed(), path, database)
        check_records(feed(), database, today=TODAY)
        assert write_quarantine(database, target) == 0
    assert not target.exists()


def test_events_before_the_start_of_a_feed_are_not_covered(tmp_path: Path) -> None:
    covered = feed(coverage={"since": date(2026, 11, 3)})
    assert _check(tmp_path / "f", GOOD, described=covered)[2] == ["date_not_covered"]
    assert _check(tmp_path / "f", GOOD, described=feed(coverage={"since": date(2026, 11, 2)}))[2] == []

"""CSV and Parquet files: separators, encodings, columns, and lines that spoil only themselves."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.errors import Invalid
from certify.files.table_file import Columns, Row, TableFile

COLUMNS = Columns(known=("id", "name", "born"), required=("id", "name"), ignored=("note",))


def table(tmp_path: Path, data: bytes | str, **options: Any) -> TableFile:
    path = tmp_path / "people.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return TableFile(path, COLUMNS, **options)


def cells(file: TableFile) -> list[tuple[str, ...]]:
    return [row.cells for row in file.rows()]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separator_and_line_ends_are_detected(tmp_path: Path, separator: str, newline: str) -> None:
    lines = [separator.join(row) for row in (("id", "name"), ("1", '"a, b; c"'), ("2", "王伟"))]
    file = table(tmp_path, newline.join(lines))
    assert file.header == ("id", "name")
    assert cells(file) == [("1", "a, b; c"), ("2", "王伟")]
    assert file.count() == 2


def test_the_separator_can_be_given(tmp_path: Path) -> None:
    assert cells(table(tmp_path, "id|name\n1|a,b", separator="|")) == [("1", "a,b")]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("id,name\n1,王伟\n".encode(), "utf-8"),
        ("id,name\n1,王伟\n".encode("utf-8-sig"), "utf-8"),
        ("id,name\n1,王伟\n".encode("gb18030"), "gb18030"),
        ("id,name\n1,王伟\n".encode("utf-16"), "utf-16"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, encoding: str) -> None:
    assert cells(table(tmp_path, data, encoding=encoding)) == [("1", "王伟")]


def test_latin_1(tmp_path: Path) -> None:
    assert cells(table(tmp_path, "id,name\n1,José\n".encode("latin-1"), encoding="latin-1")) == [("1", "José")]


def test_headers_in_any_order_case_and_spacing(tmp_path: Path) -> None:
    assert table(tmp_path, " Name ,ID,note\n").header == ("name", "id", "note")


@pytest.mark.parametrize(
    ("data", "code", "named"),
    [
        ("id,born\n1,2\n", "column_missing", "'name'"),
        ("id,name,colour\n", "column_unknown", "'colour'"),
        ("id,name,name\n", "column_twice", "'name'"),
        ("", "column_missing", "'id', 'name'"),
        ('id,"name\n', "column_missing", "'id', 'name'"),
        (b"PK\x03\x04rest", "file_format", "spreadsheet"),
        (b"PAR1 but not really", "file_format", "people.csv"),
        (b"\xff\xfe\x00", "column_unknown", ""),
    ],
)
def test_a_file_with_other_columns_is_refused(tmp_path: Path, data: bytes | str, code: str, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        table(tmp_path, data)
    assert (refused.value.code, named in refused.value.message) == (code, True)
    if code.startswith("column"):
        assert "id, name, born" in refused.value.hint


@pytest.mark.parametrize("encoding", ["klingon", "base64", ""])
def test_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(Invalid, match="encoding"):
        table(tmp_path, "id,name\n", encoding=encoding)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        TableFile(tmp_path / "nowhere.csv", COLUMNS)


def test_a_broken_line_spoils_only_itself_and_keeps_its_number(tmp_path: Path) -> None:
    lines = [b"id,name", b"1,a", b'2,"b', b"3,c", b"", b"4", b"5,d,e", b"6,\xe9", b"7," + b"x" * 200_000, b'8,"h"']
    rows = list(table(tmp_path, b"\n".join(lines)).rows())
    assert [(row.line, bool(row.problem)) for row in rows] == [
        (2, False),
        (3, True),
        (4, False),
        (6, True),
        (7, True),
        (8, True),
        (9, True),
        (10, False),
    ]
    assert rows[-1] == Row(10, ("8", "h"))
    assert len(rows[-2].cells[0]) < 1000


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=3, max_size=3))
def test_no_content_of_a_line_makes_reading_raise(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text("id,name\n" + ",".join(words) + '"\n9,z\n', "utf-8")
    assert list(TableFile(path, COLUMNS).rows())[-1].cells == ("9", "z")


def parquet(tmp_path: Path, **columns: Any) -> Path:
    path = tmp_path / "people.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_cells_with_texts_numbers_and_dates_become_text(tmp_path: Path) -> None:
    names = pa.array(["a", None, "c"]).dictionary_encode()
    path = parquet(tmp_path, id=[1, 2, 3], name=names, born=[date(1950, 1, 2), None, date(1951, 3, 4)])
    file = TableFile(path, COLUMNS)
    assert file.count() == 3
    assert list(file.rows()) == [
        Row(1, ("1", "a", "1950-01-02")),
        Row(2, ("2", "", "")),
        Row(3, ("3", "c", "1951-03-04")),
    ]


def test_parquet_with_decimals_for_ids_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="'id' has the type double"):
        TableFile(parquet(tmp_path, id=[1.0], name=["a"]), COLUMNS)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, id=["x" * 50] * 5, name=["a"] * 5)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)
    with pytest.raises(Invalid):
        list(TableFile(path, COLUMNS).rows())

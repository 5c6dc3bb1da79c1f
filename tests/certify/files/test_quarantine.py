"""The quarantine file: rows with their reasons, private, safe in a spreadsheet, never over another file."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest

from certify.errors import Invalid
from certify.files.people_rows import BadRow
from certify.files.quarantine import Quarantine
from certify.files.table_file import Row

HEADER = ("name", "quarantine_code", "scheme")


def written(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def bad(line: int, *cells: str, problem: str = "") -> BadRow:
    return BadRow(Row(line, cells, problem), "name_missing", "'name' is empty.")


def test_rows_are_written_with_line_code_reason_and_cells(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    with Quarantine(path, HEADER) as quarantine:
        quarantine.add([bad(9, 'Wang, "W"', "old", "employee"), bad(3, "王", "old", "x")])
        quarantine.add([bad(12, "torn line", problem="torn")])
    assert written(path) == [
        ["quarantine_line", "quarantine_code", "quarantine_reason", "name", "scheme"],
        ["3", "name_missing", "'name' is empty.", "王", "x"],
        ["9", "name_missing", "'name' is empty.", 'Wang, "W"', "employee"],
        ["12", "name_missing", "'name' is empty.", "torn line"],
    ]
    assert quarantine.count == 3


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_cell_cannot_run_as_a_formula(tmp_path: Path, cell: str) -> None:
    with Quarantine(tmp_path / "q.csv", HEADER) as quarantine:
        quarantine.add([bad(2, cell, "", "a=b")])
    assert written(tmp_path / "q.csv")[1][3:] == ["'" + cell, "a=b"]


def test_unreadable_bytes_can_be_written(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "q.csv", HEADER) as quarantine:
        quarantine.add([bad(2, b"Jos\xe9".decode("utf-8", "surrogateescape"), "", "x")])
    assert written(tmp_path / "q.csv")[1][3] == r"Jos\udce9"


def test_only_the_owner_can_read_it_even_if_it_existed_before(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    for _ in range(2):
        with Quarantine(path, HEADER) as quarantine:
            quarantine.add([bad(2, "a", "", "b")])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
    assert len(written(path)) == 2


def test_without_bad_rows_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    with Quarantine(path, HEADER) as quarantine:
        quarantine.add([bad(2, "a", "", "b")])
    with Quarantine(path, HEADER):
        pass
    assert not path.exists()


def test_only_a_quarantine_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious.csv"
    path.write_text("precious")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    for target in (path, link, tmp_path, tmp_path / "no folder" / "q.csv"):
        with pytest.raises(Invalid) as refused:
            Quarantine(target, HEADER)
        assert refused.value.code == "quarantine_path"
    assert path.read_text() == "precious"

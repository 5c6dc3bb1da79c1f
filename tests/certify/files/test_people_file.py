"""The import of people: valid rows are stored once, wrong rows are quarantined, and an import can be repeated."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from certify.approvals.erase import erase
from certify.audit.replay import replay
from certify.decision.determinations import all_determinations
from certify.decision.determine import determine_due
from certify.errors import Invalid
from certify.files.people_file import ImportReport, import_people
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.identifiers import look_up
from certify.service import Service, Unit
from certify.storage.ledger import ledger_root, ledger_size
from certify.storage.people import entitlements_of, get_beneficiary
from certify.storage.reviews import open_cases_of
from certify.storage.tables.decisions import DeterminationRow, ReviewCaseRow
from certify.storage.tables.imports import FirstDeterminationRow
from certify.storage.tables.people import BeneficiaryRow, EntitlementRow

pytestmark = pytest.mark.integration

HEADER = "national_id,name,scheme,starts_on,card_number,birth_date,region,needs,last_proof_on"


def write(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("\n".join([header, *rows]), "utf-8")
    return path


def person(number: int, scheme: str = "employee", name: str = "") -> str:
    return f"ID{number:06d},{name or f'Person {number}'},{scheme},2015-01-01,CARD{number:06d},1950-03-04,,,"


def quarantined(report: ImportReport) -> list[tuple[int, str]]:
    if report.quarantine_path is None:
        return []
    with report.quarantine_path.open(encoding="utf-8-sig", newline="") as file:
        return [(int(row["quarantine_line"]), row["quarantine_code"]) for row in csv.DictReader(file)]


def counts(service: Service) -> tuple[int, int, int]:
    with service.unit() as unit:
        tables = (BeneficiaryRow, EntitlementRow, DeterminationRow, FirstDeterminationRow)
        people, pensions, whole, brief = (unit.db.scalar(select(func.count()).select_from(t)) or 0 for t in tables)
        return people, pensions, whole + brief


def test_one_person_with_two_pensions_is_enrolled_and_determined(service: Service, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "11-22 33,王伟,employee,2015-01-01,,1950-03-04,110105,low_vision,2026-01-15",
        "112233,王伟,resident,2016/1/1,6217 0001,,,bedridden,",
    )
    report = import_people(service, path)
    assert report == ImportReport(2, 1, 2, 0, 0, None, {"2027-03": 1}, 0, {})
    assert not path.with_name("people.quarantine.csv").exists()
    with service.unit() as unit:
        beneficiary_id = look_up(unit, national_id="112233")
        assert beneficiary_id is not None
        assert look_up(unit, card_number="62170001") == beneficiary_id
        row = get_beneficiary(unit.db, beneficiary_id)
        assert (row.name, row.birth_date, row.region) == ("王伟", date(1950, 3, 4), "110105")
        assert row.needs == ["low_vision", "bedridden"]
        pensions = [(e.scheme, e.standing, e.valid_until) for e in entitlements_of(unit.db, beneficiary_id)]
        assert pensions == [("employee", "certified", date(2027, 1, 15)), ("resident", "due", None)]
        assert open_cases_of(unit.db, beneficiary_id) == []


def test_bad_rows_are_quarantined_and_good_rows_are_imported(service: Service, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        person(1),
        person(1),
        person(1, "resident", name="Somebody Else"),
        person(1, "personal_pension"),
        person(2, "lottery"),
        person(3, name=" "),
        "ID000004,Four,employee,2015-01-01,CARD000001,,,,",
        "ID000005,Five,employee,2015-01-01,,1850-01-01,,,",
        "ID000006,Six,employee,2015-01-01,,,,,2026-03-03",
        "ID000007,Seven",
        'ID000008,"Eight,employee,2015-01-01,,,,,',
        person(9, name="N\x07"),
        "",
        person(10),
    )
    report = import_people(service, path)
    assert quarantined(report) == [
        (3, "duplicate_row"),
        (4, "contradiction"),
        (6, "unknown_scheme"),
        (7, "name_missing"),
        (8, "beneficiary_exists"),
        (9, "birth_date_invalid"),
        (10, "last_proof_on_invalid"),
        (11, "row_unreadable"),
        (12, "row_unreadable"),
        (13, "name_invalid"),
    ]
    assert (report.rows, report.people_added, report.entitlements_added) == (13, 2, 3)
    assert report.rows == report.entitlements_added + report.unchanged + report.quarantined
    assert counts(service) == (2, 3, 3)


def test_a_fund_that_goes_live_opens_no_case_and_is_told_what_will_happen(
    service: Service, tmp_path: Path, clock: Any
) -> None:
    births = ["1950-03-04", "1949-09-30", "", "1950-01-01", "1951-06-15"]
    rows = [f"ID{number:06d},Person {number},employee,2010-05-01,,{birth},,," for number, birth in enumerate(births)]
    lapsed = "ID000009,Person 9,employee,2010-05-01,,1950-03-04,,,2020-01-01"
    path = write(tmp_path, *rows, lapsed, "ID000010,Bad,lottery,2010-05-01,,,,,")
    told = import_people(service, path, check=True)
    assert counts(service) == (0, 0, 0), "a check stores nothing"
    assert not path.with_name("people.quarantine.csv").exists()
    with service.unit() as unit:
        assert ledger_size(unit.db) == 0
    done = import_people(service, path)
    assert (told.rows, told.people_added, told.entitlements_added, told.quarantined) == (7, 6, 6, 1)
    # Which day the people without a birthday get depends on their new id.
    assert sum(told.first_proofs.values()) == sum(done.first_proofs.values()) == 5
    assert (told.overdue, done.overdue) == (1, 1)
    assert told.reasons == done.reasons == {"unknown_scheme": 1}
    assert {"2026-06", "2026-09", "2027-03"} <= done.first_proofs.keys()
    with service.unit() as unit:
        cases = unit.db.scalars(select(ReviewCaseRow)).all()
        assert [case.beneficiary_id for case in cases] == [look_up(unit, national_id="ID000009")]
        (pension,) = entitlements_of(unit.db, _known(unit, "ID000001"))
        assert (pension.standing, pension.first_due_on, pension.due_on) == (
            "due",
            date(2026, 9, 30),
            date(2026, 9, 30),
        )
    # A year later the rules are as ever, and a replay of the first determination comes out the same.
    clock.advance(timedelta(days=400))
    determine_due(service)
    with service.unit() as unit:
        person_id = _known(unit, "ID000001")
        assert [e.standing for e in entitlements_of(unit.db, person_id)] == ["overdue"]
        for row in all_determinations(unit, person_id, limit=10):
            assert replay(unit, row.id).identical
        erase(unit, person_id)
    with service.unit() as unit:
        assert entitlements_of(unit.db, person_id)[0].first_due_on is None, "it was a birthday"


def _known(unit: Unit, national_id: str) -> UUID:
    found = look_up(unit, national_id=national_id)
    assert found is not None
    return found


def test_the_same_file_again_changes_nothing(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path, person(1), person(1, "resident"), person(2))
    import_people(service, path)
    with service.unit() as unit:
        size = ledger_size(unit.db)
    assert import_people(service, path) == ImportReport(3, 0, 0, 3, 0, None, {}, 0, {})
    with service.unit() as unit:
        assert ledger_size(unit.db) == size


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_the_size_of_chunks_does_not_change_the_result(service: Service, tmp_path: Path, chunk: int) -> None:
    rows = [person(1), person(2), person(1, "resident"), person(2, "resident", name="Other"), person(1), person(3)]
    report = import_people(service, write(tmp_path, *rows), chunk=chunk)
    assert quarantined(report) == [(5, "contradiction"), (6, "duplicate_row")]
    assert (report.people_added, report.entitlements_added, report.unchanged) == (3, 4, 0)


def test_a_new_pension_of_an_enrolled_person_is_added(service: Service, tmp_path: Path) -> None:
    with service.unit() as unit:
        known = NewBeneficiary("ID000001", "Person 1", (NewEntitlement("employee", date(2015, 1, 1)),))
        beneficiary_id = add_beneficiary(unit, known)
    report = import_people(service, write(tmp_path, person(1), person(1, "resident")))
    assert (report.people_added, report.entitlements_added, report.unchanged) == (0, 1, 1)
    assert sum(report.first_proofs.values()) == 1
    with service.unit() as unit:
        assert [e.scheme for e in entitlements_of(unit.db, beneficiary_id)] == ["employee", "resident"]
    other_name = import_people(service, write(tmp_path, person(1, "personal_pension", name="Stranger")))
    assert quarantined(other_name) == [(2, "contradiction")]


def test_a_refused_person_leaves_no_trace_and_does_not_affect_others(service: Service, tmp_path: Path) -> None:
    clash = "ID000002,Clash,employee,2015-01-01,CARD000001,,,,"
    report = import_people(service, write(tmp_path, person(1), clash, person(3)))
    assert quarantined(report) == [(3, "beneficiary_exists")]
    assert counts(service) == (2, 2, 2)
    with service.unit() as unit:
        assert look_up(unit, national_id="ID000002") is None
        assert ledger_root(unit.db, ledger_size(unit.db))


def test_the_corrected_quarantine_file_can_be_imported_as_it_is(service: Service, tmp_path: Path) -> None:
    report = import_people(service, write(tmp_path, person(1), person(2, "employe")))
    assert report.quarantine_path is not None
    text = report.quarantine_path.read_text("utf-8-sig")
    report.quarantine_path.write_text(text.replace(",employe,", ",employee,"), "utf-8-sig")
    again = import_people(service, report.quarantine_path)
    assert (again.people_added, again.quarantined) == (1, 0)
    assert counts(service) == (2, 2, 2)


@pytest.mark.parametrize(
    ("header", "code"),
    [("national_id,name,scheme", "column_missing"), (HEADER + ",iban", "column_unknown")],
)
def test_a_file_with_other_columns_changes_nothing(service: Service, tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        import_people(service, write(tmp_path, person(1), header=header))
    assert refused.value.code == code
    assert counts(service) == (0, 0, 0)


def test_a_quarantine_path_that_cannot_be_used_changes_nothing(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path, person(1))
    for target in (path, tmp_path / "missing" / "q.csv"):
        with pytest.raises(Invalid) as refused:
            import_people(service, path, quarantine=target)
        assert refused.value.code == "quarantine_path"
    assert counts(service) == (0, 0, 0)
    assert path.read_text().startswith(HEADER)


def test_parquet(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    columns = {
        "national_id": ["ID000001", "ID000002", None],
        "name": ["One", "Two", "Three"],
        "scheme": ["employee"] * 3,
        "starts_on": pa.array([date(2015, 1, 1)] * 3),
    }
    pq.write_table(pa.table(columns), path)
    seen: list[tuple[int, int | None]] = []
    report = import_people(service, path, chunk=2, progress=lambda done, total: seen.append((done, total)))
    assert quarantined(report) == [(3, "national_id_missing")]
    assert (report.people_added, seen) == (2, [(2, 3), (3, 3), (3, 3)])


_KILLED = """
import os, signal, sys
from pathlib import Path
from certify.config import Settings
from certify.queue import NoQueue
from certify.files.people_file import import_people
from certify.service import build_service

def progress(done, total):
    if done >= 20:
        os.kill(os.getpid(), signal.SIGKILL)

service = build_service(Settings(data_dir=Path(sys.argv[1])), queue=NoQueue())
import_people(service, Path(sys.argv[2]), progress=progress, chunk=10)
"""


def test_after_a_kill_a_repeat_finishes_the_rest_and_does_nothing_twice(
    service: Service, database_url: str, tmp_path: Path
) -> None:
    path = write(tmp_path, *(person(number) for number in range(35)), "bad")
    environment = {**os.environ, "CERTIFY_DATABASE_URL": database_url}
    command = [sys.executable, "-c", _KILLED, str(tmp_path), str(path)]
    killed = subprocess.run(command, env=environment, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert counts(service) == (20, 20, 20)
    report = import_people(service, path, chunk=10)
    assert (report.people_added, report.entitlements_added, report.unchanged) == (15, 15, 20)
    assert quarantined(report) == [(37, "row_unreadable")]
    assert counts(service) == (35, 35, 35)

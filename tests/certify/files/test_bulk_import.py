"""People stored by COPY are those that are stored one by one: the same states, days, cases, seals and reasons."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from certify.approvals.erase import erase
from certify.audit.imported import check_imports
from certify.audit.ledger_check import check_ledger
from certify.audit.replay import replay
from certify.audit.standing_check import check_standings
from certify.decision.determinations import all_determinations, find_determination, proof_behind
from certify.decision.determine import determine
from certify.files import people_chunks
from certify.files.people_file import ImportReport, import_people
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.identifiers import look_up, open_identifiers
from certify.service import Service, Unit
from certify.storage import imports
from certify.storage.enrolled import enroller_of
from certify.storage.imports import EnrolledMeanwhile, firsts_of
from certify.storage.ledger import ledger_size
from certify.storage.people import entitlements_of, get_beneficiary
from certify.storage.reviews import open_cases_of
from certify.storage.row_macs import RowAltered
from tests.conftest import Clock

pytestmark = pytest.mark.integration

HEADER = (
    "national_id,name,scheme,starts_on,card_number,birth_date,region,needs,sex,last_proof_on,"
    "monthly_amount,currency,ends_on,second_residence"
)
TERMS = (",,,", "1250.00,EUR,,ES", ",,2026-05-31,", "2025-01-01=900.00;2026-01-01=950.50,EUR,2026-02-15,")
STARTS = ("2010-05-01", "2025-11-20", "2026-02-01")
BIRTHS = ("1950-03-04", "1935-12-31", "1960-02-29", "1950-01-01")
PROOFS = ("", "2026-01-15", "2025-03-05", "2024-12-20", "2020-01-01")


def rows(prefix: str) -> Iterator[str]:
    """Yield rows of every kind; the prefix stands before the ids, so that two files are about different people."""
    number = 0
    for start in STARTS:
        for birth in BIRTHS:
            for proof in PROOFS:
                number += 1
                scheme = ("employee", "resident")[number % 2]
                details = f"{scheme},{start},{prefix}CARD{number},{birth},r{number % 3},,F,{proof},{TERMS[number % 4]}"
                yield f'{prefix}{number:06},"Person {number} Žofie \\ ""x""",{details}'
                if number % 5 == 0:
                    other = ("resident", "employee")[number % 2]
                    details = f"{other},2012-01-01,,,,low_vision;deaf,,2019-05-05,,,,"
                    yield f'{prefix}{number:06},"Person {number} Žofie \\ ""x""",{details}'
    yield f"{prefix}000001,Somebody Else,personal_pension,2010-01-01,,,,,,,,,,"
    yield f"{prefix}900001,Same Card,employee,2010-01-01,{prefix}CARD1,,,,,,,,,"
    yield f"{prefix}900002,Old,employee,2010-01-01,,1850-01-01,,,,,,,,"
    yield f"{prefix}900003,N\x07,employee,2010-01-01,,,,,,,,,,"
    yield f"{prefix}900004,Bad,lottery,2010-01-01,,,,,,,,,,"
    yield f"{prefix}900005,Future,employee,2010-01-01,,,,,,2027-01-01,,,,"


def write(tmp_path: Path, name: str, lines: Iterator[str] | list[str]) -> Path:
    path = tmp_path / f"{name}.csv"
    path.write_text("\n".join([HEADER, *lines]), "utf-8")
    return path


def quarantined(report: ImportReport) -> list[tuple[str, ...]]:
    if report.quarantine_path is None:
        return []
    with report.quarantine_path.open(encoding="utf-8-sig", newline="") as file:
        return [
            (row["quarantine_line"], row["quarantine_code"], row["quarantine_reason"]) for row in csv.DictReader(file)
        ]


@contextmanager
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let COPY fail, as it does when somebody else enrols the same people meanwhile."""

    def fails(*_: object) -> None:
        raise EnrolledMeanwhile

    with monkeypatch.context() as patch:
        patch.setattr(people_chunks, "insert_people", fails)
        yield


def told(unit: Unit, prefix: str) -> dict[str, Any]:
    """Return everything that is stored of people, by their numbers without the prefix, and without ids."""
    found = {}
    for number in range(1, len(STARTS) * len(BIRTHS) * len(PROOFS) + 1):
        person = look_up(unit, national_id=f"{prefix}{number:06}")
        assert person is not None
        row = get_beneficiary(unit.db, person)
        clear = [None if value is None else value.removeprefix(prefix) for value in open_identifiers(unit, row)]
        by_card = look_up(unit, card_number=f"{prefix}CARD{number}")
        details = (row.name, row.birth_date, row.region, list(row.needs), row.sex, row.enrolled_by, row.created_at)
        # 1 January stands for an unknown birthday, whose day a hash of the id gives.
        hashed = row.birth_date is not None and (row.birth_date.month, row.birth_date.day) == (1, 1)
        pensions = [_pension(unit, pension, hashed=hashed) for pension in entitlements_of(unit.db, person)]
        cases = [(case.kind, case.state, case.opened_by, case.opened_at) for case in open_cases_of(unit.db, person)]
        found[f"{number:06}"] = (clear, by_card == person, details, pensions, sorted(cases), enroller_of(unit.db, row))
    return found


def _pension(unit: Unit, pension: Any, *, hashed: bool) -> dict[str, Any]:
    names = (
        *("scheme", "starts_on", "last_proof_on", "standing", "payment", "next_step", "valid_until", "proven_on"),
        *("stopped_on", "back_pay_from", "terms"),
        *(() if hashed else ("first_due_on", "due_on", "next_change_on")),
    )
    row = find_determination(unit, pension.determination_id)
    assert replay(unit, row.id).identical
    behind = proof_behind(unit, row.id)
    verdict = {name: value for name, value in row.verdict.items() if name != "entitlement"}
    inputs = {name: value for name, value in row.inputs["entitlement"].items() if name != "id"}
    if hashed:
        verdict.pop("timetable")
        inputs.pop("first_due_on", None)
        verdict["reasons"] = [why["code"] for why in verdict["reasons"]]
    stored = {name: getattr(pension, name) for name in names}
    return {**stored, "verdict": verdict, "inputs": inputs, "policy": row.policy_sha256, "behind": behind}


def test_both_ways_store_the_same(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = import_people(service, write(tmp_path, "fast", rows("A")), actor="importer", chunk=50)
    with one_by_one(monkeypatch):
        slow = import_people(service, write(tmp_path, "slow", rows("B")), actor="importer", chunk=50)
    assert (fast.rows, fast.people_added, fast.entitlements_added) == (78, 60, 72)
    assert replace(fast, quarantine_path=None, first_proofs={}) == replace(slow, quarantine_path=None, first_proofs={})
    assert sum(fast.first_proofs.values()) == sum(slow.first_proofs.values())
    assert quarantined(fast) == quarantined(slow) != []
    with service.unit() as unit:
        assert len(firsts_of(unit.db, _known(unit, "A000005"))) == 2, "stored in brief"
        assert firsts_of(unit.db, _known(unit, "B000005")) == [], "stored whole"
        assert told(unit, "A") == told(unit, "B")
    _is_sound(service)


def _is_sound(service: Service) -> None:
    """Check all seals, the ledger, and that each row is what the ledger says."""
    assert check_standings(service).findings == []
    with service.snapshot() as unit:
        assert check_imports(unit) == []
        assert check_ledger(unit).findings == []


def _known(unit: Unit, national_id: str) -> UUID:
    found = look_up(unit, national_id=national_id)
    assert found is not None
    return found


def test_later_determinations_follow_and_an_erasure_takes_the_birthday(
    service: Service, tmp_path: Path, clock: Clock
) -> None:
    import_people(service, write(tmp_path, "fast", rows("A")), actor="importer")
    clock.advance(timedelta(days=500))
    with service.unit() as unit:
        person = _known(unit, "A000001")
        determine(unit, person)
    with service.unit() as unit:
        newest, first = all_determinations(unit, person, limit=10)
        assert (newest.verdict["standing"], first.verdict["standing"]) == ("overdue", "due")
        assert newest.inputs["entitlement"] == first.inputs["entitlement"]
        other = _known(unit, "A000002")
    _is_sound(service)
    for one in (person, other):
        with service.unit() as unit:
            erase(unit, one)
    with service.unit() as unit:
        for one in (person, other):
            (stored,) = firsts_of(unit.db, one)
            assert stored.entitlement["birth_date"] is None
            assert "first_due_on" not in stored.entitlement
            again = replay(unit, stored.id)
            assert again.identical
            assert again.not_checked != ()
    _is_sound(service)


def test_people_in_two_chunks_that_are_processed_at_a_time(service: Service, tmp_path: Path) -> None:
    lines = [
        "ID000001,One,employee,2010-01-01,CARD0001,,,,,,,,,",
        "ID000002,Two,employee,2010-01-01,,,,,,,,,,",
        "ID000002,Two,resident,2010-01-01,,,,,,,,,,",
        "ID000003,Three,employee,2010-01-01,CARD0001,,,,,,,,,",
        "ID000001,Other,resident,2010-01-01,,,,,,,,,,",
        "ID000004,Four,employee,2010-01-01,,,,,,,,,,",
    ]
    for size in (1, 2):
        report = import_people(service, write(tmp_path, f"in-{size}", [f"{size}{line}" for line in lines]), chunk=size)
        if size == 1:
            assert [code for _, code, _ in quarantined(report)] == ["beneficiary_exists", "contradiction"]
            assert (report.people_added, report.entitlements_added) == (3, 4)
    _is_sound(service)


def test_a_person_whom_somebody_else_enrols_meanwhile_is_not_stored_twice(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = imports.insert_people

    def late(db: Any, new: Any) -> None:
        with service.unit("clerk") as unit:
            add_beneficiary(unit, NewBeneficiary("A000002", "Clash", (NewEntitlement("employee", date(2010, 1, 1)),)))
        insert(db, new)

    monkeypatch.setattr(people_chunks, "insert_people", late)
    report = import_people(service, write(tmp_path, "fast", rows("A")))
    assert (report.people_added, report.entitlements_added) == (59, 71)
    assert ("3", "contradiction") in {(line, code) for line, code, _ in quarantined(report)}
    _is_sound(service)


def test_a_chunk_is_one_entry_of_the_ledger(service: Service, tmp_path: Path) -> None:
    plain = [f"ID{number:06},N,employee,2010-01-01,,1950-03-04,,,,2026-01-15,,,," for number in range(40)]
    import_people(service, write(tmp_path, "plain", plain), chunk=20)
    with service.unit() as unit:
        assert ledger_size(unit.db) == 2


_REMOVED = "; ".join(
    f"delete from {table} where {key} = '{{person}}'"
    for table, key in (
        ("first_determinations", "beneficiary_id"),
        ("entitlements", "beneficiary_id"),
        ("data_keys", "beneficiary_id"),
        ("beneficiaries", "id"),
    )
)
_PROVEN = """update first_determinations set entitlement = jsonb_set(entitlement::jsonb, '{{last_proof_on}}',
    '"2026-02-28"')::json where beneficiary_id = '{person}'"""


@pytest.mark.parametrize(
    ("attack", "table"),
    [
        ("update first_determinations set digest = repeat('0', 64) where entitlement->>'id' = '{pension}'", "first_"),
        (_PROVEN, "first_"),
        ("update import_chunks set imported_by = 'somebody innocent'", "import_chunks"),
        ("update beneficiaries set enrolled_by = 'somebody innocent' where id = '{person}'", "beneficiaries"),
        (_REMOVED, "first_"),
        ("delete from import_chunks", "import_chunks"),
    ],
)
def test_what_an_attacker_changes_in_an_import_is_found(
    service: Service, owner: psycopg.Connection, tmp_path: Path, attack: str, table: str
) -> None:
    lines = [f"ID{number:06},N,employee,2010-01-01,,1950-03-04,,,,,,,," for number in range(3)]
    import_people(service, write(tmp_path, "plain", lines), actor="importer")
    with service.unit() as unit:
        person = _known(unit, "ID000001")
        pension = entitlements_of(unit.db, person)[0].id
    owner.execute("set session_replication_role = replica")
    for statement in attack.format(person=person, pension=pension).split(";"):
        owner.execute(statement.encode())
    try:
        found = check_standings(service).findings
    except RowAltered:
        found = []
    with service.snapshot() as unit:
        found = [*found, *check_imports(unit)]
    assert any(finding.table.startswith(table) for finding in found)

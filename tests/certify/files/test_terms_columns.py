"""The terms of a pension in the file of people: old files work, and a cell that cannot be used is quarantined."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from certify.domain.terms import MonthlyAmount, Payee, Relation, Terms, read_terms
from certify.files.people_file import import_people
from certify.files.row_file import ImportSource
from certify.files.terms_file import import_terms
from certify.service import Service
from certify.storage.tables.people import EntitlementRow

pytestmark = pytest.mark.integration

NEW = "monthly_amount,currency,ends_on,review_on,payee,relation,residence,second_residence"
HEADER = f"national_id,name,scheme,starts_on,{NEW}"


def rows(tmp_path: Path, *cells: str, header: str = HEADER) -> Path:
    path = tmp_path / "people.csv"
    lines = [f"ID{number:06d},Person {number},employee,2015-01-01{rest}" for number, rest in enumerate(cells)]
    path.write_text("\n".join([header, *lines]), "utf-8")
    return path


def stored(service: Service) -> list[Terms]:
    with service.unit() as unit:
        return [read_terms(row.terms) for row in unit.db.scalars(select(EntitlementRow))]


def test_what_a_fund_states_is_stored(service: Service, tmp_path: Path) -> None:
    report = import_people(service, rows(tmp_path, ",1250.00,EUR,2026-06-30,never,guardian,child,FR,ES"))
    assert (report.entitlements_added, report.quarantined) == (1, 0)
    assert stored(service) == [
        Terms(
            (MonthlyAmount(date(2015, 1, 1), Decimal("1250.00")),),
            "EUR",
            date(2026, 6, 30),
            None,
            True,
            Payee.GUARDIAN,
            Relation.CHILD,
            "FR",
            "ES",
        )
    ]


def test_files_without_the_columns_and_with_empty_cells_work_as_before(service: Service, tmp_path: Path) -> None:
    old = rows(tmp_path, "", header="national_id,name,scheme,starts_on")
    assert import_people(service, old).entitlements_added == 1
    again = import_people(service, rows(tmp_path, ",,,,,,,,", ",,CNY,,,,,,"))
    assert (again.entitlements_added, again.unchanged, again.quarantined) == (1, 1, 0)
    assert stored(service) == [Terms(), Terms()]


def test_attack_rubbish_is_quarantined_with_its_reason(service: Service, tmp_path: Path) -> None:
    bad = {
        ",1.250.000,EUR,,,,,,": "monthly_amount_invalid",
        ",1e3,EUR,,,,,,": "monthly_amount_invalid",
        ",=1+1,EUR,,,,,,": "monthly_amount_invalid",
        ",99999999999999,EUR,,,,,,": "monthly_amount_invalid",
        ",12.5,JPY,,,,,,": "monthly_amount_invalid",
        ",12.50,,,,,,,": "currency_invalid",
        ",12.50,eur,,,,,,": "currency_invalid",
        ",,,2014-12-31,,,,,": "ends_on_invalid",
        ",,,soon,,,,,": "ends_on_invalid",
        ",,,,perhaps,,,,": "review_on_invalid",
        ",,,,,mother,,,": "payee_invalid",
        ",,,,,,aunt,,": "relation_invalid",
        ",,,,,,,France,": "residence_invalid",
        ",,,,,,,,es": "second_residence_invalid",
    }
    report = import_people(service, rows(tmp_path, *bad))
    assert (report.entitlements_added, report.quarantined) == (0, len(bad))
    assert report.quarantine_path is not None
    with report.quarantine_path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["quarantine_code"] for row in csv.DictReader(file)] == list(bad.values())


def test_a_rise_is_stated_for_stored_pensions_and_nothing_else_changes(service: Service, tmp_path: Path) -> None:
    import_people(service, rows(tmp_path, ",1200.00,EUR,2026-06-30,never,,,,", ",,,,,,,,"))
    rise = "2015-01-01=1200.00;2026-07-01=1250.00"
    file = tmp_path / "terms.csv"
    lines = [
        f"ID000000,employee,{rise},EUR,",
        "ID000001,employee,,,",
        "ID000001,orphan,5,EUR,",
        "ID000009,employee,5,EUR,",
    ]
    file.write_text("\n".join(["national_id,scheme,monthly_amount,currency,payee", *lines]), "utf-8")
    report = import_terms(service, ImportSource(path=file))
    assert (report.rows, report.done, report.unchanged, report.quarantined) == (4, 1, 1, 2)
    with_amount = next(terms for terms in stored(service) if terms.amounts)
    assert [str(one.amount) for one in with_amount.amounts] == ["1200.00", "1250.00"]
    assert (with_amount.ends_on, with_amount.permanent) == (date(2026, 6, 30), True)
    assert import_terms(service, ImportSource(path=file)).unchanged == 2, "a repeat changes nothing"

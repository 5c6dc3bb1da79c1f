"""One row of a file of people: every rule that it can break has a code, and any text gives a person or a reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.config import Settings
from certify.files.people_rows import COLUMNS, BadRow, PersonRow, read_row
from certify.files.table_file import Row
from certify.policies import load_policies
from certify.service import Service

TODAY = date(2026, 3, 2)
HEADER = tuple(COLUMNS.known)
GOOD = {"national_id": "AB 1234-56", "name": "Ana", "scheme": "employee", "starts_on": "2010-01-31"}


def service(national_id_format: str = "any") -> Service:
    """Return a service with policies and without database or keys; reading a row needs only the policies."""
    nothing = cast("Any", SimpleNamespace())
    settings = Settings(data_dir=Path("unused"), national_id_format=national_id_format)
    return Service(settings=settings, database=nothing, vault=nothing, policies=load_policies())


def read(national_id_format: str = "any", **cells: str) -> PersonRow | BadRow:
    row = Row(2, tuple({**GOOD, **cells}.get(name, "") for name in HEADER))
    return read_row(service(national_id_format), HEADER, row, TODAY)


def test_a_row_with_all_columns() -> None:
    person = read(
        name=" Jose\u0301 ",
        card_number="c-77 88",
        birth_date="1950/5/5",
        region="110105",
        needs="low_vision; Bedridden;;low_vision",
        last_proof_on="20260302",
    )
    assert isinstance(person, PersonRow)
    assert (person.national_id, person.name, person.card_number) == ("AB123456", "José", "C7788")
    assert (person.birth_date, person.region) == (date(1950, 5, 5), "110105")
    assert person.needs == ("low_vision", "bedridden")
    assert person.entitlement.last_proof_on == TODAY


@pytest.mark.parametrize(
    "text", ["2024-02-29", "20240229", "2024/02/29", "2024/2/29", "\uff12\uff10\uff12\uff14-02-29"]
)
def test_dates(text: str) -> None:
    person = read(starts_on=text)
    assert isinstance(person, PersonRow)
    assert person.entitlement.starts_on == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("national_id", "", "national_id_missing"),
        ("name", "  ", "name_missing"),
        ("scheme", "", "scheme_missing"),
        ("starts_on", "", "starts_on_missing"),
        ("national_id", "12", "national_id_invalid"),
        ("national_id", "12345!", "national_id_invalid"),
        ("national_id", "123456.0", "national_id_number"),
        ("national_id", "1.10105E17", "national_id_number"),
        ("national_id", "1,10105E+17", "national_id_number"),
        ("card_number", "?", "card_number_invalid"),
        ("card_number", "8.8E12", "card_number_number"),
        ("scheme", "lottery", "unknown_scheme"),
        ("starts_on", "2023-02-29", "starts_on_invalid"),
        ("starts_on", "2023-13-01", "starts_on_invalid"),
        ("starts_on", "0000-01-01", "starts_on_invalid"),
        ("starts_on", "31.01.2023", "starts_on_invalid"),
        ("starts_on", "2023-01/31", "starts_on_invalid"),
        ("starts_on", "yesterday", "starts_on_invalid"),
        ("birth_date", "1950-02-30", "birth_date_invalid"),
        ("last_proof_on", "2026-03-03", "last_proof_on_invalid"),
        ("region", "x" * 41, "region_invalid"),
        ("region", "a\x07b", "region_invalid"),
        ("needs", "low vision", "needs_invalid"),
    ],
)
def test_the_reason_for_refusing_a_row_is_named(column: str, text: str, code: str) -> None:
    bad = read(**{column: text})
    assert isinstance(bad, BadRow)
    assert (bad.code, bad.row.line) == (code, 2)
    assert bad.reason
    if column in ("national_id", "card_number"):
        assert not text or text not in bad.reason


def test_check_digits_are_verified_where_the_country_has_them() -> None:
    assert isinstance(read("cn.ric", national_id="11010519491231002X"), PersonRow)
    bad = read("cn.ric", national_id="110105194912310021")
    assert isinstance(bad, BadRow)
    assert bad.code == "national_id_invalid"


@given(st.fixed_dictionaries({}, optional={name: st.text(max_size=30) for name in HEADER}))
def test_any_text_gives_a_person_or_a_reason(cells: dict[str, str]) -> None:
    read(**cells)

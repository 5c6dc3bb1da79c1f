"""A whole run on Spark: the same links, questions, facts and pauses as on DuckDB, row by row."""

from __future__ import annotations

import csv
from datetime import date

import pytest
from sqlalchemy import select

from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiaries
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.importing import import_file
from certify.storage.tables.decisions import EvidenceRow
from certify.storage.tables.people import EntitlementRow
from certify.storage.tables.runs import LinkQuestionRow, RunRecordRow

from .conftest import Fund

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

UGLY = b"""nr,id,name,born,sex,place,when,op,of,what
D1,ID000000,MARIA SILVA,1940-05-17,F,110101,2026-02-20,N,,
D2,ID000001,"Jo\xc3\xa3o ""J"" Souza",1941-05-17,F,110101,2026-02,N,,
D3,,Ana Pereira,1942-05-17,F,110101,2026-02-19,N,,
D4,ID000003,Gracy Hopper,1943-05-17,F,110101,2026-02-18,N,,
D5,ID000004.0,A. Turing,1944-05-17,F,110101,2026-02-18,N,,
D6,NULL,UNKNOWN,1900-01-01,F,110101,2026-02-18,N,,
D7,ID000005,Ada Lovelace,1945-05-17,F,110101,NULL,N,,
D8,ID000006,Ralf Noether,1971-01-02,M,110101,2026-02-18,N,,
D9,,\xd9\x85\xd8\xad\xd9\x85\xd8\xaf \xd8\xb9\xd9\x84\xd9\x8a,1939-08-02,M,110102,2026-02-17,N,,
D1,ID000000,Maria Silva,1940-05-17,F,110101,2026-02-20,N,,
D10,"ID000002,Ana Pereira,1942-05-17,F,110101,2026-02-19,N,,
D11,ID000001,Joao Souza,1941-05-17,F,110101,2026-02-20,Z,,
D12,ID000002,Ana Pereira,17/05/1942,F,110101,2026-02-19,N,,
\x00\xff,,,,,,,,,
"""


QUARANTINED = [
    (6, "nobody_named"), (7, "event_date_missing"), (10, "record_twice"), (11, "row_unreadable"),
    (12, "operation_unknown"), (14, "row_unreadable"),
]  # fmt: skip
LINKED = [
    ("D1", "Maria Silva", None, "2026-02-20T12:00:00+00:00"),
    ("D12", "Ana Pereira", None, "2026-02-19T12:00:00+00:00"),
    ("D2", "João Souza", "2026-02-01", "2026-02-28T12:00:00+00:00"),
    ("D3", "Ana Pereira", None, "2026-02-19T12:00:00+00:00"),
]
"""The record, the person, the first possible day if it is not known, and the moment of each fact."""
ASKED = [
    ("D4", "Grace Hopper", "id_doubt", "id"),
    ("D5", "Alan Turing", "clerical", "probabilistic"),
    ("D8", "Emmy Noether", "id_doubt", "id"),
    ("D9", "Mohammed Ali", "relative", "probabilistic"),
]
"""The record, the person, the reason and the stage of each question."""


OUTCOMES = {
    **dict.fromkeys(("D1", "D2", "D12"), ("linked", "id")),
    "D3": ("linked", "probabilistic"),
    **{number: ("asked", reason) for number, _, reason, _ in ASKED},
}


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_a_run_ends_alike_on_both_engines(fund: Fund, request: pytest.FixtureRequest, engine: str) -> None:
    if engine == "spark":
        request.getfixturevalue("spark_session")
    with fund.service.unit() as unit:
        pension = NewEntitlement("employee", date(2015, 1, 1), date(2025, 6, 1))
        more = NewBeneficiary(
            "ID000077", "Mohammed Ali", (pension,), birth_date=date(1939, 8, 2), region="110102", sex="M"
        )
        people = fund.people | {"Mohammed Ali": add_beneficiaries(unit, [more])[0]}
    path, quarantine = fund.folder / "ugly.csv", fund.folder / "bad.csv"
    path.write_bytes(UGLY)
    feed = fund.feed("deaths", limits={"most_bad_share": 1.0})
    found = import_file(fund.service, feed, path, quarantine=quarantine)
    row = carry_out(fund.service, found.run_id, machine=Machine(engine=engine, workers=1))
    assert (row.state, (row.parameters or {})["engine"]) == ("done", engine)
    with quarantine.open(newline="") as file:
        assert [(int(bad["row"]), bad["code"]) for bad in csv.DictReader(file)] == QUARANTINED
    names = {person: name for name, person in people.items()}
    with fund.service.reading() as unit:
        stored = unit.db.scalars(select(EvidenceRow).where(EvidenceRow.run_id == row.id)).all()
        questions = unit.db.scalars(select(LinkQuestionRow)).all()
        pensions = {names[each.beneficiary_id]: each for each in unit.db.scalars(select(EntitlementRow))}
        outcomes = {each.number: (each.outcome, each.reason) for each in unit.db.scalars(select(RunRecordRow))}
    facts = [
        (each.external_id, names[each.beneficiary_id], each.body.get("event_from"), each.body["event_at"])
        for each in stored
    ]
    assert sorted(facts, key=str) == LINKED
    assert sorted((q.external_id, names[q.beneficiary_id], q.reason, q.stage) for q in questions) == ASKED
    assert {name for name, each in pensions.items() if each.standing == "paused"} == {name for _, name, _, _ in LINKED}
    assert outcomes == OUTCOMES

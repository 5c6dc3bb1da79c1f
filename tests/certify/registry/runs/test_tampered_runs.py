"""A run decides nothing from rows that were changed by SQL, and seals everything that it stores."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from certify.audit.standing_check import check_standings
from certify.decision.receipts import receipts_of
from certify.domain.error_codes import ErrorCode
from certify.registry.runs.replay import replay_run
from certify.storage.row_macs import RowAltered

from .conftest import NAMES, Fund

pytestmark = pytest.mark.integration


def _stays(fund: Fund, number: int = 0, day: str = "2026-02-20") -> Any:
    rows = [fund.row(name, f"{number}{place}", day, what="stay") for place, name in enumerate(NAMES)]
    return fund.run(fund.feed("life_events"), *rows)


def test_everything_that_a_run_stores_is_sealed_and_in_line_with_the_ledger(fund: Fund) -> None:
    _stays(fund)
    _stays(fund, 1, "2026-02-25")
    fund.run(fund.feed("deaths"), fund.row("Alan Turing", "7", "2026-02-20"))
    check = check_standings(fund.service)
    assert check.findings == []
    assert check.rows > 5 * len(NAMES)


@pytest.mark.parametrize(
    "change",
    [
        "update entitlements set proven_on = '2001-01-01'",
        "update entitlements set last_proof_on = '2026-03-01'",
        "update evidence set body = replace(body::text, 'hospital_stay', 'another_act')::json",
        "update evidence set event_at = event_at + interval '1 day'",
        "update evidence set run_id = gen_random_uuid()",
    ],
)
def test_a_run_stops_at_an_altered_row(fund: Fund, owner: psycopg.Connection, change: str) -> None:
    _stays(fund)
    owner.execute("set session_replication_role = replica")
    owner.execute(change)
    with pytest.raises(RowAltered) as refused:
        _stays(fund, 1, "2026-02-25")
    assert refused.value.code == ErrorCode.ROW_ALTERED
    assert owner.execute("select count(*) from run_chunks").fetchone() == (1,)


def test_a_silent_pass_changed_by_sql_gives_no_receipt(fund: Fund, owner: psycopg.Connection) -> None:
    _stays(fund)
    person = fund.people["Ana Pereira"]
    owner.execute("set session_replication_role = replica")
    owner.execute("update silent_passes set valid_until = '2099-01-01' where beneficiary_id = %s", (person,))
    with pytest.raises(RowAltered), fund.service.reading() as unit:
        receipts_of(unit, person)
    assert {finding.table for finding in check_standings(fund.service).findings} >= {"silent_passes"}


def test_removed_facts_of_a_run_are_found(fund: Fund, owner: psycopg.Connection) -> None:
    row = _stays(fund)
    owner.execute("set session_replication_role = replica")
    owner.execute("delete from evidence where beneficiary_id = %s", (fund.people["Ana Pereira"],))
    found = {(finding.table, finding.what) for finding in check_standings(fund.service).findings}
    assert found == {("silent_passes", "a fact that it rests on is missing")}
    with fund.service.reading() as unit:
        assert any("its facts are not those" in line for line in replay_run(unit, row.id).differences)

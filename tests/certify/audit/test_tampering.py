"""Attacks by SQL: a person who can write to the database, but has no key, gets no answer from what they wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from certify.audit.replay import replay
from certify.audit.standing_check import audit_some
from certify.decision.determine import determine
from certify.service import Service, Unit
from certify.storage.audited import last_audit
from certify.storage.certificates import certificates_of, get_certificate
from certify.storage.facts import determinations_of, evidence_of
from certify.storage.people import entitlements_of
from certify.storage.quick import QuickReader
from certify.storage.reviews import list_cases
from certify.storage.row_macs import RowAltered, altered
from certify.storage.tables.decisions import CertificateRow
from tests.certify.audit.conftest import Ledgered

pytestmark = pytest.mark.integration

Read = Callable[[Unit, Ledgered], object]
_READS: dict[str, Read] = {
    "entitlements": lambda unit, fund: entitlements_of(unit.db, fund.stopped),
    "certificates": lambda unit, fund: certificates_of(unit.db, fund.revoked),
    "review_cases": lambda unit, _: list_cases(unit.db, state="closed", limit=100),
    "determinations": lambda unit, fund: determinations_of(unit.db, beneficiary_id=fund.stopped),
    "evidence": lambda unit, fund: evidence_of(unit.db, fund.stopped),
}
# The table of what an operator tried, and the columns beside it.
CHANGES = [
    ("entitlements", "payment = 'continue', standing = 'certified', valid_until = '2099-01-01'"),
    ("entitlements", "next_change_on = '2099-01-01'"),
    ("entitlements", "mac = null"),
    ("certificates", "state = 'valid', reason = null"),
    ("certificates", "expires_at = '2099-01-01'"),
    ("review_cases", "closed_by = 'somebody innocent'"),
    ("determinations", "verdict = jsonb_set(verdict, '{payment}', '\"continue\"')"),
    ("determinations", "inputs = jsonb_set(inputs, '{evidence}', '[]')"),
    (
        "evidence",
        "source = 'officer:innocent', body = jsonb_set(body::jsonb, '{source}', '\"officer:innocent\"')::json",
    ),
    ("evidence", "event_at = event_at - interval '1 day'"),
    ("evidence", "external_id = external_id || '-other'"),
]


@pytest.mark.parametrize(("table", "change"), CHANGES)
def test_a_row_changed_by_sql_answers_nothing_and_is_found(
    fund: Ledgered, attacker: psycopg.Connection, table: str, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    person = fund.revoked if table == "certificates" else fund.stopped
    attacker.execute(f"update {table} set {change} where beneficiary_id = %s", (person,))
    before = altered[table]
    with pytest.raises(RowAltered) as refused, fund.service.reading() as unit:
        _READS[table](unit, fund)
    assert refused.value.code == "row_altered"
    assert altered[table] > before
    assert "row altered outside the service" in caplog.text
    assert "STOPPED" not in caplog.text
    assert table in fund.findings()


def test_evidence_copied_to_another_person_certifies_no_one(fund: Ledgered, attacker: psycopg.Connection) -> None:
    """Finding S7: a copied fact of another person gave a signed certificate."""
    attacker.execute(
        """insert into evidence select gen_random_uuid(), %s, kind, source, external_id || '-copy', event_at,
        recorded_at, body, run_id, link_stage, link_weight, link_levels, institution, principal, mac from
        evidence where beneficiary_id = %s""",
        (fund.revoked, fund.alive),
    )
    with pytest.raises(RowAltered), fund.service.unit() as unit:
        determine(unit, fund.revoked)
    with fund.service.reading() as unit:
        assert [row.state for row in certificates_of(unit.db, fund.revoked)] == ["revoked"]
    assert fund.findings() == {"evidence"}
    attacker.execute("delete from evidence where external_id like '%%-copy'")
    attacker.execute("update evidence set beneficiary_id = %s where beneficiary_id = %s", (fund.revoked, fund.alive))
    with pytest.raises(RowAltered), fund.service.unit() as unit:
        determine(unit, fund.revoked)


@pytest.mark.parametrize("table", ["entitlements", "certificates", "review_cases"])
def test_an_old_row_put_back_with_its_old_mac_is_found(
    fund: Ledgered, attacker: psycopg.Connection, table: str
) -> None:
    """The MAC of an earlier state is good; the ledger says that it is not the last one."""
    attacker.execute(f"create temp table kept as select * from {table}")
    fund.dies(fund.alive)
    assert fund.listed() == []
    columns = ", ".join(
        name
        for (name,) in attacker.execute(
            "select attname from pg_attribute where attrelid = 'kept'::regclass and attnum > 0"
        )
    )
    attacker.execute(f"delete from {table} where beneficiary_id = %s", (fund.alive,))
    attacker.execute(
        f"insert into {table} ({columns}) select {columns} from kept where beneficiary_id = %s",
        (fund.alive,),
    )
    assert table in fund.findings()


@pytest.mark.parametrize("table", ["evidence", "determinations", "certificates", "review_cases"])
def test_a_removed_row_is_found(fund: Ledgered, attacker: psycopg.Connection, table: str) -> None:
    attacker.execute(f"delete from {table} where beneficiary_id = %s", (fund.stopped,))
    assert table in fund.findings()


def test_a_removed_stop_is_found_although_all_macs_are_good(fund: Ledgered, attacker: psycopg.Connection) -> None:
    """Remove the ruling and the last determination, and put back the pension as it was before."""
    attacker.execute("create temp table kept as select * from entitlements")
    fund.dies(fund.alive)
    attacker.execute("delete from evidence where beneficiary_id = %s and kind = 'adverse'", (fund.alive,))
    attacker.execute(
        """delete from determinations where beneficiary_id = %s and created_at = (
            select max(created_at) from determinations where beneficiary_id = %s)""",
        (fund.alive, fund.alive),
    )
    attacker.execute("delete from entitlements where beneficiary_id = %s", (fund.alive,))
    attacker.execute("insert into entitlements select * from kept where beneficiary_id = %s", (fund.alive,))
    with fund.service.reading() as unit:
        assert entitlements_of(unit.db, fund.alive)[0].standing == "certified"  # no MAC is wrong
    assert {"evidence", "determinations", "entitlements"} <= fund.findings()


def test_the_quick_reader_answers_nothing_from_an_altered_row(fund: Ledgered, attacker: psycopg.Connection) -> None:
    asyncio.run(_read_quickly(fund, attacker))


async def _read_quickly(fund: Ledgered, attacker: psycopg.Connection) -> None:
    with fund.service.reading() as unit:
        number = certificates_of(unit.db, fund.revoked)[0].number
    reader = QuickReader(fund.service.database)
    await reader.open()
    try:
        assert (await reader.get(CertificateRow, number)) is not None
        attacker.execute("update certificates set state = 'valid' where number = %s", (number,))
        with pytest.raises(RowAltered):
            await reader.get(CertificateRow, number)
    finally:
        await reader.close()


def test_replay_compares_the_stored_verdict(fund: Ledgered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a person who has the keys and seals the changed row again is found: the verdict does not fit its hash."""
    with fund.service.reading() as unit:
        row = determinations_of(unit.db, beneficiary_id=fund.stopped)[0]
        assert replay(unit, row.id).identical
        unit.db.expunge(row)
        row.verdict = row.verdict | {"payment": "continue"}
        monkeypatch.setattr("certify.audit.replay.find_determination", lambda _unit, _id: row)
        found = replay(unit, row.id)
    assert found.differences == ("The stored verdict is not the one that was decided: it does not fit its hash.",)


def test_a_lock_reads_and_checks_again(fund: Ledgered, attacker: psycopg.Connection) -> None:
    with fund.service.unit() as unit:
        number = certificates_of(unit.db, fund.revoked)[0].number
        get_certificate(unit.db, number)
        attacker.execute("update certificates set state = 'valid' where number = %s", (number,))
        with pytest.raises(RowAltered):
            get_certificate(unit.db, number, lock=True)


def test_housekeeping_audits_everyone_once_a_day_and_raises_the_alarm(
    fund: Ledgered, attacker: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        audit_some(fund.service, limit=2)
    assert _audit(fund.service) == (3, 0, True)
    attacker.execute("update entitlements set payment = 'continue', standing = 'certified' where standing = 'stopped'")
    audit_some(fund.service, limit=2)
    assert _audit(fund.service) == (3, 0, True)  # this day's is done
    fund.clock.now = fund.clock.now.replace(day=fund.clock.now.day + 1)
    for _ in range(3):
        audit_some(fund.service, limit=2)
    people, findings, done = _audit(fund.service)
    assert (people, done) == (3, True)
    assert findings >= 1
    assert "audit of standings" in caplog.text


def _audit(service: Service) -> tuple[int, int, bool]:
    with service.reading() as unit:
        row = last_audit(unit.db)
        assert row is not None
        return row.people, row.findings, row.ended_at is not None


def test_ids_of_findings_are_ids_of_rows(fund: Ledgered, attacker: psycopg.Connection) -> None:
    attacker.execute("update review_cases set closed_by = 'x' where beneficiary_id = %s", (fund.alive,))
    assert all(UUID(finding.row) for finding in fund.listed())

"""Rows of an earlier release are sealed once, by a command; afterwards a row without a seal is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from certify.audit.ledger_check import check_ledger
from certify.audit.sealing import seal_rows
from certify.decision.determine import determine
from certify.errors import Conflict, Unavailable
from certify.service import Service
from certify.storage.database import Database
from certify.storage.people import entitlements_of
from certify.storage.roles import RUNTIME
from certify.storage.row_macs import RowAltered, RowKind
from tests.certify.audit.conftest import Ledgered

pytestmark = pytest.mark.integration


@pytest.fixture
def owned(database_url: str) -> Iterator[Database]:
    database = Database(database_url.replace(f"//{RUNTIME}@", "//postgres@"), pool_size=1)
    yield database
    database.close()


def _unseal(attacker: psycopg.Connection) -> None:
    """Bring the database back to what an earlier release left."""
    for kind in RowKind:
        attacker.execute(f"update {kind.value} set mac = null")
    attacker.execute("delete from secrets where name = 'row-mac'")


def _again(service: Service) -> Service:
    """The service of a process that has just started."""
    return replace(service, stored_documents=set())


def test_an_earlier_database_is_refused_until_it_is_sealed_once(
    fund: Ledgered, attacker: psycopg.Connection, owned: Database
) -> None:
    _unseal(attacker)
    service = fund.service = _again(fund.service)
    with pytest.raises(Unavailable) as refused, service.unit() as unit:
        entitlements_of(unit.db, fund.alive)
    assert refused.value.code == "rows_not_sealed"
    with pytest.raises(Unavailable), service.unit() as unit:
        determine(unit, fund.alive)
    counts = seal_rows(service, owned, actor="operator:ops", chunk=3)
    assert counts["evidence"] == 4
    assert all(counts[kind.value] for kind in RowKind if kind not in (RowKind.PASS, RowKind.DUPLICATE_FACE))
    assert fund.listed() == []
    with service.snapshot() as unit:
        assert check_ledger(unit).count == 0
    with service.unit() as unit:
        determine(unit, fund.alive)
    with pytest.raises(Conflict) as again:
        seal_rows(service, owned, actor="operator:ops")
    assert again.value.code == "rows_sealed"


def test_a_row_without_a_seal_is_refused_in_a_sealed_database(fund: Ledgered, attacker: psycopg.Connection) -> None:
    attacker.execute("update entitlements set mac = null where beneficiary_id = %s", (fund.alive,))
    with pytest.raises(RowAltered), fund.service.reading() as unit:
        entitlements_of(unit.db, fund.alive)


def test_a_removed_key_does_not_make_the_database_an_earlier_one(
    fund: Ledgered, attacker: psycopg.Connection, owned: Database
) -> None:
    """If the key and the seals are removed, the operator would seal forged rows; the file of the signer says no."""
    fund.note()
    _unseal(attacker)
    with pytest.raises(Conflict) as refused:
        seal_rows(_again(fund.service), owned, actor="operator:ops")
    assert refused.value.code == "rows_sealed"


def test_sealing_goes_on_after_an_interruption(fund: Ledgered, attacker: psycopg.Connection, owned: Database) -> None:
    class Crash(Exception):
        pass

    def crash(done: int) -> None:
        if done > 4:
            raise Crash

    _unseal(attacker)
    service = fund.service = _again(fund.service)
    with pytest.raises(Crash):
        seal_rows(service, owned, actor="operator:ops", chunk=3, progress=crash)
    with pytest.raises(Unavailable), service.unit() as unit:
        entitlements_of(unit.db, fund.alive)
    seal_rows(service, owned, actor="operator:ops", chunk=3)
    assert fund.listed() == []


def test_the_triggers_are_back_after_sealing(fund: Ledgered, attacker: psycopg.Connection, owned: Database) -> None:
    _unseal(attacker)
    seal_rows(_again(fund.service), owned, actor="operator:ops")
    attacker.execute("set session_replication_role = origin")
    with pytest.raises(psycopg.errors.RestrictViolation):
        attacker.execute("update evidence set mac = null")

"""Rows of an earlier release are sealed once, by a command; afterwards a row without a seal is refused."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from certify.approvals.actions import carry_out, propose
from certify.audit.ledger_check import check_ledger
from certify.audit.sealing import seal_rows
from certify.decision.determine import determine
from certify.decision.proposals import Why
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.states import Provenance
from certify.errors import Conflict, Unavailable
from certify.people.references import Origin, add_reference
from certify.service import Service
from certify.storage.database import Database
from certify.storage.migrate import downgrade, upgrade
from certify.storage.people import entitlements_of, references_of
from certify.storage.proposals import get_proposal
from certify.storage.roles import RUNTIME
from certify.storage.row_macs import RowAltered, RowKind, macs_of
from fixtures import faces
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
    attacker.execute("delete from secrets where name in ('row-mac', 'row-mac-2')")


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
    imports = (RowKind.FIRST, RowKind.IMPORT_CHUNK)
    empty = (RowKind.PASS, RowKind.DUPLICATE_FACE, RowKind.PROPOSAL, RowKind.REFERENCE, *imports)
    assert all(counts[kind.value] for kind in RowKind if kind not in empty)
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


def _migrated(fund: Ledgered, owned: Database) -> UUID:
    """Let an officer propose a stop and add a face, and leave the database as the release before sealed it."""
    case = fund.case(fund.alive)
    with fund.service.unit("idp|one") as unit:
        why = Why(ActionReason.DOCUMENT_SEEN, "The file shows it.")
        proposal = propose(unit, Action.STOP, str(case), officer="idp|one", why=why).id
        photo = faces.encode(faces.portraits()["eileen_collins"])
        add_reference(unit, fund.alive, photo, origin=Origin(Provenance.DOCUMENT, "passport"))
    fund.note()
    downgrade(owned, "0018")
    upgrade(owned)
    file = fund.service.settings.data_dir / "ledger.signed"
    size, root, _generations, _mac = file.read_text().splitlines()
    with fund.service.reading() as unit:
        key = macs_of(unit.db).derive(unit.db, "last signed checkpoint")
    mac = hmac.digest(key, f"{size}\n{root}".encode(), hashlib.sha256)
    file.write_text(f"{size}\n{root}\n{mac.hex()}\n")
    fund.service = _again(fund.service)
    return proposal


def test_a_sealed_database_has_its_new_tables_sealed_after_the_upgrade(fund: Ledgered, owned: Database) -> None:
    """The older tables are sealed and the signer has signed: neither keeps the newer tables from being sealed once."""
    proposal = _migrated(fund, owned)
    with fund.service.reading() as unit:
        entitlements_of(unit.db, fund.alive)  # the older tables are read as before
        with pytest.raises(Unavailable) as refused:
            get_proposal(unit.db, proposal)
    assert refused.value.code == "rows_not_sealed"
    with pytest.raises(Unavailable), fund.service.unit() as unit:
        references_of(unit.db, fund.alive)
    with pytest.raises(Unavailable), fund.service.reading() as unit:
        macs_of(unit.db).require_sealed(unit.db)  # 'certify serve' does this when it starts
    assert seal_rows(fund.service, owned, actor="operator:ops") == {"proposals": 1, "face_references": 1}
    assert fund.listed() == []
    with fund.service.unit("idp|two") as unit:
        assert carry_out(unit, proposal, officer="idp|two").state == "carried_out"
    fund.note()
    with pytest.raises(Conflict) as again:
        seal_rows(fund.service, owned, actor="operator:ops")
    assert again.value.code == "rows_sealed"


def test_attack_a_removed_key_of_the_new_tables_has_no_forged_proposal_sealed(
    fund: Ledgered, attacker: psycopg.Connection, owned: Database
) -> None:
    proposal = _migrated(fund, owned)
    seal_rows(fund.service, owned, actor="operator:ops")
    fund.note()
    attacker.execute("update proposals set proposed_by = 'idp|two', mac = null")
    attacker.execute("update face_references set mac = null")
    attacker.execute("delete from secrets where name = 'row-mac-2'")
    fund.confirm(fund.alive)
    fund.note()  # a process that still has the key signs, and forgets nothing
    service = _again(fund.service)
    with pytest.raises(Conflict) as refused:
        seal_rows(service, owned, actor="operator:ops")
    assert refused.value.code == "rows_sealed"
    with pytest.raises(Unavailable), service.unit("idp|one") as unit:
        carry_out(unit, proposal, officer="idp|one")

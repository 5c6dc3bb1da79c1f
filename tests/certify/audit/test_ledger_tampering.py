"""Attacks on the ledger: every changed, cut or replaced entry is found, and the signer signs no fork."""

from __future__ import annotations

import psycopg
import pytest

from certify.audit.checkpoints import accept_restored, publish_checkpoint
from certify.audit.ledger_check import LedgerCheck, check_ledger
from certify.certificates.errors import CertificateError
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Unavailable
from certify.workers.housekeeping import run_housekeeping
from tests.certify.audit.conftest import Ledgered

pytestmark = pytest.mark.integration

_CUT = (
    "delete from ledger_leaves where index >= 5",
    "delete from ledger_nodes where index >= 5 >> level",
    "delete from ledger_checkpoints where size > 5",
)


def _check(fund: Ledgered, against: str | None = None) -> LedgerCheck:
    with fund.service.snapshot() as unit:
        return check_ledger(unit, against=against)


def _grow(fund: Ledgered) -> None:
    with fund.service.unit() as unit:
        unit.ledger(LedgerEvent.PERSON_ENROLLED, None)


def test_an_untouched_ledger_is_unchanged(fund: Ledgered) -> None:
    kept = fund.note()
    _grow(fund)
    fund.note()
    check = _check(fund, kept)
    assert (check.findings, check.count, check.checkpoints) == ([], 0, 2)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update ledger_leaves set entry = replace(entry::text, '6f', '6e')::bytea where index = 3", "ledger_leaves"),
        ("update ledger_leaves set beneficiary_id = gen_random_uuid() where index = 3", "ledger_leaves"),
        ("update ledger_leaves set created_at = created_at - interval '1 day' where index = 3", "ledger_leaves"),
        ("delete from ledger_leaves where index = 3", "ledger_leaves"),
        ("update ledger_nodes set hash = sha256('x') where level = 0 and index = 3", "ledger_nodes"),
        ("update ledger_nodes set hash = sha256('x') where level = 1 and index = 1", "ledger_nodes"),
        ("delete from ledger_nodes where level = 1 and index = 1", "ledger_nodes"),
        ("insert into ledger_nodes values (0, 1000000, sha256('x'))", "ledger_nodes"),
        ("update ledger_checkpoints set note = replace(note, 'certify', 'certifi')", "ledger_checkpoints"),
    ],
)
def test_every_change_of_the_ledger_is_found(
    fund: Ledgered, attacker: psycopg.Connection, statement: str, found: str
) -> None:
    fund.note()
    assert attacker.execute(statement).rowcount == 1
    assert found in {finding.table for finding in _check(fund).findings}


def test_a_ledger_that_was_cut_is_not_signed(fund: Ledgered, attacker: psycopg.Connection) -> None:
    """What an operator did: cut the ledger with its nodes and checkpoints; the next request signed over it."""
    kept = fund.note()
    for statement in _CUT:
        attacker.execute(statement)
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            fund.note()
        assert refused.value.code == "ledger_forked"
        _grow(fund)
    found = _check(fund)
    assert "last signed checkpoint" in {finding.table for finding in found.findings}
    assert "kept checkpoint" in {finding.table for finding in _check(fund, kept).findings}
    run_housekeeping(fund.service)  # the other duties go on


def test_two_notes_of_one_size_with_different_roots_are_never_signed(
    fund: Ledgered, attacker: psycopg.Connection
) -> None:
    """Finding S8: without its last entry the service signed a second note of the same size."""
    fund.note()
    (last,) = attacker.execute("select max(index) from ledger_leaves").fetchone() or (0,)
    for statement in (
        "delete from ledger_leaves where index >= %s",
        "delete from ledger_nodes where (index + 1) << level > %s",
        "delete from ledger_checkpoints where size > %s",
    ):
        attacker.execute(statement, (last,))
    _grow(fund)
    with pytest.raises(Unavailable) as refused:
        fund.note()
    assert refused.value.code == "ledger_forked"
    with fund.service.snapshot() as unit:
        check = check_ledger(unit)
    assert any(finding.table == "last signed checkpoint" for finding in check.findings)


def test_a_subtree_hash_changed_after_the_last_checkpoint_is_not_signed(
    fund: Ledgered, attacker: psycopg.Connection
) -> None:
    fund.note()
    _grow(fund)
    attacker.execute("update ledger_nodes set hash = sha256('x') where level > 1")
    with pytest.raises(Unavailable):
        fund.note()


def test_after_a_restore_an_operator_lets_the_signer_go_on_and_the_ledger_says_so(
    fund: Ledgered, attacker: psycopg.Connection
) -> None:
    kept = fund.note()
    for statement in _CUT:
        attacker.execute(statement)
    with fund.service.unit("operator:ops") as unit:
        before, now = accept_restored(unit)
    assert before is not None
    assert (now.size, before.size > 5) == (5, True)
    assert fund.note().splitlines()[1] == "6"
    assert _check(fund).count == 0
    assert _check(fund, kept).count == 1  # an auditor who kept a later note still sees it


def test_the_memory_of_the_signer_is_sealed_and_shared(fund: Ledgered) -> None:
    fund.note()
    path = fund.service.settings.data_dir / "ledger.signed"
    assert path.stat().st_mode & 0o777 == 0o600
    size, root, sealed, mac = path.read_text().splitlines()
    path.write_text(f"1\n{root}\n{sealed}\n{mac}\n")
    with pytest.raises(Unavailable) as refused:
        fund.note()
    assert refused.value.code == "ledger_forked"
    assert "last signed" in {finding.table for finding in _check(fund).findings}
    path.write_text(f"{size}\n{root}\n{sealed}\n{mac}\n")
    fund.note()


def test_a_crash_between_the_memory_and_the_commit_loses_nothing(fund: Ledgered) -> None:
    class Crash(Exception):
        pass

    def crash() -> None:
        with fund.service.unit() as unit:
            publish_checkpoint(unit)
            raise Crash

    fund.note()
    _grow(fund)
    with pytest.raises(Crash):
        crash()
    fund.note()
    _grow(fund)
    fund.note()
    assert _check(fund).count == 0


def test_a_machine_that_never_signed_goes_on_from_the_stored_checkpoint(
    fund: Ledgered, attacker: psycopg.Connection
) -> None:
    fund.note()
    (fund.service.settings.data_dir / "ledger.signed").unlink()
    _grow(fund)
    fund.note()
    (fund.service.settings.data_dir / "ledger.signed").unlink()
    attacker.execute("update ledger_checkpoints set note = replace(note, 'certify', 'certifi')")
    with pytest.raises(CertificateError):
        fund.note()

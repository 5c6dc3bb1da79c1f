"""The commands that find tampering: ``certify ledger``, ``certify audit standing``, ``certify audit reads``."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import psycopg
import pytest

from certify.audit.checkpoints import publish_checkpoint
from certify.cli.exit_codes import ExitCode
from certify.decision.determine import determine
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.service import Service
from tests.certify.cli.conftest import Command

pytestmark = pytest.mark.integration


@pytest.fixture
def note(service: Service, tmp_path: Path) -> Path:
    """A fund with one person, and a checkpoint that was kept."""
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        determine(unit, add_beneficiary(unit, NewBeneficiary("LEDGER0001", "A Person", pension)))
    with service.unit() as unit:
        row = publish_checkpoint(unit)
        assert row is not None
        (tmp_path / "kept.txt").write_text(row.note)
    return tmp_path / "kept.txt"


def test_an_untouched_database_is_unchanged(command: Command, note: Path) -> None:
    assert "unchanged" in command("ledger", "verify", "--against", str(note)).stdout
    assert "unchanged" in command("audit", "standing").stdout
    assert json.loads(command("ledger", "verify", "--json").stdout)["findings"] == []
    assert json.loads(command("audit", "standing", "--json").stdout) == {"people": 1, "rows": 3, "findings": []}


def test_findings_end_with_code_1(command: Command, note: Path, owner: psycopg.Connection) -> None:
    owner.execute("set session_replication_role = replica")
    owner.execute("update entitlements set payment = 'stop'")
    other = "convert_to(replace(convert_from(entry, 'utf8'), 'enrolled', 'dismissed'), 'utf8')"
    owner.execute(f"update ledger_leaves set entry = {other}")
    assert "entitlements" in command("audit", "standing", code=ExitCode.NO).stdout
    found = json.loads(command("ledger", "verify", "--json", code=ExitCode.NO).stdout)
    assert {finding["table"] for finding in found["findings"]} >= {"ledger_leaves", "ledger_nodes"}
    assert "ledger_leaves" in command("ledger", "verify", code=ExitCode.NO).stdout


def test_a_checkpoint_of_another_ledger_is_refused(command: Command, note: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(note.read_text().replace("certify", "another"))
    refused = command("ledger", "verify", "--against", str(other), code=-1)
    assert getattr(refused.exception, "code", "") == "note_unknown"
    refused = command("ledger", "verify", "--against", str(tmp_path / "missing"), code=-1)
    assert getattr(refused.exception, "code", "") == "file_unreadable"


def test_restored_asks_and_is_noted(
    command: Command, note: Path, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute("set session_replication_role = replica")
    for statement in (
        "delete from ledger_leaves where index >= 1",
        "delete from ledger_nodes where (index + 1) << level > 1",
        "delete from ledger_checkpoints",
    ):
        owner.execute(statement)
    command("ledger", "restored", code=ExitCode.NO)  # no answer is no
    monkeypatch.setattr("certify.cli.ledger.agreed", lambda _question: None)
    assert "goes on from 1" in command("ledger", "restored").stdout
    assert "unchanged" in command("ledger", "verify").stdout
    command("ledger", "verify", "--against", str(note), code=ExitCode.NO)


def test_a_sealed_database_is_not_sealed_again(command: Command, note: Path) -> None:
    refused = command("ledger", "seal", code=-1)
    assert getattr(refused.exception, "code", "") == "rows_sealed"


def test_reads_are_searched(command: Command, owner: psycopg.Connection) -> None:
    assert "no such entry" in command("audit", "reads").stdout
    owner.execute(
        """insert into access_journal (at, subject, issuer, role, request_id, route, target, status, people)
        values ('2026-03-02 09:00+00', 'officer-7', 'i', 'officer', 'r-00000001', 'GET /v1/beneficiaries', '', 200,
            '{00000000-0000-0000-0000-000000000007}')"""
    )
    assert "officer-7" in command("audit", "reads", "--subject", "officer-7").stdout
    person = "00000000-0000-0000-0000-000000000007"
    (entry,) = json.loads(command("audit", "reads", "--person", person, "--since", "2026-03-01", "--json").stdout)
    assert entry["people"] == [person]
    assert "no such entry" in command("audit", "reads", "--until", "2026-03-01").stdout


def test_a_determination_is_decided_again_from_what_is_stored(
    command: Command, note: Path, owner: psycopg.Connection
) -> None:
    (row,) = owner.execute("select id from determinations").fetchall()
    said = command("replay", str(row[0])).stdout.splitlines()
    assert said[0] == "identical"
    assert any("checked: decision" in line for line in said)
    assert json.loads(command("replay", str(row[0]), "--json").stdout)["differences"] == []
    owner.execute("set session_replication_role = replica")
    owner.execute("""update determinations set verdict = replace(verdict::text, '"continue"', '"stop"')::json""")
    altered = command("replay", str(row[0]), code=-1)
    assert getattr(altered.exception, "code", "") == "row_altered"


def test_audits_without_entries_say_so(command: Command, note: Path) -> None:
    attested = ("audit", "report", "--attestations", "--institution", "notary-chamber")
    for words in (("audit", "list"), ("audit", "report"), attested, ("audit", "rulings"), ("audit", "reads")):
        assert command(*words).stdout.strip()
        assert json.loads(command(*words, "--json").stdout) is not None

"""``certify config check`` and ``certify keys init``, and what ``serve`` and ``worker`` refuse in production."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from certify.cli.exit_codes import ExitCode
from tests.certify.cli.here import ended, here
from tests.certify.test_production import fund  # noqa: F401 - a fixture

NOT_SET = {
    *("CERTIFY_HELP_PHONE", "CERTIFY_ISSUER_NAME", "CERTIFY_LEDGER_ORIGIN", "CERTIFY_PUBLIC_URL", "CERTIFY_TIME_ZONE"),
    *("CERTIFY_ISSUERS_FILE", "CERTIFY_SOURCES_FILE", "CERTIFY_POLICIES_DIR", "CERTIFY_MASTER_KEY_FILE"),
}


@pytest.mark.parametrize("command", ["serve", "worker", "worker --messages", "worker --registry", "config check"])
def test_attack_production_with_nothing_set_does_not_start(tmp_path: Path, command: str) -> None:
    code, out, err = ended(tmp_path, *command.split(), environment={"CERTIFY_ENV": "production"})
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("✗ CERTIFY_")]
    assert {line.split()[1] for line in lines} == NOT_SET
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir()), "nothing was begun"


def test_development_is_told_what_production_will_need(tmp_path: Path) -> None:
    found = json.loads(ended(tmp_path, "config", "check", "--json").out)
    assert {sentence.split()[0] for sentence in found["problems"]} == {*NOT_SET, "CERTIFY_ENV"}
    assert found["notes"] == []


def test_a_fund_that_is_set_up(tmp_path: Path, fund: dict[str, str]) -> None:  # noqa: F811 - the fixture
    code, out, err = ended(tmp_path, "config", "check")
    assert (code, out) == (ExitCode.OK, "✓ The settings are fit for production.\n")
    assert all(line.startswith("! ") for line in err.splitlines())
    assert json.loads(here(tmp_path, "config", "check", "--json"))["problems"] == []


def test_a_master_key_is_made_once_and_outside_the_data(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    assert "Back it up" in here(tmp_path, "keys", "init", environment={"CERTIFY_MASTER_KEY_FILE": str(path)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = path.read_bytes()
    assert len(made) == 32
    assert "never overwritten" in here(tmp_path, "keys", "init", path, code=ExitCode.REFUSED)
    assert path.read_bytes() == made
    inside = tmp_path / "data" / "master.key"
    assert "lies in the data folder" in here(tmp_path, "keys", "init", inside, code=ExitCode.REFUSED)
    assert not inside.exists()
    assert "CERTIFY_MASTER_KEY_FILE" in here(tmp_path, "keys", "init", code=ExitCode.USAGE)

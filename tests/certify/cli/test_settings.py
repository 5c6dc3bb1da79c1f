"""Settings that cannot be used: one sentence and exit code 4, at every kind of command, and no secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from certify.cli.exit_codes import ExitCode
from tests.certify.cli.here import ended
from tests.certify.test_config import BROKEN, SECRET

COMMANDS = ("case list", "worker", "serve", "token --role officer", "db upgrade", "keys export k.json", "demo")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [*BROKEN, "CERTIFY_MASTER_KEYFILE"])
def test_a_setting_that_cannot_be_used(tmp_path: Path, command: str, name: str) -> None:
    code, out, err = ended(tmp_path, *command.split(), environment={name: BROKEN.get(name, "x")})
    assert code == ExitCode.UNAVAILABLE, err
    assert out == ""
    sentence, _hint = err.splitlines()
    assert name in sentence
    assert SECRET not in err
    assert not list(tmp_path.iterdir()), "nothing was begun"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CERTIFY_MASTER_KEY_FILE", "folder"),
        ("CERTIFY_MASTER_KEY_FILE", "file"),
        ("CERTIFY_MASTER_KEY_FILE", "file/key"),
        ("CERTIFY_MASTER_KEY_FILE", "/proc/self/none/key"),
        ("CERTIFY_POLICIES_DIR", "missing"),
        ("CERTIFY_POLICIES_DIR", "file"),
        ("CERTIFY_SENDERS_FILE", "missing"),
        ("CERTIFY_SENDERS_FILE", "folder"),
        ("CERTIFY_SENDERS_FILE", "file"),
    ],
)
def test_a_path_of_a_setting_that_cannot_be_used(tmp_path: Path, database_url: str, name: str, value: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("open-sesame")
    environment = {"CERTIFY_DATABASE_URL": database_url, name: value}
    code, out, err = ended(tmp_path, "case", "list", environment=environment)
    assert code == ExitCode.UNAVAILABLE, err
    assert out == ""
    assert len(err.splitlines()) == 2, err
    assert value.partition("/key")[0] in err
    assert SECRET not in err

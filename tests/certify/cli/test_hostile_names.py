"""Names, files and records that contain markup: the commands show them unchanged, and ids in full."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certify.cli import app
from certify.cli.exit_codes import ExitCode
from certify.service import utc_now
from tests.certify.cli.here import ended

pytestmark = pytest.mark.integration

DAY = utc_now().date() - timedelta(days=3)
NAMES = ("[red]x[/red]", "[/]", "Ann [bold")
FEED = """
name = "deaths"
source = "civil-registry"
kind = "deaths"
[file]
format = "csv"
[columns]
record_id = "nr"
national_id = "id"
event_date = "when"
[evidence]
weight = 1.0
justification = "[/] registered"
"""


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "[").mkdir()  # so that "[/].csv" is a path
    rows = "".join(f"HOSTILE{n},{name},employee,2015-01-01,1950-02-03\n" for n, name in enumerate(NAMES))
    (tmp_path / "[people].csv").write_text("national_id,name,scheme,starts_on,birth_date\n" + rows)
    found = {"CERTIFY_DATABASE_URL": database_url}
    assert "3 people" in ended(tmp_path, "beneficiary", "import", "[people].csv", environment=found).out
    return found


def test_people_with_such_names(environment: dict[str, str], tmp_path: Path) -> None:
    for n, name in enumerate(NAMES):
        person = ("--national-id", f"HOSTILE{n}")
        record = ("--source", "civil-registry", "--record-id", f"D:{n}", "--at", str(DAY), "--adverse", "death")
        assert ended(tmp_path, "record", "add", *person, *record, environment=environment).code == 0
        why = ("--reason", "other", "--text", name)
        asked = ended(tmp_path, "beneficiary", "erase", *person, *why, typed="n\n", environment=environment)
        assert asked.code == ExitCode.NO
        assert f"erase {name} (" in asked.out + asked.err
    cases = json.loads(ended(tmp_path, "case", "list", "--json", environment=environment).out)
    shown = [ended(tmp_path, "case", "show", case["id"], environment=environment).out for case in cases]
    for name in NAMES:
        assert any(f"  {name}, born" in text for text in shown)
    for columns in (200, 80, 40):
        listed = ended(tmp_path, "case", "list", environment=environment, columns=columns).out
        for case in cases:
            assert case["id"] in listed
            assert case["beneficiary_id"] in listed


def test_agents_and_their_tablets(environment: dict[str, str], tmp_path: Path) -> None:
    for n, name in enumerate(NAMES):
        assert ended(tmp_path, "agent", "add", f"A-{n}", name, "--area", "[/x]", environment=environment).code in (0, 3)
        ended(tmp_path, "agent", "add", f"A-{n}", name, "--area", "", environment=environment)
    listed = ended(tmp_path, "agent", "list", environment=environment).out
    for name in NAMES:
        assert name in listed
    token = ended(tmp_path, "token", "--role", "officer", "--subject", "[/]", environment=environment).out
    (tmp_path / "officer.token").write_text(token)
    words = ("agent", "invite", "A-0", "--token", "officer.token", "--json")
    invited = json.loads(ended(tmp_path, *words, environment=environment).out)
    for columns in (200, 80, 40):
        listed = ended(tmp_path, "agent", "tablets", "A-0", environment=environment, columns=columns).out
        assert invited["tablet"] in listed
        assert "[/]" in "".join(listed.split()), "also where a narrow column breaks it"


def test_feeds_and_their_files(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "[/].toml").write_text(FEED)
    (tmp_path / "[/].csv").write_text(f"nr,id,when\n1,HOSTILE0,{DAY}\n[red]2[/red],[/x],{DAY}\n:smile:,[/],never\n")
    words = ("[/].toml", "[/].csv")
    checked = ended(tmp_path, "feed", "check", *words, environment=environment, columns=40)
    assert "Traceback" not in checked.err
    assert "2 records can be used, 1 rows cannot" in checked.out
    assert "Quarantined rows: [/].csv.quarantine.csv" in checked.out
    done = ended(tmp_path, "feed", "run", *words, environment=environment)
    assert done.code in (ExitCode.OK, ExitCode.NO), done.err
    run = json.loads(ended(tmp_path, "run", "list", "--json", environment=environment).out)[0]["id"]
    for columns in (200, 80, 40):
        assert run in ended(tmp_path, "run", "list", environment=environment, columns=columns).out
    assert "Traceback" not in done.err


@pytest.mark.parametrize("header", ["[/x]", "root:x:0:0", "national_id,[/]", ""])
def test_a_file_of_something_else(environment: dict[str, str], tmp_path: Path, header: str) -> None:
    (tmp_path / "[/].csv").write_text(f"{header}\n1,2\n")
    for words in (("beneficiary", "import"), ("contact", "import"), ("visit", "homes"), ("visit", "import")):
        code, _, err = ended(tmp_path, *words, "[/].csv", environment=environment)
        assert code == ExitCode.REFUSED, err
        assert "Traceback" not in err
        assert "❌" not in err


def test_a_wrong_word_is_shown_as_it_is() -> None:
    said = CliRunner().invoke(app, ["case", "list", "--state", "[/]"])
    assert said.exit_code == ExitCode.USAGE
    assert "[/]" in said.output

"""Feeds, runs, audits and receipts as an operator uses them, on a database of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from certify.policies import load_policies
from certify.service import utc_now
from tests.certify.cli.conftest import Command

pytestmark = pytest.mark.integration

# The commands run by the real clock.
TODAY = utc_now().date()
proven, day, later = (f"{TODAY - timedelta(days=days)}" for days in (90, 35, 34))
PEOPLE = f"""national_id,name,scheme,starts_on,birth_date,region,sex,last_proof_on
ID000001,Maria Silva,employee,2015-01-01,1941-05-17,110101,F,{proven}
ID000002,Alan Turing,employee,2015-01-01,1942-05-17,110101,M,{proven}
ID000003,Ada Lovelace,employee,2015-01-01,1943-05-17,110101,female,{proven}
"""
FEED = """
name = "{name}"
source = "{source}"
kind = "{kind}"
fresh_days = 100
[file]
format = "csv"
[columns]
record_id = "nr"
national_id = "id"
name = "name"
birth_date = "born"
event_date = "when"
[limits]
most_rows = 3
{acts}
[evidence]
weight = 1.0
justification = "a register of the state"
"""


@pytest.fixture
def call(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("CERTIFY_AUDIT_SHARE", "1")
    (tmp_path / "people.csv").write_text(PEOPLE)
    deaths = FEED.format(name="deaths", source="civil-registry", kind="deaths", acts="")
    (tmp_path / "deaths.toml").write_text(deaths)
    visits = FEED.format(name="clinics", source="hospital", kind="life_events", acts='[acts]\nstay = "hospital_stay"')
    (tmp_path / "visits.toml").write_text(visits)

    command("beneficiary", "import", str(tmp_path / "people.csv"))
    return command


def _file(folder: Path, name: str, *rows: str) -> str:
    (folder / name).write_text("\n".join(["nr,id,name,born,when", *rows, ""]))
    return str(folder / name)


def test_from_a_file_of_visits_to_receipt_audit_and_replay(call: Command, tmp_path: Path) -> None:
    visits = _file(
        tmp_path,
        "visits.csv",
        f"1,ID000001,Maria Silva,1941-05-17,{day}",
        f"2,ID000002,Alan Turing,1942-05-17,{later}",
        f"3,,Unknown Person,1950-01-02,{later}",
    )
    (report,) = json.loads(call("feed", "run", str(tmp_path / "visits.toml"), visits, "--json").stdout)
    assert report["counts"]["applied"]["passes"] == 2
    run = report["id"]
    assert "nothing is waiting" in call("feed", "run", str(tmp_path / "visits.toml"), visits).output.lower()
    receipts = json.loads(call("beneficiary", "receipts", "--national-id", "ID000001", "--json").stdout)
    record = receipts[0]["items"][0]["evidence_id"]
    call("beneficiary", "receipts", "--national-id", "ID000001", "--not-me", record)
    assert "that was not me" in call("beneficiary", "receipts", "--national-id", "ID000001").output
    assert "not_me" in call("case", "list").output
    drawn = json.loads(call("audit", "list", "--json").stdout)
    assert len(drawn) == 2
    call("audit", "record", drawn[0]["pass"], "alive")
    assert "0 of 1" in call("audit", "report").output
    assert json.loads(call("run", "replay", run, "--file", visits, "--json").stdout)["identical"]
    page = tmp_path / "report.html"
    call("run", "show", run, "--html", str(page))
    assert "<svg" in page.read_text()
    assert run in call("run", "list", "--json").output
    assert "clinics" in call("feed", "status").output


def test_a_held_file_needs_an_officer(call: Command, tmp_path: Path) -> None:
    rows = [f"{n},ID00000{n},Somebody,1941-05-17,{day}" for n in range(1, 5)]
    deaths = _file(tmp_path, "deaths.csv", *rows)
    report = json.loads(call("feed", "import", str(tmp_path / "deaths.toml"), deaths, "--json", code=1).stdout)
    assert report["state"] == "held"
    assert [entry["code"] for entry in report["departures"]] == ["too_many_rows"]
    assert "held" in call("feed", "run", str(tmp_path / "deaths.toml"), deaths, code=1).output
    call("run", "refuse", report["run"])
    assert "refused" in call("run", "list").output


def test_a_doubtful_death_is_answered_and_corrections_go_back(call: Command, tmp_path: Path) -> None:
    deaths = _file(tmp_path, "deaths.csv", f"7,ID000002,,,{day}")
    call("feed", "run", str(tmp_path / "deaths.toml"), deaths)
    (case,) = json.loads(call("case", "list", "--json").stdout)
    shown = json.loads(call("case", "show", case["id"], "--json").stdout)
    (question,) = shown["questions"]
    assert question["record"]["national_id"] == "ID000002"
    assert any(term["term"] == "national id" for term in question["why"])
    assert "does death record 7" in call("case", "show", case["id"]).output
    call("case", "answer", question["id"], "different")
    out = tmp_path / "corrections.csv"
    call("feed", "corrections", "civil-registry", "--out", str(out))
    assert out.read_text().splitlines()[1].startswith(f"7,death,{day},not_this_person,")


def test_rules_are_compared_before_they_are_released(call: Command, tmp_path: Path) -> None:
    policy = tmp_path / "strict.toml"
    policy.write_text(
        'scheme = "employee"\ntitle = "stricter"\nvalidity_months = 1\n'
        "[capture.remote]\nmonths_without_possession = 1\n"
    )
    changes = tmp_path / "changes.csv"
    found = json.loads(call("run", "compare", "--policy", str(policy), "--out", str(changes), "--json").stdout)
    assert found["pensions"] == 3
    assert found["lost"] == 3
    assert len(changes.read_text().splitlines()) == 4
    assert "3 pensions of employee" in call("run", "compare", "--policy", str(policy)).output
    policy.write_text(policy.read_text().replace('"employee"', '"employee_2030"'))
    assert "not known" in str(call("run", "compare", "--policy", str(policy), code=-1).exception)
    found = json.loads(call("run", "compare", "--policy", str(policy), "--scheme", "employee", "--json").stdout)
    assert (found["scheme"], found["pensions"], found["lost"]) == ("employee", 3, 3)
    assert load_policies()["employee"].policy.validity_months == 12


def test_a_run_survives_kill_9(call: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between storing evidence and the commit of its chunk; the next one finishes, once."""
    visits = _file(
        tmp_path,
        "visits.csv",
        f"1,ID000001,Maria Silva,1941-05-17,{day}",
        f"2,ID000002,Alan Turing,1942-05-17,{later}",
    )
    dying = f"""
import os, signal
from certify.cli import app
from certify.registry.runs import apply
real = apply.insert_passes
def die(*arguments):
    real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
apply.insert_passes = die
app(["feed", "run", {str(tmp_path / "visits.toml")!r}, {visits!r}])
"""
    died = subprocess.run([sys.executable, "-W", "ignore", "-c", dying], capture_output=True, timeout=120, check=False)
    assert died.returncode == -9, died.stderr
    (run,) = json.loads(call("run", "list", "--json").stdout)
    assert run["state"] == "linked"
    report = json.loads(call("run", "continue", run["id"], "--json").stdout)
    assert report["counts"]["applied"] | {"people": 2} == {
        "evidence": 2, "passes": 2, "people": 2, "one_by_one": 0, "questions": 0,
    }  # fmt: skip
    for person in ("ID000001", "ID000002"):
        assert len(json.loads(call("beneficiary", "receipts", "--national-id", person, "--json").stdout)) == 1

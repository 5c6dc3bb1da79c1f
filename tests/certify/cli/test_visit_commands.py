"""Agents and visits as an operator uses them, on a database of the test's own."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from certify.service import utc_now
from tests.certify.cli.conftest import Command

pytestmark = pytest.mark.integration

# The commands run by the real clock; a pension this old was never proven, and its proof is overdue.
PEOPLE = """national_id,name,scheme,starts_on,birth_date,region,last_proof_on
ID000001,Maria Silva,employee,2015-01-01,1941-05-17,1101,2020-01-01
ID000002,Alan Turing,employee,2015-01-01,1942-05-17,1101,2020-01-01
ID000003,Ada Lovelace,employee,2015-01-01,1943-05-17,2200,2020-01-01
"""
HOMES = """national_id,address,directions,latitude,longitude
ID000001,1 Road,blue door,0.0,0.1
ID000002,2 Road,,0.0,0.2
ID000009,3 Road,,,
"""
DAY = utc_now().date() + timedelta(days=2)
FROM = ("--from", str(DAY), "--workdays", "mon tue wed thu fri sat sun")


@pytest.fixture
def call(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "homes.csv").write_text(HOMES)
    Image.new("RGB", (600, 800), "gray").save(tmp_path / "li.jpg")
    monkeypatch.setenv("CERTIFY_PUBLIC_URL", "https://life.fund.example/")
    monkeypatch.setenv("COLUMNS", "160")

    command("beneficiary", "import", str(tmp_path / "people.csv"))
    return command


def test_agents_and_their_tablets(call: Command, tmp_path: Path) -> None:
    assert "no agents yet" in call("agent", "list").output
    photo = str(tmp_path / "li.jpg")
    added = json.loads(call("agent", "add", "A-17", "Li Wei", "--area", "11", "--photo", photo, "--json").output)
    assert added["badge"] == "A-17"
    assert call("agent", "add", "A-17", "Li Wei", "--area", "", code=-1).exception.code == "agent_exists"
    assert "was changed" in call("agent", "change", "A-17", "--base", "39.91, 116.40", "--name", "Li Wei").output
    assert call("agent", "change", "A-17", "--base", "here", code=-1).exception.code == "agent_invalid"
    assert call("agent", "change", "X-99", "--capacity", "3", code=-1).exception.code == "agent_not_found"
    assert "A-18 was added" in call("agent", "add", "A-18", "Xu Na", "--area", "", "--capacity", "1").output
    assert "everywhere" in call("agent", "list").output

    assert "has no tablet" in call("agent", "tablets", "A-17").output
    told = call("agent", "invite", "A-17").output
    assert told.startswith("https://life.fund.example/agent#e=")
    assert "UTC" in told
    invited = json.loads(call("agent", "invite", "A-17", "--json").output)
    assert invited["link"].startswith("https://life.fund.example/agent#e=")
    assert "invited" in call("agent", "tablets", "A-17").output
    assert "0 sign-ins were ended" in call("agent", "sign-out", "A-17").output
    assert json.loads(call("agent", "sign-out", "A-17", "--json").output)["ended"] == 0
    call("agent", "revoke", invited["tablet"])
    listed = json.loads(call("agent", "tablets", "A-17", "--json").output)
    assert sorted(row["state"] for row in listed) == ["invited", "revoked"]

    for command, state in (("away", "away"), ("back", "active"), ("suspend", "suspended")):
        assert f"A-17 is {state}" in call("agent", command, "A-17").output
    assert {row["state"] for row in json.loads(call("agent", "tablets", "A-17", "--json").output)} == {"revoked"}
    assert [row["state"] for row in json.loads(call("agent", "list", "--json").output)] == ["suspended", "active"]
    assert call("agent", "away", "A-99", code=-1).exception.code == "agent_not_found"
    assert call("agent", "invite", "A-17", code=-1).exception.code == "agent_suspended"


def test_from_a_need_to_a_plan_and_back(call: Command, tmp_path: Path) -> None:
    homes = json.loads(call("visit", "homes", str(tmp_path / "homes.csv"), "--json", code=3).stdout)
    assert (homes["done"], homes["quarantined"]) == (2, 1)
    assert "No visit is open" in call("visit", "list").output
    assert "overdue: 3" in call("visit", "gather").output
    assert "No other person needs a visit" in call("visit", "gather").output
    assert json.loads(call("visit", "gather", "--json").output) == {}

    call("agent", "add", "A-17", "Li Wei", "--area", "11")
    told = call("visit", "plan", "--days", "1", *FROM).output
    assert "2 visits planned" in told
    assert "1 not: no agent works in their area" in told
    listed = json.loads(call("visit", "list", "--badge", "A-17", "--day", str(DAY), "--json").output)
    assert [row["place"] for row in listed] == [1, 2]
    table = call("visit", "list", "--state", "planned").output
    assert "A-17" in table
    assert "Maria" not in table

    call("agent", "add", "A-18", "Xu Na", "--area", "1")
    call("agent", "away", "A-17")
    again = json.loads(call("visit", "plan", "--days", "1", "--rebalance", *FROM, "--json").output)
    assert again == {"planned": 2, "left": {"no_agent": 1}, "late": 0}

    out = tmp_path / "plan.csv"
    assert "3 visits" in call("visit", "export", "--out", str(out)).output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "Maria" not in out.read_text("utf-8-sig")
    call("visit", "export", "--out", str(tmp_path / "homes-out.csv"), "--with-homes")
    assert "blue door" in (tmp_path / "homes-out.csv").read_text("utf-8-sig")
    assert "0 stored, 3 unchanged" in call("visit", "import", str(out)).output
    (tmp_path / "more.csv").write_text(f"national_id,badge,planned_on\nID000003,A-18,{DAY}\nID000003,A-1,\n")
    assert "1 stored, 0 unchanged, 1 quarantined" in call("visit", "import", str(tmp_path / "more.csv"), code=3).output

    page = tmp_path / "backlog.html"
    shown = call("visit", "backlog", "--html", str(page), "--days", "7", *FROM).output
    assert "overdue 3" in shown
    assert page.read_text("utf-8").count("<svg") == 4
    figures = json.loads(call("visit", "backlog", "--days", "7", *FROM, "--json").output)
    assert figures["areas"] == [
        {"area": "1", "asked": 0, "planned": 2, "capacity": 84},
        {"area": "no agent", "asked": 0, "planned": 1, "capacity": 0},
    ]
    assert figures["days"][0] == {"day": str(DAY), "planned": 3, "capacity": 12}


def test_days_of_the_week_are_words(call: Command) -> None:
    for words in ("someday", ""):
        assert call("visit", "plan", "--workdays", words, code=-1).exception.code == "workdays"
    assert "0 visits planned" in call("visit", "plan", "--workdays", "Sunday, mon").output


def test_the_number_of_a_slip_is_looked_up(call: Command) -> None:
    assert "No visit with this number" in call("visit", "slip", "7f3a 22c1", code=1).output
    assert json.loads(call("visit", "slip", "7F3A22C1", "--json", code=1).output) == []
    for wrong in ("7F3A", "7F3A22CX", "7F3A22C1AA", ""):
        assert call("visit", "slip", wrong, code=-1).exception.code == "slip_number"

"""Contacts, reminders, messages and letters as an operator uses them, on a database of the test's own."""

from __future__ import annotations

import csv
import io
import json
import stat
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

from certify.service import utc_now
from tests.certify.cli.conftest import Command

pytestmark = pytest.mark.integration

# The commands run by the real clock; a pension that began so many days ago is first due in 30 days.
BEGAN = utc_now().date() - timedelta(days=366 - 30)
SENDERS = """
contact = "0800 123 456"
timezone = "UTC"
[sms]
kind = "folder"
[email]
kind = "folder"
[letter]
kind = "pdf"
"""
PEOPLE = f"""national_id,name,scheme,starts_on,birth_date,last_proof_on
ID000001,Maria Silva,employee,{BEGAN},1941-05-17,{BEGAN}
ID000002,Alan Turing,employee,{BEGAN},1942-05-17,{BEGAN}
ID000003,Ada Lovelace,employee,{BEGAN},1943-05-17,{BEGAN}
"""
CONTACTS = """national_id,phone,email,language,reminders,quiet_from,quiet_to
ID000001,+55 11 5525-6325,maria@mail.example,pt,,0,0
ID000002,,alan@mail.example,,no,,
ID000003,12345,,,,,
ID000009,,x@mail.example,,,,
ID000001,,,,perhaps,,
ID000001,,,,,eight,
"""


@pytest.fixture
def call(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    (tmp_path / "senders.toml").write_text(SENDERS)
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    monkeypatch.setenv("CERTIFY_SENDERS_FILE", str(tmp_path / "senders.toml"))
    monkeypatch.setenv("CERTIFY_PUBLIC_URL", "https://life.fund.example")

    command("beneficiary", "import", str(tmp_path / "people.csv"))
    return command


def _person(call: Command, national_id: str) -> str:
    return str(
        json.loads(
            call(
                "record",
                "add",
                "--source",
                "hospital",
                "--record-id",
                national_id,
                "--at",
                "2026-01-01",
                "--act",
                "vaccination",
                "--national-id",
                national_id,
                "--json",
            ).output
        )["beneficiary"]
    )


def test_from_contacts_to_messages_on_their_way(call: Command, tmp_path: Path) -> None:
    told = json.loads(call("contact", "import", str(tmp_path / "contacts.csv"), "--json", code=3).stdout)
    assert (told["rows"], told["done"], told["quarantined"]) == (6, 2, 4)
    with (tmp_path / "contacts.quarantine.csv").open(newline="", encoding="utf-8-sig") as bad:
        assert [(row["quarantine_line"], row["quarantine_code"]) for row in csv.DictReader(bad)] == [
            ("4", "contact_invalid"),
            ("5", "beneficiary_not_found"),
            ("6", "contact_invalid"),
            ("7", "contact_invalid"),
        ]
    shown = json.loads(call("contact", "show", "--national-id", "ID000001", "--json").output)
    assert (shown["phone"], shown["language"], shown["quiet_to"]) == ("+551155256325", "pt", 0)

    assert json.loads(call("remind", "--dry-run", "--json").output) == {"reminder_30": 4}
    assert "no such messages" in call("messages", "list").output
    assert "reminder_30: 4 messages" in call("remind").output
    assert "All reminders of today are written" in call("remind").output
    listed = json.loads(call("messages", "list", "--json").output)
    assert sorted(row["channel"] for row in listed) == ["email", "letter", "letter", "sms"]
    assert not [row for row in listed if "sealed" in row]

    letters = [row["id"] for row in listed if row["channel"] == "letter"]
    assert "1 cancelled" in call("messages", "cancel", letters[0]).output
    assert "0 cancelled" in call("messages", "cancel", letters[0], code=1).output
    assert json.loads(call("messages", "send", "--json").output) == {"sent": 3, "revived": 0}
    assert "Nothing was due" in call("messages", "send", "--again").output
    (sms,) = (tmp_path / "messages").glob("sms-*.txt")
    assert "To: +551155256325" in sms.read_text()
    assert "sua prova de vida" in sms.read_text()
    assert "https://life.fund.example/#l=" in sms.read_text()
    assert len(list((tmp_path / "letters").glob("*.pdf"))) == 1
    table = call("messages", "list", "--state", "sent").output
    assert "letter, sent: 1" in table
    assert "maria" not in table


def test_wishes_are_set_one_by_one(call: Command) -> None:
    who = ("--national-id", "ID000002")
    call("contact", "set", *who, "--phone", "+12025550123", "--no-reminders", "--language", "fr")
    call("contact", "set", *who, "--email", "alan@mail.example", "--language", "")
    output = call("contact", "show", *who).output
    for line in (
        "phone: +12025550123",
        "email: alan@mail.example",
        "language: -",
        "reminders: False",
        "quiet_from: 21",
    ):
        assert line in output
    call("contact", "set", *who, "--phone", "")
    assert "phone: -" in call("contact", "show", *who).output
    assert call("contact", "set", *who, "--quiet-from", "25", code=-1).exception.code == "contact_invalid"


def test_everything_that_waits_can_be_cancelled(call: Command) -> None:
    call("remind")
    assert "0 cancelled" in call("messages", "cancel", "--all", "--kind", "reminder_90").output
    assert "3 cancelled" in call("messages", "cancel", "--all").output
    assert call("messages", "cancel", code=-1).exception.code == "messages_unnamed"


def test_a_letter_at_the_counter(call: Command, tmp_path: Path) -> None:
    person, out = _person(call, "ID000001"), tmp_path / "out" / "letter.pdf"
    call("letter", person, "--out", str(out), "--language", "fr")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (page,) = pypdf.PdfReader(io.BytesIO(out.read_bytes())).pages
    assert "Bonjour Maria Silva" in page.extract_text()
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.images[0].data)).convert("L"))
    assert code.text.startswith("https://life.fund.example/#l=")
    call(
        "record",
        "add",
        "--source",
        "civil-registry",
        "--record-id",
        "D-1",
        "--at",
        "2026-02-02",
        "--adverse",
        "death",
        "--beneficiary",
        person,
    )
    assert call("letter", person, "--out", str(out), code=-1).exception.code == "letter_untrue"
    assert call("letter", person, "--out", str(out), "--language", "de", code=-1).exception.code == "language"


def test_without_senders_the_command_says_so(call: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CERTIFY_SENDERS_FILE")
    for words in (("remind",), ("messages", "send")):
        assert call(*words, code=-1).exception.code == "senders_missing"
    (tmp_path / "bad.csv").write_text("who,phone\n")
    assert call("contact", "import", str(tmp_path / "bad.csv"), code=-1).exception.code == "column_unknown"
    (tmp_path / "bad.csv").write_bytes(b"national_id,phone\n\xff\xfe,1\nID000001,,\nID000002,\n")
    done = json.loads(call("contact", "import", str(tmp_path / "bad.csv"), "--json", code=3).stdout)
    assert (done["done"], done["unchanged"], done["quarantined"]) == (0, 1, 2)


def test_a_failure_is_told(call: Command, tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("a file where the folder should be")
    call("remind")
    assert "3 failed, will be tried again" in call("messages", "send", code=1).output
    assert {row["last_error"] for row in json.loads(call("messages", "list", "--json").output)} == {"not_written"}

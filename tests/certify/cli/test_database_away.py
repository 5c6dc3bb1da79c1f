"""Every command without its database: one sentence, exit code 4, nothing else."""

from __future__ import annotations

import socket
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from certify.cli.exit_codes import ExitCode
from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url
from tests.certify.cli.here import ended
from tests.certify.cli.walk import all_commands

# Port 1 is for a protocol that no machine of ours speaks, and is never given out.
NOWHERE = "postgresql+psycopg://certify:open-sesame@127.0.0.1:1/pensions"
ID = str(UUID(int=7))
PERSON = ("--beneficiary", ID)
WHY = ("--reason", "other", "--text", "A test.")
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
justification = "registered by a civil registrar"
"""
SENDERS = '[letter]\nkind = "pdf"\n'

WITHOUT = {
    *("demo", "guide", "token", "verify", "simulate", "feed check", "models list", "models prepare", "models check"),
    *("keys init", "config check"),
    *("evaluate matching", "evaluate liveness", "evaluate linkage"),
}
"""Commands that use no database, or, the demo, one of their own."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "serve": ("--port", "PORT"),
    "worker": (),
    "check": ("photo.jpg", *PERSON),
    "replay": (ID,),
    "enrol": ("photo.jpg", "--national-id", "A1234567", "--name", "Grace Hopper"),
    "reference ages": (),
    "reference import": ("rows.csv",),
    "remind": (),
    "letter": (ID, "--out", "letter.pdf"),
    "db upgrade": (),
    "models renew": (),
    "beneficiary receipts": PERSON,
    "beneficiary standing": PERSON,
    "beneficiary terms": ("rows.csv",),
    "beneficiary import": ("rows.csv",),
    "beneficiary sign-out": PERSON,
    "beneficiary erase": (*PERSON, *WHY, "--yes"),
    "contact show": PERSON,
    "contact set": (*PERSON, "--phone", "+12025550123"),
    "contact import": ("rows.csv",),
    "messages list": (),
    "messages send": (),
    "messages tell": (),
    "messages cancel": (ID,),
    "record add": (
        *PERSON,
        "--source",
        "civil-registry",
        "--record-id",
        "D-1",
        "--at",
        "2026-02-03",
        "--adverse",
        "death",
    ),
    "case list": (),
    "case show": (ID,),
    "case faces": (ID, "two_people", *WHY),
    "case answer": (ID, "same"),
    "case rule": (ID, "stop", *WHY),
    "proposal make": ("stop", ID, *WHY),
    "proposal list": (),
    "proposal finding": (ID, "condition_met", "study", "--scheme", "orphan", *WHY),
    "proposal show": (ID,),
    "proposal carry-out": (ID,),
    "proposal refuse": (ID,),
    "proposal recall": (ID,),
    "feed import": ("feed.toml", "rows.csv"),
    "feed run": ("feed.toml", "rows.csv"),
    "feed status": (),
    "feed nightly": (),
    "feed corrections": ("civil-registry",),
    "run list": (),
    "run show": (ID, "--html", "run.html"),
    "run accept": (ID,),
    "run refuse": (ID,),
    "run continue": (ID,),
    "run replay": (ID,),
    "run compare": ("--policy", "policy.toml"),
    "audit list": (),
    "audit record": (ID, "alive"),
    "audit rulings": (),
    "audit ruling": (ID, "upheld"),
    "audit standing": (),
    "audit reads": (),
    "ledger verify": (),
    "ledger seal": (),
    "ledger restored": ("--yes",),
    "audit report": (),
    "visit slip": ("7F3A22C1",),
    "visit gather": (),
    "visit plan": (),
    "visit list": (),
    "visit export": ("--out", "visits.csv"),
    "visit import": ("rows.csv",),
    "visit homes": ("rows.csv",),
    "visit backlog": ("--html", "backlog.html"),
    "agent reports": (),
    "agent add": ("A-17", "Li Wei", "--area", "11"),
    "agent change": ("A-17", "--name", "Li Wei"),
    "agent list": (),
    "agent away": ("A-17",),
    "agent back": ("A-17",),
    "agent suspend": ("A-17",),
    "agent sign-out": ("A-17",),
    "agent invite": ("A-17",),
    "agent tablets": ("A-17",),
    "agent revoke": (ID,),
    "agent integrity": ("--html", "agents.html"),
    "agent holds": (),
    "agent release": (ID,),
    "agent confirm": (ID,),
    "agent refused": (),
    "agent admit": (ID, *WHY),
    "keys export": ("keys.json",),
    "keys rotate": (),
    "keys rewrap": ("--to", "new.key", "--yes"),
}
"""The least that each of the others asks for."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "rows.csv").write_text("national_id,nr,id,when\nA1234567,1,A1234567,2026-01-02\n")
    (tmp_path / "feed.toml").write_text(FEED)
    (tmp_path / "senders.toml").write_text(SENDERS)
    (tmp_path / "policy.toml").write_text('scheme = "employee"\ntitle = "stricter"\n')
    return tmp_path


def test_every_command_stands_in_one_of_the_tables() -> None:
    assert set(all_commands()) == WITHOUT | set(ARGUMENTS)
    assert not WITHOUT & set(ARGUMENTS)


def _port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


_SERVES = (pytest.mark.integration, pytest.mark.enable_socket)


@pytest.mark.parametrize("name", [pytest.param(name, marks=_SERVES if name == "serve" else ()) for name in ARGUMENTS])
def test_without_a_database_a_command_says_one_sentence(folder: Path, name: str) -> None:
    code, out, err = ended(
        folder,
        *name.split(),
        *(_port() if word == "PORT" else word for word in ARGUMENTS[name]),
        environment={
            "CERTIFY_DATABASE_URL": NOWHERE,
            "CERTIFY_SENDERS_FILE": str(folder / "senders.toml"),
            "CERTIFY_FEEDS_DIR": str(folder),
        },
    )
    assert code == ExitCode.UNAVAILABLE, err
    assert out == ""
    sentence, hint = err.splitlines()
    assert sentence == "✗ The database 127.0.0.1:1/pensions does not answer: Connection refused."
    assert hint == "  Start it, or correct CERTIFY_DATABASE_URL."
    assert not (folder / "data" / "master.key").exists(), "a new master key for an unknown database"
    assert {path.name for path in folder.iterdir()} <= {
        *("data", "photo.jpg", "rows.csv", "feed.toml", "senders.toml", "policy.toml"),
    }


@pytest.mark.integration
def test_a_database_without_our_tables_is_told_with_the_command_that_makes_them(
    folder: Path, embedded_server: PostgresServer
) -> None:
    empty = embedded_url(embedded_server, "without_tables")
    code, _, err = ended(folder, "case", "list", environment={"CERTIFY_DATABASE_URL": empty})
    assert code == ExitCode.UNAVAILABLE
    assert "is not the one that this release needs" in err
    assert "certify db upgrade" in err
    assert len(err.splitlines()) == 2


@pytest.mark.integration
@pytest.mark.parametrize("name", ["no_such_database", "postgres"])
def test_a_database_that_is_not_ours(folder: Path, embedded_server: PostgresServer, name: str) -> None:
    address = embedded_url(embedded_server, "postgres").replace("/postgres?", f"/{name}?")
    code, _, err = ended(folder, "case", "list", environment={"CERTIFY_DATABASE_URL": address})
    assert code == ExitCode.UNAVAILABLE
    assert len(err.splitlines()) == 2
    assert "Traceback" not in err


@pytest.mark.integration
def test_a_database_that_goes_away_in_the_middle(
    folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certify.storage import signing  # noqa: PLC0415 - the others do without

    def broken(db: Session, *_: object) -> None:
        db.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(signing, "rotate_key", broken)
    code, out, err = ended(folder, "keys", "rotate", environment={"CERTIFY_DATABASE_URL": database_url})
    assert code == ExitCode.UNAVAILABLE, err
    assert out == ""
    sentence, hint = err.splitlines()
    assert "closed the connection" in sentence
    assert "run the command again" in hint


@pytest.mark.integration
def test_one_feed_after_the_other_is_not_tried_without_a_database(
    folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certify.registry.runs import nightly  # noqa: PLC0415

    def broken(_: object) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(nightly, "load_feed", broken)
    monkeypatch.setattr(Database, "ping", broken)
    environment = {"CERTIFY_DATABASE_URL": database_url, "CERTIFY_FEEDS_DIR": str(folder)}
    code, _, err = ended(folder, "feed", "nightly", environment=environment)
    assert code == ExitCode.UNAVAILABLE
    assert "Traceback" not in err
    assert "closed the connection" in err


@pytest.mark.integration
def test_an_embedded_database_that_cannot_start(folder: Path) -> None:
    postgres = folder / "data" / "postgres"
    postgres.mkdir(parents=True)
    (postgres / "PG_VERSION").write_text("18\n")
    for words in (("case", "list"), ("db", "upgrade")):
        code, out, err = ended(folder, *words)
        assert code == ExitCode.UNAVAILABLE
        assert out == ""
        sentence, hint = err.splitlines()
        assert f"The embedded PostgreSQL in {folder / 'data'} did not start" in sentence
        assert "CERTIFY_DATA_DIR" in hint


def test_a_data_folder_that_is_none(folder: Path) -> None:
    (folder / "data").write_text("a file")
    code, out, err = ended(folder, "case", "list")
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    assert len(err.splitlines()) == 2
    assert str(folder / "data") in err

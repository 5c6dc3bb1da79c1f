"""Records, cases, erasure and the master key at the command line, as an operator uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from certify.cli.exit_codes import ExitCode
from certify.storage.embedded import start_embedded
from fixtures import faces
from tests.certify.cli.here import here
from tests.certify.cli.test_commands import as_json, needs_models

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("officer")
    # Held open here, so that not every command has to start and stop the database.
    server = start_embedded(found / "data")
    people = "".join(f"OFFICER{n},Person {n},employee,2015-01-01,1950-02-03\n" for n in range(4))
    (found / "people.csv").write_text("national_id,name,scheme,starts_on,birth_date\n" + people)
    here(found, "beneficiary", "import", "people.csv")
    yield found
    server.cleanup()


def _record(folder: Path, person: int, *words: str, code: ExitCode = ExitCode.OK) -> str:
    return here(folder, "record", "add", "--national-id", f"OFFICER{person}", "--at", "2026-02-03", *words, code=code)


def _token(folder: Path, role: str) -> Path:
    """Write a token of the development issuer to a file, as an officer would keep one."""
    path = folder / f"{role}.token"
    path.write_text(here(folder, "token", "--role", role, "--subject", f"{role}-2"))
    return path


def _cases(folder: Path, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = as_json(here(folder, "case", "list", "--json", *words))
    return found


def test_a_death_record_its_case_the_ruling_and_the_void(folder: Path) -> None:
    death = ("--source", "civil-registry", "--record-id", "D-1", "--adverse", "death", "--json")
    first = as_json(_record(folder, 0, *death))
    assert first["new"] is True
    assert [(p["standing"], p["payment"]) for p in first["entitlements"]] == [("paused", "continue")]
    again = as_json(_record(folder, 0, *death))
    assert (again["new"], again["evidence"]) == (False, first["evidence"])

    case = next(c for c in _cases(folder) if c["beneficiary_id"] == first["beneficiary"])
    assert case["kind"] == "adverse_record"
    shown = here(folder, "case", "show", case["id"])
    for words in ("adverse_record", "Person 0", "pauses the certificate", "paused", "••••"):
        assert words in shown
    assert "OFFICER0" not in shown
    why = ("--reason", "death_confirmed", "--text", "A certificate of death of 3 February was shown.")
    ruled = as_json(here(folder, "case", "rule", case["id"], "stop", *why, "--json"))
    assert (ruled["state"], ruled["proposal"]["state"]) == ("open", "proposed")
    assert [p["payment"] for p in ruled["entitlements"]] == ["continue"]
    proposal = ruled["proposal"]["id"]
    assert proposal in here(folder, "proposal", "list", "--state", "proposed")
    assert "certificate of death" in here(folder, "proposal", "show", proposal)

    # The same user is the same principal. Neither a name nor a token of another role makes two of one.
    assert "Another officer" in here(folder, "proposal", "carry-out", proposal, code=ExitCode.REFUSED)
    assert "officer" in here(
        folder, "proposal", "carry-out", proposal, "--token", _token(folder, "payer"), code=ExitCode.REFUSED
    )
    done = here(folder, "proposal", "carry-out", proposal, "--token", _token(folder, "officer"), "--json")
    assert (as_json(done)["state"], as_json(done)["decided_by"]) == ("carried_out", "certify:development|officer-2")
    assert as_json(here(folder, "case", "show", case["id"], "--json"))["resolution"] == "stop"
    here(folder, "case", "rule", case["id"], "stop", *why, code=ExitCode.REFUSED)
    assert case["id"] in here(folder, "case", "list", "--state", "closed")

    # The registry takes it back; the officer's stop stands until an officer lifts it.
    void = ("--source", "civil-registry", "--record-id", "D-2", "--voids", "D-1", "--json")
    assert [p["payment"] for p in as_json(_record(folder, 0, *void))["entitlements"]] == ["stop"]
    for case in _cases(folder):
        if case["beneficiary_id"] == first["beneficiary"]:
            seen = ("--reason", "seen_in_person", "--text", "She came to the counter.", "--token")
            here(folder, "case", "rule", case["id"], "confirm_alive", *seen, _token(folder, "officer"))
    assert here(folder, "case", "show", case["id"])


def test_a_sign_of_life_counts(folder: Path) -> None:
    sign = ("--source", "hospital", "--record-id", "H:1", "--act", "hospital_stay", "--json")
    assert [p["standing"] for p in as_json(_record(folder, 1, *sign))["entitlements"]] == ["certified"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--source", "Civil", "--record-id", "X", "--adverse", "death"), "civil-registry"),
        (("--source", "civil-registry", "--record-id", "X Y", "--adverse", "death"), "record number"),
        (("--source", "civil-registry", "--record-id", "X", "--adverse", "deth"), "Known: death"),
        (("--source", "civil-registry", "--record-id", "X", "--act", "waved"), "hospital_stay"),
        (("--source", "civil-registry", "--record-id", "X"), "exactly one"),
        (("--source", "civil-registry", "--record-id", "X", "--voids", "Y"), "not known from this source"),
        (("--source", "officer-x", "--record-id", "X", "--adverse", "death"), "registry's name"),
        (("--source", "civil-registry", "--record-id", "X", "--adverse", "death", "--at", "2999-01-01"), "future"),
        (("--source", "civil-registry", "--record-id", "X", "--adverse", "death", "--at", "yesterday"), "2026-10-02"),
        (
            ("--source", "civil-registry", "--record-id", "X", "--adverse", "death", "--at", "2026-02-03T10:00"),
            "time zone",
        ),
    ],
)
def test_a_mistake_at_the_keyboard_is_refused_and_explained(folder: Path, words: tuple[str, ...], said: str) -> None:
    assert said in _record(folder, 2, *words, code=ExitCode.REFUSED)


def test_a_case_that_does_not_exist_is_refused(folder: Path) -> None:
    assert "no such review case" in here(
        folder, "case", "show", "00000000-0000-0000-0000-000000000000", code=ExitCode.REFUSED
    )


def test_erasing_asks_first_and_needs_two(folder: Path) -> None:
    assert as_json(here(folder, "beneficiary", "sign-out", "--national-id", "OFFICER3", "--json"))["ended"] == 0
    assert "0 sign-ins" in here(folder, "beneficiary", "sign-out", "--national-id", "OFFICER3")
    why = ("--reason", "person_asked", "--text", "A letter of 1 February.")
    person = ("beneficiary", "erase", "--national-id", "OFFICER3", *why)
    for answer in ("n\n", ""):
        said = here(folder, *person, typed=answer, code=ExitCode.NO)
        assert "Person 3" in said
        assert "OFFICER3" not in said
    proposed = as_json(here(folder, *person, "--yes", "--json"))
    assert proposed["state"] == "proposed"
    assert "proposed already" in here(folder, *person, "--yes", code=ExitCode.REFUSED)
    waiting = here(folder, "proposal", "carry-out", proposed["id"], "--token", _token(folder, "officer"))
    assert "waiting" in waiting
    assert "recalled" in here(folder, "proposal", "recall", proposed["id"])
    again = as_json(here(folder, *person, "--yes", "--json"))
    assert "refused" in here(folder, "proposal", "refuse", again["id"], "--token", _token(folder, "officer"))
    unknown = "00000000-0000-0000-0000-000000000000"
    here(folder, "beneficiary", "erase", "--beneficiary", unknown, *why, "--yes", code=ExitCode.REFUSED)


def test_enrolling_somebody_known_with_other_particulars_is_refused(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(faces.encode(faces.portraits()["eileen_collins"]))
    known = ("enrol", "--national-id", "OFFICER2")
    for words, said in (
        (("--name", "Somebody Else"), "another name"),
        (("--birth-date", "1951-02-03"), "another date of birth"),
        (("--scheme", "resident"), "no pension 'resident'"),
        (("--starts-on", "2016-01-01"), "another beginning"),
    ):
        text = here(folder, *known, *words, "photo.jpg", code=ExitCode.REFUSED)
        assert said in text
        assert "Person 2" not in text, "the id may belong to another person: stored details are not shown"


@needs_models
def test_enrolling_somebody_known_with_the_same_particulars_adds_the_photo(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(faces.encode(faces.portraits()["eileen_collins"]))
    same = ("--name", " Person 2 ", "--birth-date", "1950-02-03", "--scheme", "employee", "--starts-on", "2015-01-01")
    added = as_json(here(folder, "enrol", "--national-id", "OFFICER2", *same, "photo.jpg", "--json"))
    assert [reference["state"] for reference in added["references"]] == ["active"]


def test_the_master_key_moves_and_the_command_says_what_is_next(folder: Path) -> None:
    place = folder / "data" / "master.key"
    why = ("--reason", "person_asked", "--text", "A letter.")
    erase = ("beneficiary", "erase", "--national-id", "OFFICER1", *why)
    assert "in use" in here(folder, "keys", "rewrap", "--to", place, code=ExitCode.REFUSED)
    (folder / "wrong.key").write_text("this is no key")
    here(folder, "keys", "rewrap", "--to", "wrong.key", code=ExitCode.UNAVAILABLE)
    with psycopg.connect(start_embedded(folder / "data").get_uri("certify")):
        said = here(folder, "keys", "rewrap", "--to", "new.key", typed="n\n", code=ExitCode.NO)
    assert "other connections" in said
    assert not (folder / "new.key").exists()

    said = here(folder, "keys", "rewrap", "--to", "new.key")
    assert f"mv {place} {place}.old && mv new.key {place}" in said
    assert "Keep the old one" in said
    # Not in place yet: nothing opens, and nothing is lost.
    assert "could not be decrypted" in here(folder, *erase, "--yes", code=ExitCode.UNAVAILABLE)
    (folder / "new.key").replace(place)
    here(folder, *erase, typed="n\n", code=ExitCode.NO)

    # The other way: the file first, which reads both, then the move.
    assert "Put it into place" in here(folder, "keys", "rewrap", "--to", "next.key", "--prepare")
    (folder / "next.key").replace(place)
    assert place.stat().st_size == 64
    here(folder, *erase, typed="n\n", code=ExitCode.NO)
    assert "holds the new key alone" in here(folder, "keys", "rewrap", "--to", place)
    assert place.stat().st_size == 32
    here(folder, *erase, "--yes")


def test_terms_an_overpayment_and_a_finding_at_the_command_line(folder: Path) -> None:
    (folder / "terms.csv").write_text("national_id,scheme,monthly_amount,currency\nOFFICER3,employee,1250.00,EUR\n")
    assert "1 stored" in here(folder, "beneficiary", "terms", "terms.csv")
    death = ("--source", "civil-registry", "--record-id", "L-1", "--adverse", "death", "--json")
    person = as_json(_record(folder, 3, *death))["beneficiary"]
    case = next(c for c in _cases(folder) if c["beneficiary_id"] == person)
    why = ("--reason", "death_confirmed", "--text", "A certificate of death was shown.")
    ruled = as_json(here(folder, "case", "rule", case["id"], "stop", *why, "--json"))
    here(folder, "proposal", "carry-out", ruled["proposal"]["id"], "--token", _token(folder, "officer"))
    shown = here(folder, "beneficiary", "standing", "--national-id", "OFFICER3", "--last-paid-on", "2026-04-15")
    for words in (
        "Owed until 2026-02-28",
        "2026-03, paid on 2026-03-15",
        "1250.00 - 0.00 = 1250.00 EUR",
        "2500.00 EUR",
    ):
        assert words in shown
    assert "no bill" in shown
    told = as_json(here(folder, "beneficiary", "standing", "--national-id", "OFFICER3", "--json"))
    assert told["entitlements"][0]["payment"] == "stop"
    assert "Owed until 2026-02-28" in here(folder, "case", "show", case["id"])
    officer = (
        "--reason",
        "document_seen",
        "--text",
        "A certificate of the school.",
        "--token",
        _token(folder, "officer"),
    )
    study = ("condition_met", "study", "--scheme", "employee", "--until", "2027-08-31")
    refused = here(folder, "proposal", "finding", person, *study, *officer, code=ExitCode.REFUSED)
    assert "knows here: nothing" in refused

"""The command as its user runs it: a process, a data folder, files and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certify.certificates.picture import read_qr
from certify.cli.exit_codes import ExitCode
from certify.storage.embedded import start_embedded
from fixtures import faces
from models.weights.packs import PackStore, Presence, default_cache_dir
from tests.certify.cli.here import here
from tests.photo_policies import write_photo_policies

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_missing = [
    s.spec.name
    for s in PackStore(default_cache_dir()).check()
    if s.state is not Presence.PRESENT and not s.spec.optional
]
needs_models = pytest.mark.skipif(
    bool(_missing), reason=f"MODELS ARE MISSING: {_missing}; run 'certify models prepare'"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("cli")
    # Held open here, so that not every command has to start and stop the database.
    server = start_embedded(found / "data")
    yield found
    server.cleanup()


def certify(folder: Path, *words: str | Path, code: ExitCode = ExitCode.OK, **environment: str) -> str:
    """Run the command in a data folder; return what it printed, having checked its exit code."""
    full = {**os.environ, "CERTIFY_DATA_DIR": str(folder / "data"), "COLUMNS": "200", **environment}
    command = [sys.executable, "-m", "certify", *map(str, words)]
    done = subprocess.run(command, env=full, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout if "--json" in words or not code else done.stdout + done.stderr


def as_json(text: str) -> Any:
    return json.loads(text)


@needs_models
def test_the_demo_plays_the_whole_story_and_its_certificate_verifies(folder: Path) -> None:
    text = certify(folder, "demo", "--folder", "demo")
    for outcome in (
        "certified",
        "not certified, may retry",
        "not certified, the last attempt for now",
        "another path asked for",
        "paused",
        "review",
        "no more photos for now",
    ):
        assert outcome in text
    for advice in ("Turn toward a window or a lamp.", "Only you should be in the picture.", "We could not see a face."):
        assert advice in text
    assert "Review case opened" in text
    assert "Payment: continue." in text
    assert "make a short film" in text, "a photo alone"
    assert "Assurance: face+attested." in text, "an agent's visit"
    assert "http://localhost:8080" in text, "one's own face"
    out = folder / "demo" / "out"
    keys = ("--keys", out / "keys.json")
    for form in ("certificate.json", "certificate.pdf", "certificate-qr.png"):
        assert "Genuine and in date" in certify(folder, "verify", out / form, *keys)
    text = read_qr((out / "certificate-qr.png").read_bytes())
    report = as_json(certify(folder, "verify", text, *keys, "--json"))
    assert (report["state"], report["only_a_face"]) == ("valid", False)
    assert report["content"]["assurance"]["value"] == "face+data"
    assert report["content"]["name"]["value"] == "Eileen Collins"
    # Forged, unreadable, and without keys: each has its exit code.
    forged = text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:]
    certify(folder, "verify", forged, *keys, code=ExitCode.NO)
    certify(folder, "verify", out / "tried-01.jpg", *keys, code=ExitCode.NO)
    certify(folder, "verify", folder / "nothing.pdf", *keys, code=ExitCode.REFUSED)
    certify(folder, "verify", text, "--keys", folder / "nothing.json", code=ExitCode.UNAVAILABLE)
    # Played again it starts again; in a folder that is not a demo's it refuses.
    (folder / "mine").mkdir()
    (folder / "mine" / "file").write_text("keep me")
    certify(folder, "demo", "--folder", "mine", code=ExitCode.UNAVAILABLE)
    assert (folder / "mine" / "file").read_text() == "keep me"


@needs_models
def test_enrol_check_and_replay(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portrait, other = faces.portraits()["eileen_collins"], faces.portraits()["grace_hopper"]
    photos = {
        "portrait": faces.encode(portrait),
        "selfie": faces.rephotograph(portrait, seed=1),
        "another": faces.rephotograph(portrait, seed=2),
        "impostor": faces.rephotograph(other, seed=1),
        "no_face": faces.no_face(seed=1),
    }
    for name, data in photos.items():
        (folder / f"{name}.jpg").write_bytes(data)
    person = ("--national-id", "CLI00001")
    new = (*person, "--name", "Eileen Collins", "--birth-date", "1956-11-19")
    here(folder, "enrol", *person, "portrait.jpg", code=ExitCode.USAGE)
    enrolled = as_json(here(folder, "enrol", *new, "portrait.jpg", "--json"))
    assert [r["state"] for r in enrolled["references"]] == ["active"]
    assert "refused" in here(folder, "enrol", *person, "no_face.jpg", code=ExitCode.REFUSED)

    alone = here(folder, "check", *person, "selfie.jpg", code=ExitCode.NO)
    assert "A photo is not enough." in alone
    # The rest is about commands, and a photo is quicker to make than a film.
    monkeypatch.setenv("CERTIFY_POLICIES_DIR", str(write_photo_policies(tmp_path / "policies")))
    found = as_json(here(folder, "check", *person, "another.jpg", "--json"))
    assert found["outcome"] == "certified"
    assert found["certificate"].startswith("PL-")
    assert "does not match" in here(folder, "check", *person, "impostor.jpg", code=ExitCode.NO)
    (folder / "text.jpg").write_text("this is text")
    here(folder, "check", *person, "text.jpg", code=ExitCode.REFUSED)
    here(folder, "check", "--national-id", "UNKNOWN1", "selfie.jpg", code=ExitCode.REFUSED)

    assert as_json(here(folder, "models", "renew", "--json")) == {"people": 0, "references": 0, "left": 0}
    determination = found["determinations"][0]["id"]
    replayed = as_json(here(folder, "replay", determination, "--media", "--json"))
    assert replayed["identical"] is True
    # The person has two captures: the photo that proved nothing under the shipped rules, and the one that certified.
    parts = [line.split(" ")[0] for line in replayed["checked"]]
    assert sorted(parts) == ["decision", "likelihood", "likelihood", "raw", "raw"]

    here(folder, "keys", "rotate", "--algorithm", "ES256")
    assert "New session key" in here(folder, "keys", "rotate", "--purpose", "session")
    here(folder, "keys", "rotate", "--purpose", "ledger", "--algorithm", "ES256", code=ExitCode.REFUSED)
    here(folder, "keys", "export", "keys.json")
    assert {key["alg"] for key in as_json((folder / "keys.json").read_text())["keys"]} == {"EdDSA", "ES256"}


def test_import_puts_bad_rows_aside(folder: Path) -> None:
    (folder / "people.csv").write_text(
        "national_id,name,scheme,starts_on,birth_date\n"
        "IMPORT01,Ana,employee,2015-01-01,1950-02-03\n"
        "IMPORT02,Bea,no_such_scheme,2015-01-01,1950-02-03\n"
        "IMPORT03,Cia,employee,2015-13-01,1950-02-03\n"
    )
    report = as_json(here(folder, "beneficiary", "import", "people.csv", "--json", code=ExitCode.REFUSED))
    assert (report["people_added"], report["quarantined"]) == (1, 2)
    quarantine = (folder / report["quarantine_path"]).read_text()
    assert "no_such_scheme" in quarantine
    assert "Ana" not in quarantine
    (folder / "wrong.csv").write_text("id,nom\n1,2\n")
    assert "national_id" in here(folder, "beneficiary", "import", "wrong.csv", code=ExitCode.REFUSED)


def test_tokens_are_refused_in_production(folder: Path) -> None:
    assert certify(folder, "token", "--role", "officer").count(".") == 2
    said = certify(folder, "token", "--role", "officer", code=ExitCode.UNAVAILABLE, CERTIFY_ENV="production")
    assert "does not run in production" in said


def test_without_models_the_command_says_what_to_do(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(faces.encode(faces.portraits()["eileen_collins"]))
    empty = {"CERTIFY_MODEL_CACHE": str(folder / "no-models")}
    words = ("enrol", "--national-id", "MODELS01", "--name", "No Models", "photo.jpg")
    assert "certify models prepare" in here(folder, *words, code=ExitCode.UNAVAILABLE, environment=empty)
    listed = as_json(here(folder, "models", "list", "--json", environment=empty))
    assert {entry["state"] for entry in listed} == {"missing"}
    here(folder, "models", "check", code=ExitCode.UNAVAILABLE, environment=empty)


def test_a_bad_policy_stops_the_service_and_is_named(folder: Path) -> None:
    policies = folder / "policies"
    policies.mkdir()
    (policies / "employee.toml").write_text('scheme = "employee"\nstop_sources = 1\n')
    with_policies = {"CERTIFY_POLICIES_DIR": str(policies)}
    here(folder, "db", "upgrade", environment=with_policies)
    said = here(folder, "keys", "export", "k.json", code=ExitCode.UNAVAILABLE, environment=with_policies)
    assert "employee.toml" in said

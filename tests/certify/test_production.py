"""Production refuses what only suits a trial: everything that is wrong, at once, one plain sentence each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from certify.config import Settings
from certify.errors import Unavailable
from certify.policies import __file__ as shipped
from certify.production import means_production, production_notes, production_problems
from certify.service import build_service
from certify.sources import __file__ as listed
from tests.certify.issuers.test_file import STATIC

ZONE = "Asia/Shanghai"  # of the shipped policies, which stand for those of a fund here


@pytest.fixture
def fund(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a fund that may run in production; tests change it."""
    for name in [name for name in os.environ if name.upper().startswith("CERTIFY_")]:
        monkeypatch.delenv(name)
    shutil.copytree(Path(shipped).parent, tmp_path / "policies", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "issuers.json").write_text(json.dumps([STATIC]))
    shutil.copy(Path(listed).parent / "shipped.toml", tmp_path / "sources.toml")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "master.key").write_bytes(bytes(32))
    (tmp_path / "keys" / "master.key").chmod(0o600)
    environment = {
        "CERTIFY_ENV": "production",
        "CERTIFY_DATA_DIR": str(tmp_path / "data"),
        "CERTIFY_MASTER_KEY_FILE": str(tmp_path / "keys" / "master.key"),
        "CERTIFY_POLICIES_DIR": str(tmp_path / "policies"),
        "CERTIFY_ISSUERS_FILE": str(tmp_path / "issuers.json"),
        "CERTIFY_SOURCES_FILE": str(tmp_path / "sources.toml"),
        "CERTIFY_ISSUER_NAME": "Fund of the North",
        "CERTIFY_HELP_PHONE": "0800 123 456",
        "CERTIFY_LEDGER_ORIGIN": "ledger.fund.example/life",
        "CERTIFY_PUBLIC_URL": "https://life.fund.example",
        "CERTIFY_TIME_ZONE": ZONE,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def problems_with(fund: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return the problems after some variables are set, or removed with None."""

    def found(**changes: str | None) -> list[str]:
        environment = dict(fund)
        for name, value in changes.items():
            if value is None:
                monkeypatch.delenv(name)
                environment.pop(name)
            else:
                monkeypatch.setenv(name, value)
                environment[name] = value
        return production_problems(environment)

    return found


def test_a_fund_that_is_set_up_may_run(problems_with: Callable[..., list[str]]) -> None:
    assert problems_with() == []


def test_attack_production_with_nothing_set_is_refused_for_all_reasons_at_once(
    problems_with: Callable[..., list[str]], fund: dict[str, str]
) -> None:
    found = problems_with(**{name: None for name in fund if name not in ("CERTIFY_ENV", "CERTIFY_DATA_DIR")})
    named = {word for sentence in found for word in sentence.split() if word.startswith("CERTIFY_")}
    assert named == set(fund) - {"CERTIFY_ENV", "CERTIFY_DATA_DIR"}
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in found)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CERTIFY_ENV", "development", "CERTIFY_ENV is not 'production'"),
        ("CERTIFY_ISSUER_NAME", "certify development", "would not name your fund"),
        ("CERTIFY_ISSUER_NAME", " ", "would not name your fund"),
        ("CERTIFY_HELP_PHONE", "", "could not call anyone"),
        ("CERTIFY_HELP_PHONE", "call us", "must be a telephone number"),
        ("CERTIFY_LEDGER_ORIGIN", "certify.example/ledger", "CERTIFY_LEDGER_ORIGIN is not set"),
        ("CERTIFY_PUBLIC_URL", "http://life.fund.example", "https://"),
        ("CERTIFY_PUBLIC_URL", "https://127.0.0.1", "https://"),
        ("CERTIFY_PUBLIC_URL", "https://localhost:8443", "https://"),
        ("CERTIFY_PUBLIC_URL", "life", "cannot be used"),
        ("CERTIFY_TIME_ZONE", "Mars/Olympus", "cannot be used"),
        ("CERTIFY_TIME_ZONE", "Europe/Warsaw", "has the time zone Asia/Shanghai"),
        ("CERTIFY_ISSUERS_FILE", "/none/issuers.json", "no such file"),
        ("CERTIFY_POLICIES_DIR", "/none", "The policies in /none cannot be used"),
        ("CERTIFY_MASTER_KEY_FILE", "/none/master.key", "'certify keys init'"),
        ("CERTIFY_RATE_LIMIT", "none", "CERTIFY_RATE_LIMIT is 'none'"),
        ("CERTIFY_RATE_LIMIT", "NONE", "CERTIFY_RATE_LIMIT is 'none'"),
        ("CERTIFY_RATE_LIMIT", "1000000/second", "that is no limit"),
        ("CERTIFY_TRUSTED_PROXIES", "10.0.0.1, *", "every caller could claim"),
        ("CERTIFY_SENDERS_FILE", "/none/senders.toml", "/none/senders.toml"),
        ("CERTIFY_FEEDS_DIR", "/none", "The folder /none"),
        ("CERTIFY_MASTER_KEYFILE", "x", "Did you mean CERTIFY_MASTER_KEY_FILE?"),
        ("CERTIFY_TRUSTED_PROXY", "10.0.0.1", "Did you mean CERTIFY_TRUSTED_PROXIES?"),
        ("CERTFY_PORT", "80", "Did you mean CERTIFY_PORT?"),
        ("CERTIFFY_RATE_LIMIT", "1/second", "Did you mean CERTIFY_RATE_LIMIT?"),
        ("certify_porrt", "80", "Did you mean CERTIFY_PORT?"),
    ],
)
def test_attack_one_setting_that_suits_a_trial_is_refused(
    problems_with: Callable[..., list[str]], name: str, value: str, reason: str
) -> None:
    found = problems_with(**{name: value})
    assert any(reason in sentence for sentence in found), found
    assert all(sentence.endswith((".", "?")) for sentence in found)


def test_other_variables_are_no_slips(problems_with: Callable[..., list[str]]) -> None:
    assert problems_with(CERTIFICATE_FILE="x", HOST="x", PORT="80", CERT_PORT="1", WORKERS="9", LOG_LEVEL="x") == []


def test_values_that_are_not_valid_hide_no_other_problem(problems_with: Callable[..., list[str]]) -> None:
    found = problems_with(
        CERTIFY_PORT="http", CERTIFY_WORKERS="-1", CERTIFY_RATE_LIMIT="none", CERTIFY_PUBLIC_URL="life"
    )
    assert len(found) == 4
    assert len(problems_with(CERTIFY_GUIDE_SOCKETS="/run/guide")) == 1, "a list that cannot be read at all"


@pytest.mark.parametrize("content", ["[]", "{}", "no JSON"])
def test_attack_issuers_that_trust_no_one_are_refused(
    problems_with: Callable[..., list[str]], tmp_path: Path, content: str
) -> None:
    (tmp_path / "issuers.json").write_text(content)
    (sentence,) = problems_with()
    assert "issuers.json cannot be used" in sentence


def test_attack_a_master_key_beside_the_data_or_open_to_others_is_refused(
    problems_with: Callable[..., list[str]], tmp_path: Path
) -> None:
    inside = tmp_path / "data" / "keys" / "master.key"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(bytes(32))
    inside.chmod(0o644)
    beside, shared = problems_with(
        CERTIFY_MASTER_KEY_FILE=str(tmp_path / "keys" / ".." / "data" / "keys" / "master.key")
    )
    assert "lies in the data folder" in beside
    assert "chmod 600" in shared
    (tmp_path / "keys" / "link").symlink_to(inside)
    assert "lies in the data folder" in problems_with(CERTIFY_MASTER_KEY_FILE=str(tmp_path / "keys" / "link"))[0]


def test_a_damaged_master_key_and_an_empty_folder_of_policies(
    problems_with: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "keys" / "master.key").write_bytes(b"short")
    (tmp_path / "empty").mkdir()
    policies, key = problems_with(CERTIFY_POLICIES_DIR=str(tmp_path / "empty"))
    assert "holds no policy" in policies
    assert "is damaged" in key
    (tmp_path / "empty" / "broken.toml").write_text("scheme =")
    assert "broken.toml" in problems_with(CERTIFY_POLICIES_DIR=str(tmp_path / "empty"))[0]


def test_attack_the_application_started_another_way_refuses_too(
    problems_with: Callable[..., list[str]], tmp_path: Path
) -> None:
    problems_with(CERTIFY_RATE_LIMIT="none")
    with pytest.raises(Unavailable, match="CERTIFY_RATE_LIMIT is 'none'"), TestClient(create_app()):
        pass
    assert not (tmp_path / "data").exists()


@pytest.mark.integration
def test_attack_production_makes_no_master_key_by_itself(
    fund: dict[str, str], tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTIFY_DATABASE_URL", database_url)
    key = tmp_path / "keys" / "master.key"
    key.unlink()
    with pytest.raises(Unavailable) as refused:
        build_service(Settings())
    assert refused.value.code == "master_key_missing"
    assert not key.exists()


@pytest.mark.enable_socket
def test_what_is_often_forgotten_is_noted(fund: dict[str, str], tmp_path: Path) -> None:
    fetched = {"issuer": "http://127.0.0.1:9", "roles": ["officer"], "discovery": "http://127.0.0.1:9"}
    (tmp_path / "issuers.json").write_text(json.dumps([fetched]))
    notes = production_notes(Settings())
    words = ("CERTIFY_DATABASE_URL", "CERTIFY_TRUSTED_PROXIES", "CERTIFY_SENDERS_FILE", "gives no keys at the moment")
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_the_name_of_the_mode_counts_in_any_letters() -> None:
    assert means_production({"certify_env": "production"})
    assert not means_production({"CERTIFY_ENV": "development"})

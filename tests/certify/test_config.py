"""Settings from the environment: what is not valid is named, and no value is shown."""

from __future__ import annotations

import os

import pytest
from pydantic import SecretStr, ValidationError

from certify.config import Settings, read_settings
from certify.errors import Unavailable

SECRET = "open-sesame"
BROKEN = {
    "CERTIFY_ENV": "testing",
    "CERTIFY_PORT": "http",
    "CERTIFY_WORKERS": "-1",
    "CERTIFY_GUIDE_SOCKETS": "/run/guide",
    "CERTIFY_AUDIT_SHARE": "nan",
    "CERTIFY_LOG_LEVEL": "loud",
    "CERTIFY_RATE_LIMIT": "often",
    "CERTIFY_PUBLIC_URL": "fund.example/life",
    "CERTIFY_TRUSTED_PROXIES": "the proxy",
    "CERTIFY_NATIONAL_ID_FORMAT": "xx.unknown",
    "CERTIFY_DATABASE_URL": f"postgres://certify:{SECRET}@db/pensions",
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CERTIFY_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", BROKEN)
def test_a_setting_that_is_not_valid_is_named_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, BROKEN[name])
    with pytest.raises(Unavailable) as refused:
        read_settings()
    assert refused.value.code == "settings_invalid"
    assert refused.value.message.startswith(f"{name} cannot be used: ")
    assert "\n" not in refused.value.message
    assert BROKEN[name] not in refused.value.message
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        f"postgres://certify:{SECRET}@db/pensions",
        f"mysql://certify:{SECRET}@db/pensions",
        f"postgresql+psycopg://certify:{SECRET}@db:port/pensions",
        f"postgresql+psycopg://certify:{SECRET}@db:65536/pensions",
        f"postgresql+psycopg:certify:{SECRET}@db",
        "",
    ],
)
def test_an_address_that_is_none_shows_no_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CERTIFY_DATABASE_URL", url)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value)
    with pytest.raises(Unavailable) as told:
        read_settings()
    assert SECRET not in told.value.message


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql+psycopg://certify:pass/word@db:5432/pensions", "the database db:5432/pensions"),
        ("postgresql://certify@db/pensions?sslmode=require", "the database db/pensions"),
        ("postgresql+psycopg://postgres@/certify?host=%2Ftmp%2Fx", "the database certify on this machine"),
        ("postgresql+psycopg://u:p@[::1]:5432/x", "the database [::1]:5432/x"),
        ("postgresql+psycopg://", "the database on this machine"),
    ],
)
def test_a_database_is_named_without_user_and_password(url: str, name: str) -> None:
    assert Settings(database_url=SecretStr(url)).database_name == name


def test_without_an_address_the_database_is_the_embedded_one() -> None:
    assert Settings().database_name == "the embedded PostgreSQL in var"


def test_a_name_that_no_setting_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(Unavailable) as refused:
        read_settings({"CERTIFY_MASTER_KEYFILE": "x"})
    assert refused.value.code == "setting_unknown"
    assert "CERTIFY_MASTER_KEY_FILE" in refused.value.hint
    with pytest.raises(Unavailable):
        read_settings({"CERTIFY_SOMETHING_QUITE_DIFFERENT": "x"})
    assert read_settings({"CERTIFY_MODEL_CACHE": "x", "certify_port": "80", "OTHER": "x"}) == Settings()


def test_several_mistakes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTIFY_PORT", "0")
    monkeypatch.setenv("CERTIFY_WORKERS", "1000")
    with pytest.raises(Unavailable, match="1 more setting"):
        read_settings()


@pytest.mark.parametrize("rule", ["none", "300/minute", "10 per 2 hours", "1/second", "5 per day"])
def test_rates_that_the_limiter_reads_are_accepted(rule: str) -> None:
    from api.limits import RateLimiter  # noqa: PLC0415 - only to compare with

    assert Settings(rate_limit=rule).rate_limit == rule
    RateLimiter(rule)


def test_a_level_may_be_written_small() -> None:
    assert Settings(log_level="debug").log_level == "DEBUG"

"""Read settings from environment variables with the prefix ``CERTIFY_``.

The edges (command line, HTTP server, worker) read them once and pass them on.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable

_PREFIX = "CERTIFY_"
_LAST_PORT = 65535
_SLIP = 0.9  # similarity from 0 to 1 (difflib): one or two letters of a name are wrong
_READ_ELSEWHERE = frozenset({"CERTIFY_MODEL_CACHE", "CERTIFY_MODEL_PACKS"})
"""Settings that the face side reads itself (models/weights/packs.py)."""

# The form that SQLAlchemy reads (sqlalchemy.engine.url), for the one driver that is installed.
_DATABASE_URL = re.compile(
    r"postgresql(\+psycopg)?://(?:[^:/]*(?::[^@]*)?@)?"
    r"(?P<host>\[[^/?]+\]|[^/:?]+)?(?::(?P<port>\d{1,5}))?(?:/(?P<database>[^?]*))?(?:\?.*)?"
)
# The form that the package "limits" reads, for one rule.
_RATE_LIMIT = re.compile(r"none|[1-9]\d*\s*(/|per)\s*(\d+\s*)?(second|minute|hour|day|month|year)s?", re.IGNORECASE)


_CALLABLE = re.compile(r"\+?[0-9][0-9 ()./-]{1,38}")
"""A telephone number as it is printed: digits of at least two places, and what groups them."""


class Env(StrEnum):
    """Where the service runs. Production refuses everything that is meant for development."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything that an operator can set. docs/operations.md lists each field, and a test keeps both equal."""

    # An error must not repeat a value: it may be a password.
    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    env: Env = Field(default=Env.DEVELOPMENT, description="'production' refuses everything meant for development")
    data_dir: Path = Field(default=Path("var"), description="Folder of the embedded database and the key file")
    database_url: SecretStr | None = Field(
        default=None, description="postgresql+psycopg://… ; without it a private PostgreSQL starts in the data folder"
    )
    owner_database_url: SecretStr | None = Field(
        default=None, description="The same database as its owner, for 'certify db upgrade' and 'certify ledger seal'"
    )
    master_key_file: Path | None = Field(default=None, description="Default: master.key in the data folder")
    policies_dir: Path | None = Field(default=None, description="Folder of policy files; default: the shipped ones")
    sources_file: Path | None = Field(
        default=None, description="TOML file of the sources of records: institutions, who speaks, what they may report"
    )
    issuers_file: Path | None = Field(default=None, description="JSON list of trusted token issuers with their keys")
    issuer_name: str = Field(default="certify development", description="Name of the fund on certificates")
    help_phone: str = Field(
        default="",
        max_length=40,
        description="Telephone number that people call: on every page, error, letter and e-mail",
    )
    phone_region: str | None = Field(
        default=None, description="Country whose local telephone numbers people may write, such as CN; without it none"
    )
    ledger_origin: str = Field(default="certify.example/ledger", description="Origin line of ledger checkpoints")
    national_id_format: str = Field(
        default="any", description="'any', or a python-stdnum module such as 'cn.ric' whose check digits are verified"
    )
    host: str = Field(default="127.0.0.1", description="Address of the HTTP server")
    port: int = Field(default=8080, ge=1, le=_LAST_PORT, description="Port of the HTTP server")
    workers: int = Field(default=1, ge=0, le=64, description="Worker processes that 'certify serve' starts")
    guides: int = Field(default=1, ge=0, le=64, description="Processes for live guidance that 'certify serve' starts")
    guide_sockets: tuple[str, ...] = Field(
        default=(), description="JSON list of sockets of guide processes; 'certify serve' sets it for its own guides"
    )
    live_captures: int = Field(default=20, ge=0, le=1000, description="Live captures at once in one HTTP process")
    inference_threads: int = Field(default=1, ge=1, le=64, description="Threads of one face model run")
    max_upload_bytes: int = Field(default=20_000_000, ge=10_000, le=20_000_000, description="Largest accepted upload")
    session_minutes: int = Field(default=15, ge=1, le=1440, description="How long a capture session stays open")
    media_retention_days: int = Field(default=30, ge=0, le=3650, description="Days until session media are deleted")
    access_journal_days: int = Field(
        default=1095, ge=30, le=36500, description="Days until entries of the access journal are deleted"
    )
    audit_share: float = Field(
        default=0.005, ge=0, le=1, description="Share of silent passes drawn at random, to be checked by phone or visit"
    )
    audit_share_no_possession: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of certificates by film without the person's known phone, code or link, to be checked alike",
    )
    audit_share_attestations: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of certifications by attestation of each institution, to be checked alike",
    )
    feeds_dir: Path | None = Field(
        default=None, description="Folder of feed descriptions with their inboxes, which are read every night"
    )
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Address under which people reach the service, for links in messages",
    )
    senders_file: Path | None = Field(
        default=None, description="TOML file of the ways to send messages; without it none are sent"
    )
    time_zone: str | None = Field(
        default=None, description="Time zone of the fund, such as Europe/Warsaw, which every policy must have too"
    )
    trusted_proxies: str | None = Field(
        default=None, description="Addresses of proxies whose X-Forwarded-For is believed, comma-separated"
    )
    rate_limit: str = Field(default="300/minute", description="Requests per caller; 'none' switches it off")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("database_url", "owner_database_url")
    @classmethod
    def _readable(cls, url: SecretStr | None) -> SecretStr | None:
        found = None if url is None else _DATABASE_URL.fullmatch(url.get_secret_value())
        if url is not None and (found is None or int(found["port"] or 0) > _LAST_PORT):
            raise ValueError("it must look like postgresql+psycopg://user:password@host:5432/database")
        return url

    @field_validator("help_phone")
    @classmethod
    def _callable(cls, number: str) -> str:
        if number and not _CALLABLE.fullmatch(number):
            raise ValueError(
                "it must be a telephone number as people dial it, such as 0800 123 456 or +48 22 123 45 67"
            )
        return number

    @field_validator("phone_region")
    @classmethod
    def _country(cls, region: str | None) -> str | None:
        if region and region not in SUPPORTED_REGIONS:
            raise ValueError("it must be a country of two letters (ISO 3166), such as CN")
        return region or None

    @field_validator("national_id_format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        if name == "any" or (re.fullmatch(r"[a-z]{2}\.[a-z_]+", name) and _is_module(f"stdnum.{name}")):
            return name
        raise ValueError("it must be 'any', or a python-stdnum module such as 'cn.ric'")

    @field_validator("public_url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or any(letter.isspace() for letter in url):
            raise ValueError("it must be an address such as https://life.fund.example")
        return url

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError("it must be the name of a time zone such as Europe/Warsaw")
        return name

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str | None) -> str | None:
        for entry in (text or "").split(","):
            if entry.strip() not in ("", "*"):
                try:
                    ip_network(entry.strip(), strict=False)
                except ValueError:
                    raise ValueError("it must list addresses or networks such as 10.0.0.7,10.1.0.0/16") from None
        return text

    @field_validator("rate_limit")
    @classmethod
    def _rule(cls, text: str) -> str:
        if _RATE_LIMIT.fullmatch(text.strip()) is None:
            raise ValueError("it must look like 300/minute, or be 'none'")
        return text

    @field_validator("log_level")
    @classmethod
    def _level(cls, name: str) -> str:
        if name.upper() not in logging.getLevelNamesMapping():
            raise ValueError("it must be DEBUG, INFO, WARNING or ERROR")
        return name.upper()

    @property
    def key_file(self) -> Path:
        """Path of the master key file."""
        return self.master_key_file or self.data_dir / "master.key"

    @property
    def database_name(self) -> str:
        """Where the database is, for messages to people: host, port and name, without user and password."""
        if self.database_url is None:
            return f"the embedded PostgreSQL in {self.data_dir}"
        found = _DATABASE_URL.fullmatch(self.database_url.get_secret_value())
        host, port, database = found.group("host", "port", "database") if found else ("", "", "")
        if not host:
            return f"the database {database} on this machine" if database else "the database on this machine"
        return f"the database {host}{f':{port}' if port else ''}{f'/{database}' if database else ''}"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment of this process.

    Args:
        environment: the same variables, looked through for names that no setting has.

    Returns:
        The settings, all valid.

    Raises:
        Unavailable: a setting is not valid (``settings_invalid``) or does not exist (``setting_unknown``). The message
            names the variable and never shows its value.
    """
    for name, near in unknown_settings(environment):
        raise Unavailable(
            f"There is no setting {name}.",
            hint=f"Did you mean {near}?" if near else "docs/operations.md lists every setting; remove this one.",
            code=ErrorCode.SETTING_UNKNOWN,
        )
    try:
        return Settings()
    except (ValidationError, SettingsError) as error:
        raise Unavailable(
            f"{_what_is_wrong(error)}.",
            hint="Correct it in the environment; docs/operations.md lists every setting.",
            code=ErrorCode.SETTINGS_INVALID,
        ) from None  # the error's own text may repeat the value


def unknown_settings(environment: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Find variables that begin as settings do and are none.

    Args:
        environment: the variables.

    Returns:
        Name of each, and the setting that was probably meant; None when none is near.
    """
    known = _known_names()
    found: list[tuple[str, str | None]] = []
    for name in environment:
        if name.upper().startswith(_PREFIX) and name.upper() not in known:
            near = get_close_matches(name.upper(), known, n=1)
            found.append((name, near[0] if near else None))
    return found


def mistyped_prefixes(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Find variables that are a setting but for a slip in their first word, such as ``CERTFY_PORT``.

    Args:
        environment: the variables.

    Returns:
        Name of each, and the setting that was probably meant.
    """
    known = _known_names()
    others = [name for name in environment if not name.upper().startswith(_PREFIX)]
    near = [(name, get_close_matches(name.upper(), known, n=1, cutoff=_SLIP)) for name in others]
    return [(name, found[0]) for name, found in near if found]


def valid_settings() -> tuple[Settings | None, dict[str, str]]:
    """Read the settings from the environment, and go on where one is not valid, to find what else is wrong.

    Returns:
        The settings, with the default in place of each value that is not valid, and why by name of the field. No
        settings when a list cannot be read.
    """
    try:
        return Settings(), {}
    except SettingsError as error:
        return None, {"": f"{_what_is_wrong(error)}."}
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        reasons = {str(one["loc"][0]): f"{_sentence(one)}." for one in wrong}
        return Settings(**{name: Settings.model_fields[name].default for name in reasons}), reasons


def _known_names() -> set[str]:
    return {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _READ_ELSEWHERE


def _what_is_wrong(error: ValidationError | SettingsError) -> str:
    if isinstance(error, SettingsError):  # a list that is not JSON
        found = re.search(r'field "(\w+)"', str(error))
        name = f"{_PREFIX}{found[1].upper()}" if found else "A setting"
        return f"{name} cannot be used: it must be a JSON list"
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    more = f" ({len(wrong) - 1} more settings are wrong)" if len(wrong) > 1 else ""
    return _sentence(wrong[0]) + more


def _sentence(problem: Mapping[str, Any]) -> str:
    words = str(problem["msg"]).removeprefix("Value error, ").removesuffix(".")
    return f"{_PREFIX}{str(problem['loc'][0]).upper()} cannot be used: {words[:1].lower()}{words[1:]}"


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False

"""Read settings from environment variables with the prefix ``CERTIFY_``.

The edges (command line, HTTP server, worker) read them once and pass them on.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Env(StrEnum):
    """Where the service runs. Production refuses everything that is meant for development."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything that an operator can set. docs/operations.md lists each field, and a test keeps both equal."""

    model_config = SettingsConfigDict(env_prefix="CERTIFY_", extra="ignore", frozen=True)

    env: Env = Field(default=Env.DEVELOPMENT, description="'production' refuses everything meant for development")
    data_dir: Path = Field(default=Path("var"), description="Folder of the embedded database and the key file")
    database_url: SecretStr | None = Field(
        default=None, description="postgresql+psycopg://… ; without it a private PostgreSQL starts in the data folder"
    )
    master_key_file: Path | None = Field(default=None, description="Default: master.key in the data folder")
    policies_dir: Path | None = Field(default=None, description="Folder of policy files; default: those shipped")
    issuers_file: Path | None = Field(default=None, description="JSON list of trusted token issuers with their keys")
    issuer_name: str = Field(default="certify development", description="Name of the fund on certificates")
    ledger_origin: str = Field(default="certify.example/ledger", description="Origin line of ledger checkpoints")
    national_id_format: str = Field(
        default="any", description="'any', or a python-stdnum module such as 'cn.ric' whose check digits are verified"
    )
    host: str = Field(default="127.0.0.1", description="Address of the HTTP server")
    port: int = Field(default=8080, ge=1, le=65535, description="Port of the HTTP server")
    workers: int = Field(default=1, ge=0, le=64, description="Worker processes that 'certify serve' starts")
    guides: int = Field(default=1, ge=0, le=64, description="Processes for live guidance that 'certify serve' starts")
    guide_sockets: tuple[str, ...] = Field(
        default=(), description="JSON list of sockets of guide processes started otherwise; 'certify serve' sets it"
    )
    live_captures: int = Field(default=20, ge=0, le=1000, description="Live captures at once in one HTTP process")
    inference_threads: int = Field(default=1, ge=1, le=64, description="Threads of one face model run")
    max_upload_bytes: int = Field(default=20_000_000, ge=10_000, le=20_000_000, description="Largest accepted upload")
    session_minutes: int = Field(default=15, ge=1, le=1440, description="How long a capture session stays open")
    media_retention_days: int = Field(default=30, ge=0, le=3650, description="Days after which session media go")
    audit_share: float = Field(
        default=0.005, ge=0, le=1, description="Share of silent passes drawn by lot, to be checked by phone or visit"
    )
    feeds_dir: Path | None = Field(
        default=None, description="Folder of feed descriptions with their inboxes, looked at every night"
    )
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Address under which people reach the service, for links in messages",
    )
    senders_file: Path | None = Field(
        default=None, description="TOML file of the ways to send messages; without it none are sent"
    )
    trusted_proxies: str | None = Field(
        default=None, description="Addresses of proxies whose X-Forwarded-For is believed, comma-separated"
    )
    rate_limit: str = Field(default="300/minute", description="Requests per caller; 'none' switches it off")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @property
    def key_file(self) -> Path:
        """Path of the master key file."""
        return self.master_key_file or self.data_dir / "master.key"

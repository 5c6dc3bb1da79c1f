"""Read the senders file, a TOML file that lists the fund's senders. It is read when a process starts."""

from __future__ import annotations

import tomllib
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from certify.config import Env, Settings
from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.senders import LANGUAGE, NO_SENDERS, TIMEZONE, Channel, Senders, Way
from certify.senders.apprise_ import AppriseTable
from certify.senders.folder import FolderTable
from certify.senders.letter import LetterTable
from certify.senders.sms_http import HttpTable
from certify.senders.smtp import SmtpTable
from certify.senders.table import SenderTable, Setup, is_safe
from certify.texts import LANGUAGES

_Sms = Annotated[HttpTable | AppriseTable | FolderTable, Field(discriminator="kind")]
_Email = Annotated[SmtpTable | AppriseTable | FolderTable, Field(discriminator="kind")]
_Letter = Annotated[LetterTable | FolderTable, Field(discriminator="kind")]
_Apprise = Annotated[AppriseTable | FolderTable, Field(discriminator="kind")]


class SendersFile(BaseModel):
    """The content of the senders file; docs/reminders.md explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = LANGUAGE
    timezone: str = TIMEZONE
    contact: str | None = Field(default=None, max_length=200)
    spare_letters: bool = False
    sms: _Sms | None = None
    email: _Email | None = None
    letter: _Letter | None = None
    apprise: _Apprise | None = None

    @field_validator("language")
    @classmethod
    def _spoken(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"must be one of {', '.join(LANGUAGES)}")
        return language

    @field_validator("timezone")
    @classmethod
    def _exists(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("there is no such time zone") from error
        return timezone

    @property
    def tables(self) -> dict[Channel, SenderTable]:
        """The tables that the file has, by channel."""
        tables: dict[Channel, SenderTable | None] = {
            "sms": self.sms,
            "email": self.email,
            "letter": self.letter,
            "apprise": self.apprise,
        }
        return {channel: table for channel, table in tables.items() if table is not None}


def load_senders(settings: Settings) -> Senders:
    """Read the senders file that the settings name. If they name none, no messages are sent.

    Raises:
        Unavailable: the file cannot be used (``senders_unusable``).
    """
    path = settings.senders_file
    if path is None:
        return NO_SENDERS
    try:
        file = SendersFile.model_validate(tomllib.loads(path.read_text("utf-8")))
        if settings.env is Env.PRODUCTION:
            _check_production(file, settings)
        contact = file.contact or settings.help_phone or None
        setup = Setup(path.parent, settings.data_dir, settings.issuer_name, settings.public_url, contact)
        ways = {
            channel: Way(table.build(setup), table.needs(channel), table.parallel)
            for channel, table in file.tables.items()
        }
    except (OSError, ValueError) as error:  # errors of TOML and of pydantic are ValueErrors
        raise Unavailable(
            f"The senders file {path} cannot be used: {_describe(error)}.",
            hint="docs/reminders.md explains its content.",
            code=ErrorCode.SENDERS_UNUSABLE,
        ) from None  # the message of pydantic would repeat secrets
    return Senders(
        language=file.language,
        timezone=file.timezone,
        contact=contact,
        spare_letters=file.spare_letters,
        ways=ways,
    )


def _check_production(file: SendersFile, settings: Settings) -> None:
    if not is_safe(settings.public_url):
        raise ValueError("CERTIFY_PUBLIC_URL must begin with https://, because messages contain it")
    for channel, table in file.tables.items():
        reason = table.production_problem()
        if reason is not None:
            raise ValueError(f"[{channel}] {reason}")


def _describe(error: Exception) -> str:
    """Return what is wrong, without the values of the file."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where or 'file'}: {first['msg'].removeprefix('Value error, ')}"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or 'cannot be read'}"
    return str(error)

"""Define what all tables of the senders file share, and how a sender is built from its table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from certify.senders import Channel, Sender


@dataclass(frozen=True, slots=True)
class Setup:
    """What a sender needs besides its own table.

    Attributes:
        folder: folder of the senders file; files of secrets are found relative to it.
        data_dir: data folder of the service; letters are written below it.
        fund: name of the fund, as people know it.
        address: address under which people reach the service.
        contact: where people can ask, or None.
    """

    folder: Path
    data_dir: Path
    fund: str
    address: str
    contact: str | None


class SenderTable(BaseModel, ABC):
    """A table of the senders file.

    Attributes:
        parallel: how many messages may be sent at the same time.
        timeout: limit of each single wait, in seconds.
        secret: the secret itself; not together with ``secret_file``.
        secret_file: path of a file that holds the secret, relative to the senders file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    parallel: int = Field(default=1, ge=1, le=32)
    timeout: float = Field(default=10.0, gt=0, le=120)
    secret: SecretStr | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> SenderTable:
        if self.secret and self.secret_file:
            raise ValueError("give 'secret' or 'secret_file', not both")
        return self

    @abstractmethod
    def build(self, setup: Setup) -> Sender:
        """Build the sender.

        Raises:
            OSError: a file that it needs cannot be read.
        """

    def needs(self, channel: Channel) -> frozenset[str]:
        """Return the contact details that are needed of a person: ``phone``, ``email``, both or neither."""
        return frozenset({"sms": {"phone"}, "email": {"email"}}.get(channel, set()))

    def production_problem(self) -> str | None:
        """Return why this must not be used in production, or None."""
        return None

    def read_secret(self, setup: Setup) -> str:
        """Return the secret, or an empty text if the table has none.

        Raises:
            OSError: the file of the secret cannot be read.
        """
        if self.secret_file is not None:
            return (setup.folder / self.secret_file).read_text("utf-8").strip()
        return self.secret.get_secret_value() if self.secret is not None else ""


def is_loopback(host: str | None) -> bool:
    """Return whether a host is this machine."""
    return host in ("127.0.0.1", "localhost", "::1")


def is_safe(url: str) -> bool:
    """Return whether the connection to a URL is encrypted or stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname)


def fill_placeholders(template: Any, values: Mapping[str, str]) -> Any:
    """Return a value of the senders file with its placeholders filled, also inside lists and tables.

    The text is filled in one pass, so that braces in a message are never taken for a placeholder.

    Args:
        template: a text with placeholders such as ``{phone}``, or a list or table of such texts.
        values: values by the names of placeholders; unknown placeholders stay as they are.
    """
    if isinstance(template, str):
        pieces = template.split("{")
        out = [pieces[0]]
        for piece in pieces[1:]:
            name, brace, rest = piece.partition("}")
            out.append(values[name] + rest if brace and name in values else "{" + piece)
        return "".join(out)
    if isinstance(template, Mapping):
        return {key: fill_placeholders(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill_placeholders(value, values) for value in template]
    return template

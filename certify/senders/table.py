"""What all ways out share in the senders file, and what each is made from."""

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
    """What a sender is made with besides its own table.

    Attributes:
        folder: of the senders file; secrets lie beside it.
        data_dir: of the service; letters are written below it.
        fund: its name, as people know it.
        address: under which people reach the service.
        contact: where questions go.
    """

    folder: Path
    data_dir: Path
    fund: str
    address: str
    contact: str | None


class SenderTable(BaseModel, ABC):
    """A table of the senders file. A secret is given as such, or as the path of a file that holds it.

    ``timeout`` is in seconds, of every single wait; ``parallel`` is how many messages go out side by side.
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
        """Make the sender. Raises OSError when a file that it needs cannot be read."""

    def needs(self, channel: Channel) -> frozenset[str]:
        """Return what must be known of a person to reach them so: ``phone``, ``email``, both or neither."""
        return frozenset({"sms": {"phone"}, "email": {"email"}}.get(channel, set()))

    def unfit(self) -> str | None:
        """Return why this must not be used in production, or None."""
        return None

    def the_secret(self, setup: Setup) -> str:
        """Return the secret, or nothing when none is given. Raises OSError."""
        if self.secret_file is not None:
            return (setup.folder / self.secret_file).read_text("utf-8").strip()
        return self.secret.get_secret_value() if self.secret is not None else ""


def is_loopback(host: str | None) -> bool:
    """Tell whether a host is this machine."""
    return host in ("127.0.0.1", "localhost", "::1")


def is_safe(url: str) -> bool:
    """Tell whether what goes to a URL cannot be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname)


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """Return a value of the senders file, lists and tables too, with ``{name}`` replaced in all its texts.

    In one pass: what a message says is never taken for a placeholder.
    """
    if isinstance(template, str):
        pieces = template.split("{")
        out = [pieces[0]]
        for piece in pieces[1:]:
            name, brace, rest = piece.partition("}")
            out.append(values[name] + rest if brace and name in values else "{" + piece)
        return "".join(out)
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, values) for value in template]
    return template

"""The ways out: each takes a message to the world, and says in a code what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal, Protocol
from uuid import UUID

Channel = Literal["sms", "email", "letter", "apprise"]

LANGUAGE, TIMEZONE = "en", "Asia/Shanghai"
"""Of people who have said nothing, where the fund has said nothing; the time zone is that of the shipped policies."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way.

    Attributes:
        id: the same at every attempt, so that the other side can tell a repeat.
        beneficiary_id: for the names of files alone; it goes to nobody.
        day: on which it was written, for letters.
        name: of the person, for letters.
        text: what is sent; of a letter what stands between greeting and QR code.
        link: the address with the one-time secret, if the message has one; in texts it stands already.
    """

    id: UUID
    beneficiary_id: UUID
    channel: Channel
    day: date
    phone: str | None
    email: str | None
    name: str
    language: str
    subject: str
    text: str
    link: str | None


class SendFailed(Exception):
    """A message did not go out. ``code`` names nobody; ``final``: trying again would not help."""

    def __init__(self, code: str, *, final: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


class Sender(Protocol):
    """One way to send."""

    def connected(self) -> AbstractContextManager[Callable[[Outgoing], None]]:
        """Give what sends messages one after the other, over one connection where that helps.

        It raises SendFailed, and afterwards still takes the next message.
        """
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """A sender with what it must know of a person (``phone``, ``email``), and how many send side by side."""

    sender: Sender
    needs: frozenset[str] = frozenset()
    parallel: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """All ways out that the fund has, and what it says of people who have not said it themselves.

    Attributes:
        contact: where questions go, for e-mails and letters, such as a telephone number.
        spare_letters: letters go only to those whom nothing else reaches.
    """

    language: str = LANGUAGE
    timezone: str = TIMEZONE
    contact: str | None = None
    spare_letters: bool = False
    ways: Mapping[Channel, Way] = field(default_factory=lambda: MappingProxyType({}))

    def channels(self, phone: str | None, email: str | None, *, urgent: bool) -> tuple[Channel, ...]:
        """Return the channels on which somebody can be reached; of an urgent message the one best channel."""
        known = {name for name, value in (("phone", phone), ("email", email)) if value}
        usable: list[Channel] = [channel for channel, way in self.ways.items() if way.needs <= known]
        if urgent:
            order: tuple[Channel, ...] = ("sms", "email", "apprise")
            return tuple(channel for channel in order if channel in usable)[:1]
        if self.spare_letters and len(usable) > 1 and "letter" in usable:
            usable.remove("letter")
        return tuple(usable)


NO_SENDERS = Senders()

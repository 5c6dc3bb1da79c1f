"""Send messages to people through gateways, mail servers, printed letters or messengers.

``load_senders`` (``config``) builds ``Senders`` from the senders file; ``certify.messages`` asks them for channels and
hands them each ``Outgoing`` message. A sender that fails raises ``SendFailed`` with a code. ``letter_pdf`` prints a
letter. Each other module is one kind of sender, and its table in the senders file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

Channel = Literal["sms", "email", "letter", "apprise"]

LANGUAGE, TIMEZONE = "en", "Asia/Shanghai"
"""Language and time zone if neither the person nor the fund has chosen one. The shipped policies use the same zone."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that a sender sends.

    Attributes:
        id: the same at every attempt, so that the receiving system can detect a repeat.
        beneficiary_id: used only in names of files; it is never sent.
        channel: the channel on which it is sent.
        day: day on which it was written, for letters.
        phone: telephone number of the person, if the channel may use it.
        email: e-mail address of the person, if the channel may use it.
        name: name of the person, for letters.
        language: language of the text, one of ``certify.texts.LANGUAGES``.
        subject: subject of an e-mail or letter.
        text: the text to send; for a letter, the part between greeting and QR code.
        link: the address with the one-time secret, if the message has one. The text of an SMS or e-mail contains it.
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
    """A message was not sent.

    Args:
        code: what went wrong, without personal data.
        final: True if another attempt would fail as well.
    """

    def __init__(self, code: str, *, final: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


class Sender(Protocol):
    """Sends messages on one channel."""

    def connected(self) -> AbstractContextManager[Callable[[Outgoing], None]]:
        """Return a context with a function that sends one message, over one connection where that helps.

        If a message is not sent, the function raises SendFailed; it can still be called with the next message.
        """
        ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A sender whose messages stay as files until another service takes them."""

    def forget(self, ids: Collection[str]) -> None:
        """Delete the files of messages whose own id, or the id of whose person, is one of these."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """A sender on one channel.

    Attributes:
        sender: the sender.
        needs: contact details that it needs of a person: ``phone``, ``email``, both or neither.
        parallel: how many messages it may send at the same time.
    """

    sender: Sender
    needs: frozenset[str] = frozenset()
    parallel: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """All senders that the fund has configured, and its defaults for people who have not chosen.

    Attributes:
        language: language of messages to people who have not chosen one.
        timezone: time zone of people who have not chosen one, for quiet hours and dates.
        contact: where people can ask, for e-mails and letters, such as a telephone number.
        spare_letters: True to send letters only to people whom no other channel reaches.
        ways: the sender of each channel.
    """

    language: str = LANGUAGE
    timezone: str = TIMEZONE
    contact: str | None = None
    spare_letters: bool = False
    ways: Mapping[Channel, Way] = field(default_factory=lambda: MappingProxyType({}))

    def channels(self, phone: str | None, email: str | None, *, urgent: bool) -> tuple[Channel, ...]:
        """Return the channels on which a person can be reached; for an urgent message only the best one.

        Args:
            phone: telephone number of the person, or None.
            email: e-mail address of the person, or None.
            urgent: True if the person waits for the message, such as a sign-in code.
        """
        known = {name for name, value in (("phone", phone), ("email", email)) if value}
        usable: list[Channel] = [channel for channel, way in self.ways.items() if way.needs <= known]
        if urgent:
            order: tuple[Channel, ...] = ("sms", "email", "apprise")
            return tuple(channel for channel in order if channel in usable)[:1]
        if self.spare_letters and len(usable) > 1 and "letter" in usable:
            usable.remove("letter")
        return tuple(usable)


NO_SENDERS = Senders()

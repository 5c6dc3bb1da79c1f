"""Helpers for tests of messages: people to write to, a sender that keeps its messages, and the stored outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from sqlalchemy import select

from certify.decision.determine import determine
from certify.people.contact import Contact, set_contact
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.senders import Channel, Outgoing, Senders, SendFailed, Way
from certify.service import Service
from certify.storage.tables.messages import MessageRow

PHONE, EMAIL = "+8613800138000", "maria@mail.example"
NAME = "Maria Unmistakable"


@dataclass(slots=True)
class Box:
    """A sender that keeps the messages it gets, and fails when a test wants it."""

    got: list[Outgoing] = field(default_factory=list)
    fail: list[Exception | None] = field(default_factory=list)
    always: Exception | None = None

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        yield self._take

    def _take(self, message: Outgoing) -> None:
        error = self.fail.pop(0) if self.fail else self.always
        if error is not None:
            raise error
        self.got.append(message)


def failed(code: str = "http_500", *, final: bool = False) -> SendFailed:
    return SendFailed(code, final=final)


def with_ways(service: Service, *channels: Channel, box: Box | None = None, spare_letters: bool = False) -> Service:
    """Return the service with these channels, which all send to one box."""
    needs = {"sms": {"phone"}, "email": {"email"}, "apprise": {"phone"}, "letter": set()}
    ways = {channel: Way(box or Box(), frozenset(needs[channel])) for channel in channels}
    return replace(service, senders=Senders(ways=ways, spare_letters=spare_letters))


def enrol(
    service: Service,
    number: str = "REMIND001",
    *,
    contact: Contact | None = None,
    pensions: Sequence[tuple[str, date]] = (("employee", date(2025, 4, 1)),),
    last_proof_on: date | None = None,
) -> UUID:
    """Enrol a person. A pension is first due a year after its start."""
    with service.unit() as unit:
        entitlements = tuple(NewEntitlement(scheme, starts_on, last_proof_on) for scheme, starts_on in pensions)
        person = add_beneficiary(unit, NewBeneficiary(number, NAME, entitlements, birth_date=date(1950, 1, 1)))
        determine(unit, person)
        if contact is not None:
            set_contact(unit, person, contact)
    return person


def messages(service: Service) -> list[MessageRow]:
    with service.reading() as unit:
        return list(unit.db.scalars(select(MessageRow).order_by(MessageRow.created_at, MessageRow.channel)).all())


def reached() -> Contact:
    return Contact(phone=PHONE, email=EMAIL)

"""Into the outbox: what to say to whom, on which channels, and not before when. Commits with its cause."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from certify.domain.schedule import local_date
from certify.people.access import CODE_LIFETIME, new_link
from certify.people.contact import Contact, contacts_of, quiet_until
from certify.queue import SEND
from certify.senders import Channel, Outgoing
from certify.service import Unit
from certify.storage.messages import insert_messages, known_messages, names_of
from certify.texts import Catalogue, catalogue

LINK_LIFETIME = timedelta(days=60)
"""How long the link of a reminder opens: from the first reminder to the second."""
_USEFUL = timedelta(days=14)
"""A reminder that could not be sent for so long is given up; the next one has a newer date."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that somebody shall get; ``put_message`` says what the fields mean."""

    beneficiary_id: UUID
    kind: str
    params: Mapping[str, str]
    dedupe: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What is sealed of a message.

    ``day`` is that of writing, as ISO 8601; ``quiet`` the hours in which it must not go out, as the contact has them.
    """

    day: str
    phone: str | None
    email: str | None
    name: str
    language: str
    subject: str
    text: str
    link: str | None
    quiet: tuple[int, int, str] | None = None

    def seal(self, unit: Unit, message_id: UUID, beneficiary_id: UUID) -> bytes:
        """Encrypt with the person's key, bound to the message."""
        return unit.sealer(beneficiary_id).seal(json.dumps(asdict(self)).encode(), _label(message_id))

    def outgoing(self, message_id: UUID, beneficiary_id: UUID, channel: Channel) -> Outgoing:
        """Return what a sender takes."""
        return Outgoing(
            message_id,
            beneficiary_id,
            channel,
            date.fromisoformat(self.day),
            self.phone,
            self.email,
            self.name,
            self.language,
            self.subject,
            self.text,
            self.link,
        )


def open_body(unit: Unit, message_id: UUID, beneficiary_id: UUID, sealed: bytes) -> Body:
    """Undo ``Body.seal``. Raises Gone, Unavailable."""
    data: dict[str, Any] = json.loads(unit.sealer(beneficiary_id).open(sealed, _label(message_id)))
    quiet = data.pop("quiet")
    return Body(**data, quiet=tuple(quiet) if quiet else None)


def put_message(
    unit: Unit,
    beneficiary_id: UUID,
    kind: str,
    params: Mapping[str, str],
    *,
    dedupe: str,
    urgent: bool = False,
) -> int:
    """Put a message for each channel on which the person is reached, in their language; return how many.

    Args:
        kind: which text, one of ``certify.texts.KINDS``.
        params: what its placeholders stand for; ``date`` as ISO 8601. Name of the fund, one-time link and lifetime of
            codes are put in here; each channel gets a link of its own, which works whatever became of the others.
        dedupe: the occasion, without anything personal; said again, it is the same message.
        urgent: asked for by the person this minute: it goes out at once, whatever they said of reminders and the hour,
            to their telephone, else by e-mail, never by letter.

    Who is not there, or was erased, gets none.
    """
    return put_messages(unit, [Wanted(beneficiary_id, kind, params, dedupe, urgent)])


def put_messages(unit: Unit, wanted: Sequence[Wanted]) -> int:
    """Do what ``put_message`` does for many people, in a few statements; return how many messages."""
    planned = _plan(unit, wanted)
    unit.open_sealers([plan.wanted.beneficiary_id for plan in planned])
    names = names_of(unit.db, {plan.wanted.beneficiary_id for plan in planned})
    rows = []
    for plan in planned:
        name = names.get(plan.wanted.beneficiary_id)
        if name is not None:
            rows.append(_row(unit, plan, name))
    stored = insert_messages(unit.db, rows)
    for row in rows:
        if row["urgent"] and row["id"] in stored:
            unit.put_job(SEND, row["id"])
    return len(stored)


def count_messages_for(unit: Unit, wanted: Sequence[Wanted]) -> int:
    """Return how many messages ``put_messages`` would put; put none."""
    return len(_plan(unit, wanted))


def compose(unit: Unit, wanted: Wanted, channel: Channel, contact: Contact, name: str) -> Body:
    """Write a message with a one-time link of its own, if its text has a place for one."""
    settings, senders = unit.service.settings, unit.service.senders
    words = catalogue(contact.language or senders.language)
    link = None
    params = {
        "fund": settings.issuer_name,
        "minutes": str(round(CODE_LIFETIME.total_seconds() / 60)),
        **wanted.params,
    }
    if "{link}" in words.texts[wanted.kind].short:
        link = params.get("link") or address_of(unit, new_link(unit, wanted.beneficiary_id, LINK_LIFETIME))
        params["link"] = link
    text = words.fill(wanted.kind, params)
    said = {"sms": text.short, "apprise": text.short, "letter": text.long}.get(channel)
    zone = contact.timezone or senders.timezone
    return Body(
        day=local_date(unit.now, zone).isoformat(),
        phone=contact.phone if channel in ("sms", "apprise") else None,
        email=contact.email if channel in ("email", "apprise") else None,
        name=name,
        language=words.language,
        subject=text.subject,
        text=said or _mail(words, name, text.long, link, unit, urgent=wanted.urgent),
        link=link,
        quiet=None if wanted.urgent or channel == "letter" else (contact.quiet_from, contact.quiet_to, zone),
    )


def address_of(unit: Unit, token: str) -> str:
    """Return the address that a one-time link is. What stands behind # is never sent to a server's log."""
    return f"{unit.service.settings.public_url.rstrip('/')}/#l={token}"


@dataclass(frozen=True, slots=True)
class _Plan:
    wanted: Wanted
    channel: Channel
    contact: Contact


def _plan(unit: Unit, wanted: Sequence[Wanted]) -> list[_Plan]:
    senders = unit.service.senders
    if not senders.ways or not wanted:
        return []
    known = known_messages(unit.db, {one.dedupe for one in wanted})
    contacts = contacts_of(unit, {one.beneficiary_id for one in wanted})
    planned = []
    for one in wanted:
        contact = contacts.get(one.beneficiary_id, Contact())
        if contact.reminders or one.urgent:
            channels = senders.channels(contact.phone, contact.email, urgent=one.urgent)
            planned += [_Plan(one, channel, contact) for channel in channels if (one.dedupe, channel) not in known]
    return planned


def _row(unit: Unit, plan: _Plan, name: str) -> dict[str, Any]:
    message_id, one = unit.service.new_id(), plan.wanted
    body = compose(unit, one, plan.channel, plan.contact, name)
    held = quiet_until(body.quiet, unit.now) if body.quiet else None
    return {
        "id": message_id,
        "beneficiary_id": one.beneficiary_id,
        "kind": one.kind,
        "channel": plan.channel,
        "urgent": one.urgent,
        "dedupe": one.dedupe,
        "sealed": body.seal(unit, message_id, one.beneficiary_id),
        "not_before": held or unit.now,
        "expires_at": unit.now + (CODE_LIFETIME if one.urgent else _USEFUL),
        "created_at": unit.now,
    }


def _mail(words: Catalogue, name: str, text: str, link: str | None, unit: Unit, *, urgent: bool) -> str:
    common, contact = words.common, unit.service.senders.contact
    parts = [
        common["greeting"].format(name=name),
        text,
        f"{common['open']}\n{link}" if link else "",
        common["help"].format(contact=contact) if contact else "",
        common["safe"],
        "" if urgent else common["opt_out"],
        unit.service.settings.issuer_name,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _label(message_id: UUID) -> str:
    return f"message:{message_id}"

"""Put messages into the outbox, in the transaction of their cause.

A message is written for each channel on which the person is reached, in the person's language, and sealed with the
person's data key. Quiet hours decide when it may go out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from certify.domain.schedule import local_date
from certify.people.access import CODE_LIFETIME, draw_link, keep_link, new_link
from certify.people.contact import Contact, contacts_of, quiet_until
from certify.queue import SEND
from certify.senders import Channel, Outgoing
from certify.service import Unit
from certify.storage.messages import insert_messages, known_messages, names_of
from certify.texts import LANGUAGES, Catalogue, catalogue

LINK_LIFETIME = timedelta(days=60)
"""How long the link of a reminder works: from the first reminder to the second."""
_REMINDER_LIFETIME = timedelta(days=14)
"""A reminder that could not be sent for this time is given up; the next one has a newer date."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to one person that is not written yet.

    Attributes:
        beneficiary_id: the person. People who do not exist or were erased get no message.
        kind: which text, one of ``certify.texts.KINDS``.
        params: values of the text's placeholders; ``date`` as ISO 8601. ``compose`` adds the name of the fund, the
            one-time link and the lifetime of codes.
        dedupe: the occasion, without personal data. A second message for the same occasion and channel is not stored.
        urgent: True if the person asked for the message just now. It goes out at once, whatever the person chose about
            reminders and quiet hours, to the telephone or else by e-mail, and never by letter.
        notice: True for a warning that the person did not ask for. It goes out whatever the person chose about
            reminders, after the quiet hours, to the telephone or else by e-mail, and never by letter.
        everywhere: True if an urgent message or a notice goes out on every channel, also by letter; it is of use for
            two weeks.
    """

    beneficiary_id: UUID
    kind: str
    params: Mapping[str, str]
    dedupe: str
    urgent: bool = False
    notice: bool = False
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The part of a message that is sealed.

    Attributes:
        day: day on which it was written, as ISO 8601.
        phone: telephone number, if the channel uses it.
        email: e-mail address, if the channel uses it.
        name: name of the person.
        language: language of the text.
        subject: subject of an e-mail or letter.
        text: the text.
        link: address with the one-time secret, if the text has one.
        quiet: quiet hours of the contact, from and to, and their time zone; None if they do not apply.
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
        """Encrypt the body with the person's data key, bound to the message.

        Raises:
            Gone: the person was erased (``person_erased``).
        """
        return unit.sealer(beneficiary_id).seal(json.dumps(asdict(self)).encode(), _label(message_id))

    def outgoing(self, message_id: UUID, beneficiary_id: UUID, channel: Channel) -> Outgoing:
        """Return the message in the form that senders take."""
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
    """Decrypt what ``Body.seal`` returned.

    Raises:
        Gone: the person was erased (``person_erased``).
        Unavailable: the bytes belong to another message, or the master key to another database
            (``decryption_failed``).
    """
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
    notice: bool = False,
) -> int:
    """Put a message into the outbox for each channel on which the person is reached; return how many.

    Args:
        unit: the transaction of the cause.
        beneficiary_id: the person. People who do not exist or were erased get no message.
        kind: which text, one of ``certify.texts.KINDS``.
        params: values of the text's placeholders; ``date`` as ISO 8601. The name of the fund, the one-time link and
            the lifetime of codes are added. All channels of one message carry the same link, because a person has one
            live link at a time.
        dedupe: the occasion, without personal data. A second message for the same occasion and channel is not stored.
        urgent: True if the person asked for the message just now. It goes out at once, whatever the person chose about
            reminders and quiet hours, to the telephone or else by e-mail, and never by letter.
        notice: True for a warning, which goes out after the quiet hours, whatever the person chose about reminders.
    """
    return put_messages(unit, [NewMessage(beneficiary_id, kind, params, dedupe, urgent, notice)])


def put_messages(unit: Unit, messages: Sequence[NewMessage]) -> int:
    """Put messages for many people into the outbox, in a few statements; return how many were stored."""
    planned = _plan(unit, messages)
    unit.open_sealers([plan.message.beneficiary_id for plan in planned])
    names = names_of(unit.db, {plan.message.beneficiary_id for plan in planned})
    secrets: dict[UUID, str] = {}
    rows = []
    for plan in planned:
        name = names.get(plan.message.beneficiary_id)
        if name is not None:
            rows.append(_row(unit, plan, name, secrets))
    stored = insert_messages(unit.db, rows)
    # Only now, and only for a message that was stored: the new link ends the one that the person has already.
    for person in {row["beneficiary_id"] for row in rows if row["id"] in stored}:
        if person in secrets:
            keep_link(unit, person, secrets[person], LINK_LIFETIME)
    for row in rows:
        if row["urgent"] and row["id"] in stored:
            unit.put_job(SEND, row["id"])
    return len(stored)


def count_messages_for(unit: Unit, messages: Sequence[NewMessage]) -> int:
    """Return how many messages ``put_messages`` would store, without storing any."""
    return len(_plan(unit, messages))


def compose(unit: Unit, message: NewMessage, channel: Channel, contact: Contact, name: str) -> Body:
    """Write a message for one channel.

    If its text has a placeholder for a link, and the parameters have none, a new one-time link is stored and filled in.

    Args:
        unit: the transaction that stores the link.
        message: the message to write.
        channel: the channel that decides about length and address.
        contact: contact details and language of the person.
        name: name of the person, for the greeting.
    """
    settings, senders = unit.service.settings, unit.service.senders
    words = catalogue(contact.language or senders.language)
    link = None
    params = {
        "fund": settings.issuer_name,
        "minutes": str(round(CODE_LIFETIME.total_seconds() / 60)),
        **message.params,
    }
    if needs_link(message.kind):
        link = params.get("link") or link_url(unit, new_link(unit, message.beneficiary_id, LINK_LIFETIME))
        params["link"] = link
    text = words.fill(message.kind, params)
    plain = {"sms": text.short, "apprise": text.short, "letter": text.long}.get(channel)
    zone = contact.timezone or senders.timezone
    return Body(
        day=local_date(unit.now, zone).isoformat(),
        phone=contact.phone if channel in ("sms", "apprise") else None,
        email=contact.email if channel in ("email", "apprise") else None,
        name=name,
        language=words.language,
        subject=text.subject,
        text=plain or _mail(words, name, text.long, link, unit, asked_for=message.urgent or message.notice),
        link=link,
        quiet=None if message.urgent or channel == "letter" else (contact.quiet_from, contact.quiet_to, zone),
    )


def needs_link(kind: str) -> bool:
    """Return whether messages of a kind carry a one-time link; they do in every language or in none."""
    return "{link}" in catalogue(LANGUAGES[0]).texts[kind].short


def link_url(unit: Unit, token: str) -> str:
    """Return the address of a one-time link. Browsers do not send the part after #, so no server logs the secret."""
    return f"{unit.service.settings.public_url.rstrip('/')}/#l={token}"


@dataclass(frozen=True, slots=True)
class _Plan:
    message: NewMessage
    channel: Channel
    contact: Contact


def _plan(unit: Unit, messages: Sequence[NewMessage]) -> list[_Plan]:
    """Return each message with each channel on which it is to be stored."""
    senders = unit.service.senders
    if not senders.ways or not messages:
        return []
    known = known_messages(unit.db, {message.dedupe for message in messages})
    contacts = contacts_of(unit, {message.beneficiary_id for message in messages})
    planned = []
    for message in messages:
        contact = contacts.get(message.beneficiary_id, Contact())
        if contact.reminders or message.urgent or message.notice:
            hurried = (message.notice or message.urgent) and not message.everywhere
            channels = senders.channels(contact.phone, contact.email, urgent=hurried)
            new = [channel for channel in channels if (message.dedupe, channel) not in known]
            planned += [_Plan(message, channel, contact) for channel in new]
    return planned


def _row(unit: Unit, plan: _Plan, name: str, secrets: dict[UUID, str]) -> dict[str, Any]:
    """Return the row of a message. A link that it needs is drawn, once for each person, into ``secrets``."""
    message_id, message = unit.service.new_id(), plan.message
    if needs_link(message.kind) and "link" not in message.params:
        if message.beneficiary_id not in secrets:
            secrets[message.beneficiary_id] = draw_link(unit)
        link = link_url(unit, secrets[message.beneficiary_id])
        message = replace(message, params={**message.params, "link": link})
    body = compose(unit, message, plan.channel, plan.contact, name)
    held = quiet_until(body.quiet, unit.now) if body.quiet else None
    return {
        "id": message_id,
        "beneficiary_id": message.beneficiary_id,
        "kind": message.kind,
        "channel": plan.channel,
        "urgent": message.urgent,
        "dedupe": message.dedupe,
        "sealed": body.seal(unit, message_id, message.beneficiary_id),
        "not_before": held or unit.now,
        "expires_at": unit.now + (CODE_LIFETIME if message.urgent and not message.everywhere else _REMINDER_LIFETIME),
        "created_at": unit.now,
    }


def _mail(words: Catalogue, name: str, text: str, link: str | None, unit: Unit, *, asked_for: bool) -> str:
    common, contact = words.common, unit.service.senders.contact
    parts = [
        common["greeting"].format(name=name),
        text,
        f"{common['open']}\n{link}" if link else "",
        common["help"].format(contact=contact) if contact else "",
        common["safe"],
        "" if asked_for else common["opt_out"],
        unit.service.settings.issuer_name,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _label(message_id: UUID) -> str:
    return f"message:{message_id}"

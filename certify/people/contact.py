"""Store how a person can be reached, in which language, and whether and when they want reminders.

A change of telephone or e-mail that the person makes on their own pages waits for seven days. Until then the old ones
are used, also for codes, and the change can be undone.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from certify.domain.error_codes import ErrorCode
from certify.domain.states import SignInEnd
from certify.errors import Gone, Invalid
from certify.people.sign_ins import end_all_sign_ins
from certify.service import Unit
from certify.storage.messages import cancel_waiting, delete_contact, get_contacts, put_contact
from certify.storage.people import get_beneficiary
from certify.texts import LANGUAGES

_LABEL = "contact"
CHANGE_WAITS = timedelta(days=7)
"""For so long the person can undo a change of telephone or e-mail. A starting value: within a week, most people read a
message or meet a person who reads it to them."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person. Without telephone and e-mail, they are reached by letter.

    Attributes:
        phone: in the international form, such as ``+551155256325``.
        email: in its normal form.
        language: one of ``LANGUAGES``; None is the fund's own.
        reminders: whether the person wants reminders. Sign-in codes are sent in any case.
        quiet_from: hour of the day, 0 to 23, from which no reminder is sent.
        quiet_to: hour of the day, 0 to 23, from which reminders are sent again; equal to ``quiet_from`` means never
            quiet.
        timezone: IANA name of the time zone of these hours; None is the fund's own.
    """

    phone: str | None = None
    email: str | None = None
    language: str | None = None
    reminders: bool = True
    quiet_from: int = 21
    quiet_to: int = 8
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class ContactChange:
    """Telephone and e-mail that will take the place of the present ones at ``at``, unless that is undone."""

    phone: str | None
    email: str | None
    at: datetime


def contact_of(unit: Unit, beneficiary_id: UUID) -> Contact:
    """Return how to reach a person.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.

    Returns:
        The stored contact, or the defaults when nothing is stored.

    Raises:
        Gone: the person was erased (``person_erased``).
    """
    unit.sealer(beneficiary_id)
    return contacts_of(unit, [beneficiary_id]).get(beneficiary_id, Contact())


def contacts_of(unit: Unit, people: Collection[UUID]) -> dict[UUID, Contact]:
    """Return contacts by person; people who have nothing stored or were erased are omitted."""
    stored = get_contacts(unit.db, people)
    unit.open_sealers(list(stored))
    contacts = {}
    for person, sealed in stored.items():
        with suppress(Gone):  # erased since the statement before
            contacts[person] = _read(unit, person, sealed)[0]
    return contacts


def contact_change_of(unit: Unit, beneficiary_id: UUID) -> ContactChange | None:
    """Return the change of telephone and e-mail that waits for its day, or None.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.

    Raises:
        Gone: the person was erased (``person_erased``).
    """
    unit.sealer(beneficiary_id)
    sealed = get_contacts(unit.db, [beneficiary_id]).get(beneficiary_id)
    return None if sealed is None else _read(unit, beneficiary_id, sealed)[1]


def request_contact(unit: Unit, beneficiary_id: UUID, contact: Contact, *, sign_in: UUID | None = None) -> None:
    """Store what a person wishes on their own pages. A change of telephone or e-mail waits for its day.

    A first telephone or e-mail is used at once: there is no old one that could object.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        contact: the new contact, whole.
        sign_in: the sign-in that asks, which stays when others end.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Invalid: a number, address, language, hour or time zone is not valid (``contact_invalid``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    before, new = contact_of(unit, beneficiary_id), _checked(contact, unit.service.settings.phone_region)
    waiting = contact_change_of(unit, beneficiary_id)
    if (new.phone, new.email) != (before.phone, before.email) and (before.phone or before.email):
        waiting = ContactChange(new.phone, new.email, unit.now + CHANGE_WAITS)
        new = replace(new, phone=before.phone, email=before.email)
    set_contact(unit, beneficiary_id, new, sign_in=sign_in)
    if waiting is not None:
        _put(unit, beneficiary_id, new, waiting)


def undo_contact_change(unit: Unit, beneficiary_id: UUID) -> bool:
    """Keep the present telephone and e-mail; return whether a change was waiting.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    if contact_change_of(unit, beneficiary_id) is None:
        return False
    _put(unit, beneficiary_id, contact_of(unit, beneficiary_id), None)
    return True


def changes_address(unit: Unit, beneficiary_id: UUID, contact: Contact) -> bool:
    """Tell whether a contact has another telephone or e-mail than the person's present one.

    Raises:
        Gone: the person was erased (``person_erased``).
        Invalid: a number, address, language, hour or time zone is not valid (``contact_invalid``).
    """
    before, new = contact_of(unit, beneficiary_id), _checked(contact, unit.service.settings.phone_region)
    return (new.phone, new.email) != (before.phone, before.email)


def set_contact(unit: Unit, beneficiary_id: UUID, contact: Contact, *, sign_in: UUID | None = None) -> bool:
    """Store how to reach a person, at once and in place of a change that waits.

    Telephone and e-mail are stored in their normal form. Waiting messages to a replaced number or address are
    cancelled, and so are waiting reminders if the person wants none. If a number or address changes, all sign-ins and
    codes of the person end, except the one that asks for it.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        contact: the new contact, whole.
        sign_in: a sign-in of the person that stays, because it asks for the change.

    Returns:
        Whether it differs from the stored one, or took the place of a change that waited.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Invalid: a number, address, language, hour or time zone is not valid (``contact_invalid``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    before, new = contact_of(unit, beneficiary_id), _checked(contact, unit.service.settings.phone_region)
    if new == before and contact_change_of(unit, beneficiary_id) is None:
        return False
    _put(unit, beneficiary_id, new, None)
    if new.phone != before.phone:
        cancel_waiting(unit.db, beneficiary_id, channels=("sms", "apprise"))
    if new.email != before.email:
        cancel_waiting(unit.db, beneficiary_id, channels=("email", "apprise"))
    if not new.reminders:
        cancel_waiting(unit.db, beneficiary_id)
    if (new.phone, new.email) != (before.phone, before.email):
        end_all_sign_ins(unit, beneficiary_id, SignInEnd.CONTACT_CHANGED, but=sign_in)
    return True


def forget_contact_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete how to reach a person, with all messages to them, sent or not."""
    delete_contact(unit.db, beneficiary_id)


def quiet_until(quiet: tuple[int, int, str], now: datetime) -> datetime | None:
    """Return when the present quiet hours end.

    Args:
        quiet: the first quiet hour, the hour that ends them, and the IANA name of their time zone.
        now: the present instant.

    Returns:
        The instant at which they end, or None when ``now`` is not within quiet hours.
    """
    start, end, timezone = quiet
    local = now.astimezone(ZoneInfo(timezone))
    inside = start <= local.hour < end if start <= end else local.hour >= start or local.hour < end
    if not inside:
        return None
    day = local if local.hour < end else local + timedelta(days=1)
    return day.replace(hour=end, minute=0, second=0, microsecond=0, fold=0).astimezone(now.tzinfo)


def _put(unit: Unit, beneficiary_id: UUID, contact: Contact, change: ContactChange | None) -> None:
    body: dict[str, Any] = asdict(contact)
    if change is not None:
        body["change"] = {"phone": change.phone, "email": change.email, "at": change.at.isoformat()}
    put_contact(
        unit.db,
        beneficiary_id,
        sealed=unit.sealer(beneficiary_id).seal(json.dumps(body).encode(), _LABEL),
        language=contact.language,
        reminders=contact.reminders,
        changed_at=unit.now,
    )


def _read(unit: Unit, beneficiary_id: UUID, sealed: bytes) -> tuple[Contact, ContactChange | None]:
    """Return the contact that counts now, and the change that waits."""
    body: dict[str, Any] = json.loads(unit.sealer(beneficiary_id).open(sealed, _LABEL))
    waiting = body.pop("change", None)
    contact = Contact(**body)
    if waiting is None:
        return contact, None
    change = ContactChange(waiting["phone"], waiting["email"], datetime.fromisoformat(waiting["at"]))
    if unit.now >= change.at:  # its day has come; it is stored so with the next change
        return replace(contact, phone=change.phone, email=change.email), None
    return contact, change


def _checked(contact: Contact, region: str | None) -> Contact:
    for hour in (contact.quiet_from, contact.quiet_to):
        if not 0 <= hour <= 23:
            raise _invalid("The quiet hours must lie between 0 and 23.", "Write 21 for nine in the evening.")
    if contact.language is not None and contact.language not in LANGUAGES:
        raise _invalid("This language is not supported.", f"Known: {', '.join(LANGUAGES)}.")
    if contact.timezone is not None:
        try:
            ZoneInfo(contact.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise _invalid("There is no such time zone.", "Write it like America/Sao_Paulo.") from error
    return Contact(
        _phone(contact.phone, region) if contact.phone else None,
        _email(contact.email) if contact.email else None,
        contact.language,
        contact.reminders,
        contact.quiet_from,
        contact.quiet_to,
        contact.timezone,
    )


def _phone(text: str, region: str | None) -> str:
    """Return a number in its international form. Local forms are those of the fund's country, if it is set."""
    hint = "Write it with the country's code, like +55 11 5525-6325."
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _invalid("The telephone number cannot be read.", hint) from error
    # Only checked to be possible: numbers are newly assigned all the time, and an old list would refuse them.
    if number.extension or not phonenumbers.is_possible_number(number):
        raise _invalid("This telephone number is not possible.", hint)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str) -> str:
    try:
        # The domain is not looked up: a query would tell a name server whose address is being entered.
        return validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise _invalid("The e-mail address cannot be used.", "Write it like maria@example.org.") from error


def _invalid(message: str, hint: str) -> Invalid:
    # The message must not repeat what was entered, because it may be written to a log.
    return Invalid(message, hint=hint, code=ErrorCode.CONTACT_INVALID)

"""How a person can be reached, in which language, and whether and when they want to be."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from certify.domain.error_codes import ErrorCode
from certify.errors import Gone, Invalid
from certify.service import Unit
from certify.storage.messages import cancel_waiting, delete_contact, get_contacts, put_contact
from certify.storage.people import get_beneficiary
from certify.texts import LANGUAGES

_LABEL = "contact"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach somebody. Without telephone and e-mail: by letter.

    Attributes:
        phone: in the international form, such as ``+551155256325``.
        language: one of ``LANGUAGES``; None is the fund's own.
        reminders: whether the person wants to be reminded; sign-in codes come all the same.
        quiet_from, quiet_to: hours of the day, 0 to 23, between which no reminder comes; equal means never quiet.
        timezone: of these hours, by its IANA name; None is the fund's own.
    """

    phone: str | None = None
    email: str | None = None
    language: str | None = None
    reminders: bool = True
    quiet_from: int = 21
    quiet_to: int = 8
    timezone: str | None = None


def contact_of(unit: Unit, beneficiary_id: UUID) -> Contact:
    """Return how to reach a person; the defaults when nothing is stored. Raises Gone when they were erased."""
    unit.sealer(beneficiary_id)
    return contacts_of(unit, [beneficiary_id]).get(beneficiary_id, Contact())


def contacts_of(unit: Unit, people: Collection[UUID]) -> dict[UUID, Contact]:
    """Return how to reach many people; who has nothing stored, or was erased, is not among them."""
    stored = get_contacts(unit.db, people)
    unit.open_sealers(list(stored))
    found = {}
    for person, sealed in stored.items():
        with suppress(Gone):  # erased since the statement before
            found[person] = Contact(**json.loads(unit.sealer(person).open(sealed, _LABEL)))
    return found


def set_contact(unit: Unit, beneficiary_id: UUID, contact: Contact) -> bool:
    """Store how to reach a person; tell whether that is anything new.

    Telephone and e-mail are written the one standard way. What waits to go to a number or address that is no longer
    theirs is cancelled, and so are waiting reminders when they want none. Raises NotFound, Gone and Invalid
    (``contact_invalid``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    before, new = contact_of(unit, beneficiary_id), _checked(contact)
    if new == before:
        return False
    sealed = unit.sealer(beneficiary_id).seal(json.dumps(asdict(new)).encode(), _LABEL)
    put_contact(
        unit.db, beneficiary_id, sealed=sealed, language=new.language, reminders=new.reminders, changed_at=unit.now
    )
    if new.phone != before.phone:
        cancel_waiting(unit.db, beneficiary_id, channels=("sms", "apprise"))
    if new.email != before.email:
        cancel_waiting(unit.db, beneficiary_id, channels=("email", "apprise"))
    if not new.reminders:
        cancel_waiting(unit.db, beneficiary_id)
    return True


def forget_contact_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete how to reach a person, with all messages to them, sent or not."""
    delete_contact(unit.db, beneficiary_id)


def quiet_until(quiet: tuple[int, int, str], now: datetime) -> datetime | None:
    """Return when the quiet hours end in which ``now`` lies, or None when it lies in none.

    ``quiet`` are the first hour, the hour that ends them, and the time zone in which both are meant.
    """
    start, end, timezone = quiet
    local = now.astimezone(ZoneInfo(timezone))
    inside = start <= local.hour < end if start <= end else local.hour >= start or local.hour < end
    if not inside:
        return None
    day = local if local.hour < end else local + timedelta(days=1)
    return day.replace(hour=end, minute=0, second=0, microsecond=0, fold=0).astimezone(now.tzinfo)


def _checked(contact: Contact) -> Contact:
    for hour in (contact.quiet_from, contact.quiet_to):
        if not 0 <= hour <= 23:
            raise _invalid("The quiet hours must lie between 0 and 23.", "Write 21 for nine in the evening.")
    if contact.language is not None and contact.language not in LANGUAGES:
        raise _invalid("This language is not spoken here.", f"Known: {', '.join(LANGUAGES)}.")
    if contact.timezone is not None:
        try:
            ZoneInfo(contact.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise _invalid("There is no such time zone.", "Write it like America/Sao_Paulo.") from error
    return Contact(
        _phone(contact.phone) if contact.phone else None,
        _email(contact.email) if contact.email else None,
        contact.language,
        contact.reminders,
        contact.quiet_from,
        contact.quiet_to,
        contact.timezone,
    )


def _phone(text: str) -> str:
    hint = "Write it with the country's code, like +55 11 5525-6325."
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise _invalid("The telephone number cannot be read.", hint) from error
    # Possible, not valid: numbers are newly assigned all the time, and an old list would refuse them.
    if number.extension or not phonenumbers.is_possible_number(number):
        raise _invalid("There can be no such telephone number.", hint)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str) -> str:
    try:
        # Whether the domain exists is not asked: that would tell a name server who is being entered.
        return validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise _invalid("The e-mail address cannot be used.", "Write it like maria@example.org.") from error


def _invalid(message: str, hint: str) -> Invalid:
    # The message must not repeat what was entered: it may end in a log.
    return Invalid(message, hint=hint, code=ErrorCode.CONTACT_INVALID)

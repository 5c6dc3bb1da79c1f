"""Store how a person can be reached, in which language, and whether and when they want reminders."""

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
from certify.domain.states import SignInEnd
from certify.errors import Gone, Invalid
from certify.people.sign_ins import end_all_sign_ins
from certify.service import Unit
from certify.storage.messages import cancel_waiting, delete_contact, get_contacts, put_contact
from certify.storage.people import get_beneficiary
from certify.texts import LANGUAGES

_LABEL = "contact"


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
            contacts[person] = Contact(**json.loads(unit.sealer(person).open(sealed, _LABEL)))
    return contacts


def set_contact(unit: Unit, beneficiary_id: UUID, contact: Contact) -> bool:
    """Store how to reach a person.

    Telephone and e-mail are stored in their normal form. Waiting messages to a replaced number or address are
    cancelled, and so are waiting reminders if the person wants none. If a number or address changes, all sign-ins and
    codes of the person end: the person, or the caller who changed it, signs in again.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        contact: the new contact, whole.

    Returns:
        Whether it differs from the stored one.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Invalid: a number, address, language, hour or time zone is not valid (``contact_invalid``).
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
    if (new.phone, new.email) != (before.phone, before.email):
        end_all_sign_ins(unit, beneficiary_id, SignInEnd.CONTACT_CHANGED)
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


def _checked(contact: Contact) -> Contact:
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

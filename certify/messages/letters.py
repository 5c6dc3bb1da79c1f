"""Print one letter at once, for a person at a counter or on the telephone who has no other way to sign in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.schedule import local_date
from certify.errors import Conflict, Unavailable
from certify.messages.abroad import language_abroad, paragraph_abroad, rules_abroad
from certify.messages.outbox import NewMessage, compose
from certify.people.contact import contact_of
from certify.senders.letter_pdf import CannotPrint, letter_pdf
from certify.service import Unit
from certify.storage.people import entitlements_of, get_beneficiary
from certify.texts import catalogue


def write_letter(unit: Unit, beneficiary_id: UUID, *, language: str | None = None) -> bytes:
    """Return a letter as PDF, with a QR code that opens the person's own pages once.

    If it raises, nothing is stored.

    Args:
        unit: the transaction that stores the one-time link.
        beneficiary_id: the person.
        language: one of ``certify.texts.LANGUAGES``; by default the person's own, or else the first language of the
            forms that the policy accepts from the country where the person lives.

    Raises:
        NotFound: no such beneficiary (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Conflict: a record about the person is in doubt, so the letter might not be true (``letter_untrue``), or no
            proof of life is due (``nothing_due``).
        Unavailable: no font on this machine prints the language (``font_missing``).
    """
    person = get_beneficiary(unit.db, beneficiary_id)
    contact = contact_of(unit, beneficiary_id)
    today = local_date(unit.now, contact.timezone or unit.service.senders.timezone)
    reminder = _reminder(unit, beneficiary_id, today)
    contact = replace(contact, language=language or contact.language)
    abroad = rules_abroad(unit, beneficiary_id)
    if contact.language is None and abroad is not None:
        contact = replace(contact, language=language_abroad(abroad[1]))
    body = compose(unit, reminder, "letter", contact, person.name or "")
    if abroad is not None:
        body = replace(body, text=f"{body.text}\n\n{paragraph_abroad(*abroad, body.language)}")
    settings, message_id = unit.service.settings, unit.service.new_id()
    try:
        return letter_pdf(
            body.outgoing(message_id, beneficiary_id, "letter"),
            settings.issuer_name,
            settings.public_url,
            unit.service.senders.contact,
        )
    except CannotPrint as error:
        raise Unavailable(
            f"No font on this machine prints a letter in {catalogue(body.language).language}.",
            hint="Install fonts; on Debian, the packages are fonts-noto-core and fonts-noto-cjk.",
            code=ErrorCode.FONT_MISSING,
        ) from error


def _reminder(unit: Unit, beneficiary_id: UUID, today: date) -> NewMessage:
    pensions = entitlements_of(unit.db, beneficiary_id)
    if any(pension.payment == "stop" or pension.standing in ("paused", "stopped") for pension in pensions):
        raise Conflict(
            "A record about this person is in doubt, and the letter would say that the pension continues.",
            hint="Look at 'certify case list'.",
            code=ErrorCode.LETTER_UNTRUE,
        )
    due = min((pension.due_on for pension in pensions if pension.due_on is not None), default=None)
    if due is None:
        raise Conflict("This person has no pension for which a proof of life is due.", code=ErrorCode.NOTHING_DUE)
    days = (due - today).days
    kinds = ((-1, "reminder_after"), (7, "reminder_7"), (30, "reminder_30"))
    kind = next((kind for until, kind in kinds if days <= until), "reminder_90")
    return NewMessage(beneficiary_id, kind, {"date": due.isoformat()}, dedupe="")

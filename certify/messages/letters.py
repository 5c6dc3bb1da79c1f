"""A letter out of turn: for somebody at a counter, or on the telephone, who has nothing else to come in with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.schedule import local_date
from certify.errors import Conflict, Unavailable
from certify.messages.outbox import Wanted, compose
from certify.people.contact import contact_of
from certify.senders.letter_pdf import CannotPrint, letter_pdf
from certify.service import Unit
from certify.storage.people import entitlements_of, get_beneficiary
from certify.texts import catalogue


def write_letter(unit: Unit, beneficiary_id: UUID, *, language: str | None = None) -> bytes:
    """Return a letter as PDF, with a QR code that opens the person's pages once.

    ``language`` is used instead of the person's own. Raises NotFound, Gone, Conflict when the letter's words would not
    be true of the person, and Unavailable when no font prints the language; nothing is stored then.
    """
    person = get_beneficiary(unit.db, beneficiary_id)
    contact = contact_of(unit, beneficiary_id)
    today = local_date(unit.now, contact.timezone or unit.service.senders.timezone)
    wanted = _reminder(unit, beneficiary_id, today)
    contact = replace(contact, language=language or contact.language)
    body = compose(unit, wanted, "letter", contact, person.name or "")
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
            hint="Install fonts: on Debian fonts-noto-core and fonts-noto-cjk.",
            code=ErrorCode.FONT_MISSING,
        ) from error


def _reminder(unit: Unit, beneficiary_id: UUID, today: date) -> Wanted:
    pensions = entitlements_of(unit.db, beneficiary_id)
    if any(pension.payment == "stop" or pension.standing in ("paused", "stopped") for pension in pensions):
        raise Conflict(
            "A record about this person is in doubt; the letter would say that all goes on.",
            hint="See 'certify case list'.",
            code=ErrorCode.LETTER_UNTRUE,
        )
    due = min((pension.due_on for pension in pensions if pension.due_on is not None), default=None)
    if due is None:
        raise Conflict("This person has no pension that a proof of life is due for.", code=ErrorCode.NOTHING_DUE)
    days = (due - today).days
    kinds = ((-1, "reminder_after"), (7, "reminder_7"), (30, "reminder_30"))
    kind = next((kind for until, kind in kinds if days <= until), "reminder_90")
    return Wanted(beneficiary_id, kind, {"date": due.isoformat()}, dedupe="")

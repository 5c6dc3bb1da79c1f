"""Tell a person on every known telephone, e-mail or by letter what was done on their own pages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from certify.domain.schedule import local_date
from certify.messages.outbox import NewMessage, put_messages
from certify.people.contact import contact_of
from certify.service import Unit


def tell(
    unit: Unit, beneficiary_id: UUID, kind: str, *, on: datetime | None = None, occasion: str | None = None
) -> int:
    """Put a notice into the outbox for each channel on which the person is reached; return how many.

    To be called before the person's contact changes. Neither an opt-out of reminders nor quiet hours hold it back: the
    person who did what the notice is about may have set them.

    Args:
        unit: the transaction of the act.
        beneficiary_id: the person.
        kind: which text, one of ``certify.texts.NOTICES``.
        on: the instant that the text names; now by default.
        occasion: of which there is one notice; each call is an occasion of its own by default.
    """
    zone = contact_of(unit, beneficiary_id).timezone or unit.service.senders.timezone
    params = {"date": local_date(on or unit.now, zone).isoformat()}
    dedupe = f"{kind}:{beneficiary_id}:{occasion or unit.now.isoformat()}"
    return put_messages(unit, [NewMessage(beneficiary_id, kind, params, dedupe, urgent=True, everywhere=True)])

"""Tell people on their known telephone or e-mail that somebody tried to use their number and did not succeed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from certify.domain.schedule import local_date
from certify.messages.outbox import put_message
from certify.service import Unit
from certify.storage.public_sessions import people_asked_for

MANY_SESSIONS = 5
"""Sessions without a film for one person in a day after which the person is told. An honest caller may lose the network
once or twice."""


def tell_of_attempt(unit: Unit, beneficiary_id: UUID) -> int:
    """Tell a person that somebody tried to come in with their number, at most once a day.

    The message goes to the contact that the fund knew before, and quiet hours hold it back. A person without
    telephone and e-mail gets none: a letter for each stranger's attempt would cost more than it helps.

    Args:
        unit: the transaction of the attempt.
        beneficiary_id: the person.

    Returns:
        The number of messages.
    """
    today = local_date(unit.now, unit.service.senders.timezone).isoformat()
    dedupe = f"attempt:{today}:{beneficiary_id}"
    return put_message(unit, beneficiary_id, "attempt", {"date": today}, dedupe=dedupe, notice=True)


def warn_asked_for(unit: Unit) -> None:
    """Tell people for whom many sessions were opened in the last day without any film. Repeating it changes nothing."""
    since = unit.now - timedelta(days=1)
    for person in people_asked_for(unit.db, since=since, at_least=MANY_SESSIONS, limit=100):
        tell_of_attempt(unit, person)

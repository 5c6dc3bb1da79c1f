"""Tell people in time that their pension ends on a date, or that a review of its condition is due.

The review case that a determination opened is the occasion. Each date is told once, on every channel and by letter,
whatever the person chose about reminders: people have to be heard before a pension ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from certify.decision.determinations import find_determination
from certify.domain.case_kinds import CaseKind
from certify.domain.reasons import Code
from certify.messages.outbox import NewMessage, count_messages_for, put_messages
from certify.service import Service, Unit
from certify.storage.reviews import opened_since
from certify.storage.tables.decisions import ReviewCaseRow

CATCH_UP = timedelta(days=14)
"""Days for which a new case is an occasion, so that days without a worker are made up for."""
CHUNK = 500
"""Cases that are read in one transaction."""

_TEXTS = {Code.ENDS_SOON.value: "ends_soon", Code.REVIEW_DUE.value: "review_due"}
_KINDS = (CaseKind.ENTITLEMENT_ENDS, CaseKind.REVIEW_DUE)


def announce(service: Service, *, dry_run: bool = False) -> Counter[str]:
    """Put messages about dates of entitlements into the outbox; return their number by kind.

    The call can be repeated: a date that was told before is not told again.

    Args:
        service: the service.
        dry_run: True to count the messages without storing them.
    """
    counts: Counter[str] = Counter()
    if not service.senders.ways:
        return counts
    since = service.clock() - CATCH_UP
    after: tuple[datetime, UUID] | None = None
    while True:
        with service.reading() if dry_run else service.unit() as unit:
            cases = opened_since(unit.db, _KINDS, since, after=after, limit=CHUNK)
            for message in [message for case in cases for message in _messages(unit, case)]:
                counts[message.kind] += (
                    count_messages_for(unit, [message]) if dry_run else put_messages(unit, [message])
                )
            after = (cases[-1].opened_at, cases[-1].id) if cases else after
        if len(cases) < CHUNK:
            return +counts


def _messages(unit: Unit, case: ReviewCaseRow) -> Iterator[NewMessage]:
    if case.determination_id is None:
        return
    for why in find_determination(unit, case.determination_id).verdict["reasons"]:
        kind = _TEXTS.get(why["code"])
        if kind is not None:
            day = why["params"]["date"]
            dedupe = f"{kind}:{day}:{case.beneficiary_id}"
            yield NewMessage(case.beneficiary_id, kind, {"date": day}, dedupe, notice=True, everywhere=True)

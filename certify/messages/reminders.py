"""Remind people 90, 30 and 7 days before a proof of life is due, and after the due date.

A person is reminded of their pension that is due first, because one proof renews all. No reminder goes to people who
need not act, or whose being alive is in doubt. Each stage of each due date gives one reminder, however often the job
runs. A stage stays open for some days, so a day without a worker is made up for.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from certify.domain.schedule import add_days, local_date
from certify.messages.outbox import NewMessage, count_messages_for, put_messages
from certify.service import Service
from certify.storage.reminders import DuePension, due_pensions

log = logging.getLogger("certify.reminders")

CATCH_UP = 7
"""Days for which a stage stays open. After fewer days without a worker the reminder is late; after more it is skipped,
and the next stage reminds."""
FIRST_AFTER, EVERY = 3, 14
"""Days from the due date to the first reminder after it, and days between the later ones, until life is proven."""
CHUNK = 1000
"""Pensions that are examined in one transaction."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The pensions that are due from ``first`` to ``last`` (both included) and get one kind of text."""

    kind: str
    first: date
    last: date

    def dedupe(self, pension: DuePension, today: date) -> str | None:
        """Return the occasion of today's reminder of a pension, or None if today is between two reminders."""
        name = self.kind
        if self.kind == "reminder_after":
            number, days = divmod((today - pension.due_on).days - FIRST_AFTER, EVERY)
            if days >= CATCH_UP:
                return None
            name = f"{self.kind}_{number}"
        return f"{name}:{pension.due_on.isoformat()}:{pension.beneficiary_id}"


def stages(today: date) -> tuple[Stage, ...]:
    """Return the stages of a day, the most urgent first."""
    return (
        Stage("reminder_after", date.min, add_days(today, -FIRST_AFTER)),
        # In the last three days before the due date, a message would come too late to prepare anything.
        Stage("reminder_7", add_days(today, 4), add_days(today, 7)),
        Stage("reminder_30", add_days(today, 31 - CATCH_UP), add_days(today, 30)),
        Stage("reminder_90", add_days(today, 91 - CATCH_UP), add_days(today, 90)),
    )


def remind(service: Service, *, dry_run: bool = False) -> Counter[str]:
    """Put today's reminders into the outbox; return the number of messages by kind.

    The call can be repeated: a reminder that was stored before is not stored again.

    Args:
        service: the service.
        dry_run: True to count the messages without storing them.
    """
    counts: Counter[str] = Counter()
    if not service.senders.ways:
        return counts
    today = local_date(service.clock(), service.senders.timezone)
    for stage in stages(today):
        for chunk in _chunks(service, stage):
            messages = _messages(stage, chunk, today)
            if dry_run:
                with service.reading() as unit:
                    counts[stage.kind] += count_messages_for(unit, messages)
            elif messages:
                with service.unit() as unit:
                    counts[stage.kind] += put_messages(unit, messages)
    return +counts


def _chunks(service: Service, stage: Stage) -> Iterator[list[DuePension]]:
    after = (add_days(stage.first, -1), UUID(int=2**128 - 1))
    while True:
        with service.reading() as unit:
            chunk = due_pensions(unit.db, after=after, latest=stage.last, limit=CHUNK)
        yield chunk
        if len(chunk) < CHUNK:
            return
        after = (chunk[-1].due_on, chunk[-1].beneficiary_id)


def _messages(stage: Stage, chunk: list[DuePension], today: date) -> list[NewMessage]:
    """Return the reminders of a chunk of pensions, one for each occasion."""
    by_occasion: dict[str, NewMessage] = {}
    for pension in chunk:
        dedupe = stage.dedupe(pension, today) if pension.remind else None
        if dedupe is not None:
            params = {"date": pension.due_on.isoformat()}
            by_occasion[dedupe] = NewMessage(pension.beneficiary_id, stage.kind, params, dedupe)
    return list(by_occasion.values())

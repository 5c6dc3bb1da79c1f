"""Reminders: who has to prove life, and hears of it 90, 30 and 7 days before the day, and after it.

A person is reminded of the earliest of their pensions, as one proof renews all. Nobody is reminded who has nothing to
do, or of whom it is in doubt whether they are alive. Each stage of each date is said once, whatever becomes of the job:
a stage stays open for some days, so that a day on which nothing ran is made up for.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from certify.domain.schedule import add_days, local_date
from certify.messages.outbox import Wanted, count_messages_for, put_messages
from certify.service import Service
from certify.storage.reminders import DuePension, due_pensions

log = logging.getLogger("certify.reminders")

CATCH_UP = 7
"""Days for which a stage stays open. After some days without a worker it comes late; after more, the next one comes."""
FIRST_AFTER, EVERY = 3, 14
"""Days after the due date of the first reminder, and between it and the next ones, until life is proven."""
CHUNK = 1000
"""Pensions looked at in one transaction."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Pensions due from one day to another, both included, which get one text."""

    kind: str
    first: date
    last: date

    def dedupe(self, pension: DuePension, today: date) -> str | None:
        """Return the occasion of a reminder today, or None on a day between two reminders."""
        name = self.kind
        if self.kind == "reminder_after":
            number, days = divmod((today - pension.due_on).days - FIRST_AFTER, EVERY)
            if days >= CATCH_UP:
                return None
            name = f"{self.kind}_{number}"
        return f"{name}:{pension.due_on.isoformat()}:{pension.beneficiary_id}"


def stages(today: date) -> tuple[Stage, ...]:
    """Return what is said today of pensions due when; the most pressing first."""
    return (
        Stage("reminder_after", date.min, add_days(today, -FIRST_AFTER)),
        # Later than four days before the day there is no time left to do anything about it but that itself.
        Stage("reminder_7", add_days(today, 4), add_days(today, 7)),
        Stage("reminder_30", add_days(today, 31 - CATCH_UP), add_days(today, 30)),
        Stage("reminder_90", add_days(today, 91 - CATCH_UP), add_days(today, 90)),
    )


def remind(service: Service, *, dry_run: bool = False) -> Counter[str]:
    """Put today's reminders into the outbox; return how many messages of each kind.

    Safe to repeat: what was put before is not put again. With ``dry_run`` they are counted only.
    """
    put: Counter[str] = Counter()
    if not service.senders.ways:
        return put
    today = local_date(service.clock(), service.senders.timezone)
    for stage in stages(today):
        for chunk in _chunks(service, stage):
            wanted = _wanted(stage, chunk, today)
            if dry_run:
                with service.reading() as unit:
                    put[stage.kind] += count_messages_for(unit, wanted)
            elif wanted:
                with service.unit() as unit:
                    put[stage.kind] += put_messages(unit, wanted)
    return +put


def _chunks(service: Service, stage: Stage) -> Iterator[list[DuePension]]:
    after = (add_days(stage.first, -1), UUID(int=2**128 - 1))
    while True:
        with service.reading() as unit:
            chunk = due_pensions(unit.db, after=after, latest=stage.last, limit=CHUNK)
        yield chunk
        if len(chunk) < CHUNK:
            return
        after = (chunk[-1].due_on, chunk[-1].beneficiary_id)


def _wanted(stage: Stage, chunk: list[DuePension], today: date) -> list[Wanted]:
    found: dict[str, Wanted] = {}
    for pension in chunk:
        dedupe = stage.dedupe(pension, today) if pension.remind else None
        if dedupe is not None:
            params = {"date": pension.due_on.isoformat()}
            found[dedupe] = Wanted(pension.beneficiary_id, stage.kind, params, dedupe)
    return list(found.values())

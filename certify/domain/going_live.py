"""When the first proof of a pension is due that was paid already when its fund began to ask for proofs."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from zlib import crc32

from certify.domain.policy import Policy
from certify.domain.schedule import add_days, add_months

_SPREAD_DAYS = 365


def first_due_on(
    policy: Policy,
    *,
    starts_on: date,
    last_proof_on: date | None,
    birth_date: date | None,
    asked_from: date,
    key: str,
) -> date | None:
    """Return the day before which the first proof of a pension is not due.

    A pension that has run for years without a known proof would be overdue on the day on which it is taken over, and
    with it all pensions of a fund. So no one is asked before the scheme begins to ask, and first proofs are due on the
    person's birthday within twelve months, after at least one window of the policy: they are spread over the year, and
    people know their day.

    Where the birthday is not known, a hash of the key gives the day. So it does for 1 January: many registers write it
    for "not known", and too many people would be due on that day.

    Args:
        policy: the rules of the scheme; its ``asks_from`` may lie in the future.
        starts_on: the first day of the pension.
        last_proof_on: date of the last proof of life before this service, if any. Such a pension goes on from there;
            only the start of the scheme can make it due later.
        birth_date: of the person, if it is known.
        asked_from: the day on which the pension is taken over.
        key: a text that differs from person to person.

    Returns:
        The day; None if the pension is due one validity after its start or its last proof, as any other.
    """
    begins = max(asked_from, policy.asks_from or asked_from)
    due = add_months(max(starts_on, last_proof_on or starts_on), policy.validity_months)
    enough = add_days(begins, policy.window_days) if last_proof_on is None else policy.asks_from
    if enough is None or due >= enough:
        return None
    earliest = add_days(begins, policy.window_days)
    if birth_date is None or (birth_date.month, birth_date.day) == (1, 1):
        return add_days(earliest, crc32(key.encode()) % _SPREAD_DAYS)
    return _birthday_from(birth_date, earliest)


@lru_cache(1 << 16)  # millions of people have a few thousand birth dates
def _birthday_from(birth_date: date, earliest: date) -> date:
    birthdays = (add_months(birth_date, 12 * (year - birth_date.year)) for year in (earliest.year, earliest.year + 1))
    return next((day for day in birthdays if day >= earliest), earliest)

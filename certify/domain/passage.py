"""The day on which a determination can change by time alone, without new evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from certify.domain.decide import Determination, Entitlement, NextStep
from certify.domain.entitled import ANNOUNCE_DAYS
from certify.domain.policy import Policy
from certify.domain.reasons import Code
from certify.domain.schedule import add_days, add_months

_ENDS = (Code.ENTITLED_UNTIL, Code.CONDITION_FOUND)
_REVIEWS = (Code.REVIEW_ON, Code.REVIEW_DUE)


def next_change(entitlement: Entitlement, policy: Policy, determination: Determination) -> date | None:
    """Return the first day after the determination on which another one may come out differently, or None if never.

    A day too many costs one determination that changes nothing. A day too few would leave a person certified, or in
    grace, without limit. So every bound counts, also those that do not decide now.
    """
    days = [*_days(policy, determination), *birthdays(entitlement.birth_date, policy)]
    return min((day for day in days if day > determination.as_of), default=None)


def birthdays(birth_date: date | None, policy: Policy) -> Iterator[date]:
    """Yield the days on which a person reaches an age that the policy names."""
    if birth_date is None:
        return
    ages = [band.from_age for band in policy.bands] + ([policy.min_age] if policy.min_age is not None else [])
    for age in ages:
        # A person born on 29 February reaches an age on 1 March: the day after counts too.
        yield add_months(birth_date, 12 * age)
        yield add_days(add_months(birth_date, 12 * age), 1)


def _days(policy: Policy, determination: Determination) -> Iterator[date]:
    table, rules = determination.timetable, policy.entitlement
    yield table.window_from
    yield add_days(table.due_on, 1)
    yield add_days(table.grace_until, 1)
    if determination.valid_until is not None:
        yield add_days(determination.valid_until, -policy.window_days)
        yield add_days(determination.valid_until, 1)
    if determination.next_step in (NextStep.RETRY, NextStep.DOORSTEP):
        # Attempts leave their window one by one; while any counts, each day may bring a change.
        yield add_days(determination.as_of, 1)
    for reason in determination.reasons:
        if reason.code in _ENDS:
            end = date.fromisoformat(dict(reason.params)["date"])
            yield add_days(end, 1)
            yield add_days(end, -(rules.ends_at.announce_days if rules.ends_at else ANNOUNCE_DAYS))
        if reason.code in _REVIEWS and rules.review_every is not None:
            due = date.fromisoformat(dict(reason.params)["date"])
            yield add_days(due, 1)
            yield add_days(due, -rules.review_every.ask_days)
        if reason.code is Code.FUTURE_DATED:
            yield date.fromisoformat(dict(reason.params)["date"])

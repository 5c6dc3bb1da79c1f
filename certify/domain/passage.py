"""The passage of time: on which day the next determination of an entitlement can come out differently by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from certify.domain.decide import Determination, Entitlement, NextStep
from certify.domain.policy import Policy
from certify.domain.reasons import Code
from certify.domain.schedule import add_days, add_months


def next_change(entitlement: Entitlement, policy: Policy, found: Determination) -> date | None:
    """Return the first day after ``found.as_of`` on which deciding again may change something, or None if never.

    A day too many costs one determination that changes nothing; a day too few would leave somebody certified, or out of
    their grace, for ever. So every bound counts, whichever of them decides.
    """
    return min((day for day in _days(entitlement, policy, found) if day > found.as_of), default=None)


def _days(entitlement: Entitlement, policy: Policy, found: Determination) -> Iterator[date]:
    table = found.timetable
    yield table.window_from
    yield add_days(table.due_on, 1)
    yield add_days(table.grace_until, 1)
    if found.valid_until is not None:
        yield add_days(found.valid_until, -policy.window_days)
        yield add_days(found.valid_until, 1)
    if entitlement.birth_date is not None:
        ages = [band.from_age for band in policy.bands] + ([policy.min_age] if policy.min_age is not None else [])
        for age in ages:
            # Who was born on 29 February comes of age on 1 March: the day after counts too.
            yield add_months(entitlement.birth_date, 12 * age)
            yield add_days(add_months(entitlement.birth_date, 12 * age), 1)
    if found.next_step in (NextStep.RETRY, NextStep.DOORSTEP):
        # Attempts fall out of their window one by one; while any counts, every day may be the day.
        yield add_days(found.as_of, 1)
    for reason in found.reasons:
        if reason.code is Code.FUTURE_DATED:
            yield date.fromisoformat(dict(reason.params)["date"])

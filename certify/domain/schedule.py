"""Calendar arithmetic of proofs of life: rolling validity, due dates, windows, grace, ages.

All dates are calendar dates in the time zone of the scheme; an instant becomes a date only through ``local_date``.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import IntEnum
from functools import lru_cache
from zoneinfo import ZoneInfo


def local_date(instant: datetime, zone: str) -> date:
    """Return the calendar date of an aware instant in a time zone, clamped to the calendar's ends.

    Args:
        instant: a timezone-aware instant.
        zone: an IANA time zone.

    Returns:
        The date.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone has no date")
    try:
        return instant.astimezone(ZoneInfo(zone)).date()
    except OverflowError:  # the first or last hours of the calendar, seen from a zone that is already beyond
        return date.min if instant.year == date.min.year else date.max


@lru_cache(1 << 16)  # a run or an import asks for the same few thousand days millions of times
def add_months(day: date, months: int) -> date:
    """Add calendar months; a day that the target month lacks becomes that month's last (29 Feb + 12 -> 28 Feb).

    The result is clamped to the calendar's ends, so that every input has one.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if year > date.max.year:
        return date.max
    if year < date.min.year:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_days(day: date, days: int) -> date:
    """Add days, clamped to the calendar's ends."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def age_on(birth: date, day: date) -> int:
    """Return completed years of age; a person born on 29 February ages on 1 March in common years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def latest_date(instant: datetime) -> date:
    """Return the date in UTC+14, where each day begins first: an event dated later cannot have happened yet."""
    return instant.astimezone(timezone(timedelta(hours=14))).date()


class Phase(IntEnum):
    """Where a date lies relative to the due date. A later phase has a lower value, as with standing."""

    OVERDUE = 0
    GRACE = 1
    WINDOW = 2
    EARLY = 3


@dataclass(frozen=True, slots=True)
class Timetable:
    """The dates around one due date. Every bound is inclusive."""

    window_from: date
    due_on: date
    grace_until: date

    def phase(self, day: date) -> Phase:
        """Return the phase in which ``day`` lies."""
        if day < self.window_from:
            return Phase.EARLY
        if day <= self.due_on:
            return Phase.WINDOW
        return Phase.GRACE if day <= self.grace_until else Phase.OVERDUE


def timetable(due_on: date, *, window_days: int, grace_days: int) -> Timetable:
    """Build the timetable around a due date."""
    return Timetable(add_days(due_on, -window_days), due_on, add_days(due_on, grace_days))

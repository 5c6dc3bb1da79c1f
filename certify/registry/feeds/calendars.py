"""Calendars of registries: a year, a month or a day of each as the Gregorian days that it spans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from convertdate import coptic, islamic, persian
from hijridate import Gregorian, Hijri

_SHIFT = {"gregorian": 0, "japanese": 0, "buddhist": -543, "minguo": 1911}
"""Years to add to get the Gregorian year: Thailand counts from -543, Taiwan from 1911."""
_ETHIOPIAN_BEFORE_COPTIC = 276
"""The Ethiopian calendar has the months and days of the Coptic one, and counts 276 years more."""
_HIJRI = range(1343, 1501)
"""Years of the Umm al-Qura calendar that ``hijridate`` knows. Earlier ones follow the arithmetic calendar."""
ERAS = {
    "明治": date(1868, 1, 25), "大正": date(1912, 7, 30), "昭和": date(1926, 12, 25), "平成": date(1989, 1, 8),
    "令和": date(2019, 5, 1), "m": date(1868, 1, 25), "t": date(1912, 7, 30), "s": date(1926, 12, 25),
    "h": date(1989, 1, 8), "r": date(2019, 5, 1),
}  # fmt: skip
"""First days of the Japanese eras, by their names and the letters that forms use (JIS X 0301)."""


class NoSuchDay(ValueError):
    """The calendar has no such day."""


def span(calendar: str, year: int, month: int | None, day: int | None) -> tuple[date, date]:
    """Return the first and the last Gregorian day of a day, month or year.

    Args:
        calendar: one of the calendars of a description.
        year: the year, in that calendar; of the Japanese one, the Gregorian year.
        month: the month; None for a whole year.
        day: the day; None for a whole month.

    Returns:
        The days, which are the same if the day is known.

    Raises:
        NoSuchDay: there is no such day.
    """
    try:
        if day is not None:
            found = _first(calendar, year, month or 1, day)
            return found, found
        first = _first(calendar, year, month or 1, 1)
        following = (year, month + 1) if month is not None and month < _months(calendar) else (year + 1, 1)
        return first, _first(calendar, *following, 1) - timedelta(days=1)
    except (ValueError, OverflowError, IndexError) as error:
        raise NoSuchDay from error


def _months(calendar: str) -> int:
    return 13 if calendar == "ethiopian" else 12


def _first(calendar: str, year: int, month: int, day: int) -> date:
    if calendar in _SHIFT:
        return date(year + _SHIFT[calendar], month, day)
    if not 1 <= month <= _months(calendar):
        raise NoSuchDay
    convert, back = _LIBRARY[calendar]
    found = date(*convert(year, month, day))
    if back(found.year, found.month, found.day) != (year, month, day):  # a 31st of a month with 30 days, and the like
        raise NoSuchDay
    return found


def _hijri(year: int, month: int, day: int) -> tuple[int, int, int]:
    if year in _HIJRI:
        found: tuple[int, int, int] = Hijri(year, month, day).to_gregorian().datetuple()
        return found
    return _whole(islamic.to_gregorian(year, month, day))


def _hijri_back(year: int, month: int, day: int) -> tuple[int, int, int]:
    try:
        found: tuple[int, int, int] = Gregorian(year, month, day).to_hijri().datetuple()
    except (ValueError, OverflowError):
        return _whole(islamic.from_gregorian(year, month, day))
    return found


def _ethiopian(year: int, month: int, day: int) -> tuple[int, int, int]:
    return _whole(coptic.to_gregorian(year - _ETHIOPIAN_BEFORE_COPTIC, month, day))


def _ethiopian_back(year: int, month: int, day: int) -> tuple[int, int, int]:
    found = _whole(coptic.from_gregorian(year, month, day))
    return found[0] + _ETHIOPIAN_BEFORE_COPTIC, found[1], found[2]


def _persian(year: int, month: int, day: int) -> tuple[int, int, int]:
    return _whole(persian.to_gregorian(year, month, day))


def _persian_back(year: int, month: int, day: int) -> tuple[int, int, int]:
    return _whole(persian.from_gregorian(year, month, day))


def _whole(found: tuple[float, float, float]) -> tuple[int, int, int]:
    return int(found[0]), int(found[1]), int(found[2])


_Convert = Callable[[int, int, int], tuple[int, int, int]]
_LIBRARY: dict[str, tuple[_Convert, _Convert]] = {
    "persian": (_persian, _persian_back),
    "hijri": (_hijri, _hijri_back),
    "ethiopian": (_ethiopian, _ethiopian_back),
}

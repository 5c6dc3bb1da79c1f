"""Dates of feeds as registries write them: what one text means, and how exactly.

A date may lack its day, or its day and month: ``2026-11-00``, ``11/2026`` and ``2026`` are dates that span a month or a
year. A date whose day and month could be swapped is *ambiguous* until the order is declared, or proven by the file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from certify.registry.feeds.calendars import ERAS, NoSuchDay, span
from certify.registry.feeds.file_layout import Dates
from certify.registry.feeds.months import month_of
from certify.registry.normalise.dates import FILLED_IN

_CHINESE_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_SEPARATOR = r"\s*[-/. ,]\s*"
_TIME = r"(?:[T ]+\d{1,2}:\d{2}.*)?"
_YEAR_FIRST = re.compile(
    rf"(\d{{3,4}})\s*[-/.年 ]\s*(\d{{1,2}}|XX)\s*[-/.月 ]\s*(\d{{1,2}}|XX)\s*日?{_TIME}", re.IGNORECASE
)
_YEAR_LAST = re.compile(rf"(\d{{1,2}}|XX){_SEPARATOR}(\d{{1,2}}|XX){_SEPARATOR}(\d{{4}}|\d{{2}}){_TIME}", re.IGNORECASE)
_MONTH_ONLY = re.compile(r"(\d{3,4})\s*[-/.年]\s*(\d{1,2})月?")
_MONTH_YEAR = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{4})")
_YEAR_ONLY = re.compile(r"(\d{4})年")
_ERA = re.compile(
    r"(明治|大正|昭和|平成|令和|[MTSHRmtshr])\s*(元|\d{1,2})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})日?"
)
_ERA_COMPACT = re.compile(r"([MTSHRmtshr])(\d{2})(\d{2})(\d{2})")
_INSTANT = re.compile(r"(\d{8})(?:[T ]?\d{4}(?:\d{2})?|[T ]\d{2}:\d{2}.*)(?:\.\d+)?(?:[+-]\d{2}:?\d{2}|Z)?")
_FILLERS = {"de", "of", "den", "del", "du", "le"}
_SERIAL = re.compile(r"\d{1,5}(?:\.\d+)?")
_SERIAL_STARTS = {"excel": date(1899, 12, 30), "excel1904": date(1904, 1, 1)}
_MISSING = {"", "null", "none", "n/a", "na", "-", "--", "unknown", "ignorado", "desconocido", "inconnu"}
_FILLED_TEXTS = re.compile(r"(?:0001|1111|1753|1800|9999)(?:\D?\d\d){2}.*|\d\d\D?\d\d\D?(?:0001|1111|1753|1800|9999)")
"""Days that stand for an unknown one, like ``FILLED_IN``, in years that no date of a feed has."""
_OLDEST, _LATEST = date(1850, 1, 1), date(2099, 12, 31)


class Problem(StrEnum):
    """Why a text is no day."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """What a text means.

    Attributes:
        first: the first possible day; None if it is no date.
        last: the last possible day.
        problem: why it is no date; ``AMBIGUOUS`` if the order of day and month decides.
        proves: the only order in which it is a date, ``dmy`` or ``mdy``; None if it does not matter.
    """

    first: date | None = None
    last: date | None = None
    problem: Problem | None = None
    proves: str | None = None

    @property
    def precision(self) -> str | None:
        """Return ``day``, ``month`` or ``year``."""
        if self.first is None or self.last is None:
            return None
        days = (self.last - self.first).days
        return "day" if days == 0 else "month" if days <= 31 else "year"


_UNREADABLE = WrittenDate(problem=Problem.UNREADABLE)


def read_birth(value: str, dates: Dates, *, order: str | None, pivot: int | None) -> WrittenDate:
    """Read a date of birth. Days like 1900-01-01 and 1111-11-11, which stand for an unknown one, are missing.

    Args:
        value: the text.
        dates: how the feed writes dates.
        order: ``dmy`` or ``mdy``; None if it is not known.
        pivot: from which two digits on a year is 19..; None if years have four.

    Returns:
        What it means.
    """
    read = read_written(value, dates, order=order, pivot=pivot)
    filled_in = read.first in FILLED_IN and read.last == read.first
    if filled_in or (dates.calendar == "gregorian" and read.first is None and _FILLED_TEXTS.fullmatch(value.strip())):
        return WrittenDate(problem=Problem.MISSING)
    return read


def read_written(value: str, dates: Dates, *, order: str | None, pivot: int | None) -> WrittenDate:
    """Read one date.

    Args:
        value: the text.
        dates: how the feed writes dates.
        order: ``dmy`` or ``mdy``; None if it is not known.
        pivot: from which two digits on a year is 19..; None if years have four.

    Returns:
        What it means.
    """
    text = unicodedata.normalize("NFKC", value).translate(_CHINESE_DIGITS).strip()
    text = re.sub(r"(?<=\d)(st|nd|rd|th|er|º|ª|o)(?=\W)", "", text)
    if text.casefold() in _MISSING or not text.strip("0 -/.") or set(text) <= {"9"}:
        return WrittenDate(problem=Problem.MISSING)
    if found := _INSTANT.fullmatch(text):
        text = found[1]
    if dates.serial is not None and _SERIAL.fullmatch(text):
        return _known(_SERIAL_STARTS[dates.serial] + timedelta(days=int(float(text))))
    if dates.calendar == "japanese" and (found := _ERA.fullmatch(text) or _ERA_COMPACT.fullmatch(text)):
        return _era(found)
    return _numbers(text, dates.calendar, order, pivot) or _named_month(text, dates.calendar, pivot) or _UNREADABLE


def _numbers(text: str, calendar: str, order: str | None, pivot: int | None) -> WrittenDate | None:
    """Read a date that is written in digits; None if it is not."""
    if text.isdecimal():
        return _digits(text, calendar, order, pivot)
    if calendar == "minguo" and re.match(r"\d{2}\D", text):  # its years have two digits up to 2010, and stand first
        text = f"0{text}"
    if found := _YEAR_FIRST.fullmatch(text):
        return _parts(calendar, found[1], found[2], found[3])
    if found := _YEAR_LAST.fullmatch(text):
        year = _full_year(found[3], pivot)
        if year is None:
            return WrittenDate(problem=Problem.AMBIGUOUS)
        return _two_orders(calendar, found[1], found[2], year, order)
    if found := _MONTH_ONLY.fullmatch(text):
        return _parts(calendar, found[1], found[2], "00")
    if found := _MONTH_YEAR.fullmatch(text):
        return _parts(calendar, found[2], found[1], "00")
    found = _YEAR_ONLY.fullmatch(text)
    return _parts(calendar, found[1], "00", "00") if found else None


def _digits(text: str, calendar: str, order: str | None, pivot: int | None) -> WrittenDate | None:
    """Read a date of digits without separators. No date of eight digits can be read with the year first and last."""
    if len(text) == 8:
        by_year = _parts(calendar, text[:4], text[4:6], text[6:])
        if by_year.first:
            return by_year
        return _two_orders(calendar, text[:2], text[2:4], text[4:], order)
    if calendar == "minguo" and len(text) in (6, 7):
        return _parts(calendar, text[:-4], text[-4:-2], text[-2:])
    if len(text) == 6:
        return _six(text, calendar, order, pivot)
    return _parts(calendar, text, "00", "00") if len(text) == 4 else None


def _six(text: str, calendar: str, order: str | None, pivot: int | None) -> WrittenDate:
    """Read six digits: a year and a month, or a date with two digits of the year whose order is declared."""
    if pivot is None:
        return _parts(calendar, text[:4], text[4:], "00")
    if order is None:
        year = _full_year(text[:2], pivot)
        return _parts(calendar, year or "", text[2:4], text[4:])
    return _two_orders(calendar, text[:2], text[2:4], _full_year(text[4:], pivot) or "", order)


def _full_year(year: str, pivot: int | None) -> str | None:
    if len(year) == 4:
        return year
    return None if pivot is None else f"{'20' if int(year) < pivot else '19'}{year}"


def _two_orders(calendar: str, one: str, two: str, year: str, order: str | None) -> WrittenDate:
    by_day, by_month = _parts(calendar, year, two, one), _parts(calendar, year, one, two)
    if order is not None:
        return by_day if order == "dmy" else by_month
    if by_day.first and by_month.first:
        return by_day if by_day == by_month else WrittenDate(problem=Problem.AMBIGUOUS)
    if not by_day.first and not by_month.first:
        return _UNREADABLE
    found, proves = (by_day, "dmy") if by_day.first else (by_month, "mdy")
    # A day 00 fits one place as well as the other: it proves nothing about other dates.
    return WrittenDate(found.first, found.last, None, proves if found.precision == "day" else None)


def _named_month(text: str, calendar: str, pivot: int | None) -> WrittenDate | None:
    """Read a date with the name of a month, in any order; the day is the number that can be one."""
    if calendar != "gregorian":
        return None
    words = [part for found in re.findall(r"[^\W\d_][^\d]*", text) for part in re.split(r"[\s,/-]+", found.strip())]
    words = [word for word in words if word.strip(".") and word.casefold() not in _FILLERS]
    months = {month_of(word) for word in words}
    if len(months) != 1 or None in months:
        joined = month_of("".join(words))
        months = {joined} if joined else set()
    if len(months) != 1:
        return None
    (month,) = months
    numbers = re.findall(r"\d+", text.split(":", maxsplit=1)[0])
    years = [number for number in numbers if len(number) == 4]
    days = [number for number in numbers if len(number) <= 2]
    if not years and len(days) == 2:  # 02-MAR-50: the year stands last
        year = _full_year(days.pop(), pivot)
        if year is None:
            return WrittenDate(problem=Problem.AMBIGUOUS)
        years = [year]
    if len(years) != 1 or len(days) > 1:
        return None
    return _parts(calendar, years[0], str(month), days[0] if days else "00")


def _era(found: re.Match[str]) -> WrittenDate:
    start = ERAS[found[1].lower()]
    year = start.year - 1 + (1 if found[2] == "元" else int(found[2]))
    read = _parts("japanese", str(year), found[3], found[4])
    # A date before the first day of its era is a slip; it is not moved into the era before.
    return _UNREADABLE if read.last is None or read.last < start else read


def _parts(calendar: str, year: str, month: str, day: str) -> WrittenDate:
    """Read year, month and day; 00, 99 and XX mean that a month or day is not known."""
    try:
        numbers = [None if part.upper() in ("0", "00", "99", "XX") else int(part) for part in (month, day)]
        first, last = span(calendar, int(year), numbers[0], numbers[1] if numbers[0] else None)
    except (ValueError, NoSuchDay):
        return _UNREADABLE
    return _UNREADABLE if first < _OLDEST or last > _LATEST else WrittenDate(first, last)


def _known(day: date) -> WrittenDate:
    return WrittenDate(day, day) if _OLDEST <= day <= _LATEST else _UNREADABLE

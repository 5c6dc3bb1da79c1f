"""Dates as registries write them, read once for each distinct text.

A birth date becomes ``yyyymmdd`` with a ``precision``: ``day``, ``month`` for year and month alone, or ``year`` for a
year alone and for the first of January, which clerks write when the day is not known. A month or a year of another
calendar, 1942-06/1942-07 or 1942/1943, is ``months`` or ``years``, and the text is the later one with zeros. A text
that is not a date becomes NULL, with a reason.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from certify.registry.normalise.characters import by_distinct

ORDERS = ("dmy", "mdy")
ERAS = {"gregorian": 0, "buddhist": -543, "minguo": 1911}
"""Years to add to get the Gregorian year: Thailand counts from -543, Taiwan from 1911."""

FILLED_IN = (date(1900, 1, 1), date(1899, 12, 30), date(1899, 12, 31))
"""Days that programs store where no date of birth is known. No one alive was born on them."""
_CHINESE_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_YEAR_FIRST = re.compile(r"(\d{2,4})[-/.年 ](\d{1,2})[-/.月 ](\d{1,2})日?(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})(?: .*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_TWO_MONTHS = re.compile(r"(\d{4})-(\d{2})/(\d{4})-(\d{2})")
_TWO_YEARS = re.compile(r"(\d{4})/(\d{4})")
_MONTH_ONLY = re.compile(r"(\d{4})[-/.年](\d{1,2})月?")
_YEAR_ONLY = re.compile(r"(\d{2,4})年?")


def read_dates(values: pa.Array, order: str = "dmy", era: str = "gregorian") -> tuple[pa.Array, pa.Array, pa.Array]:
    """Read a column of dates.

    Args:
        values: texts or dates.
        order: ``dmy`` or ``mdy``, for dates that do not begin with the year.
        era: one of ``ERAS``.

    Returns:
        Texts ``yyyymmdd``, their precision, and the reasons of the NULLs (missing, not_a_date, impossible).
    """

    def fold(distinct: pa.Array) -> pa.Array:
        read = [read_date(value, order, era) for value in distinct.to_pylist()]
        columns = [pa.array(list(column), pa.string()) for column in zip(*read, strict=True)] or [
            pa.array([], pa.string())
        ] * 3
        return pa.StructArray.from_arrays(columns, ["day", "precision", "reason"])

    if pa.types.is_date32(values.type):
        read = by_distinct(values, _fold_days)
        reason = read.field("reason")
        if values.null_count:
            reason = pc.if_else(pc.is_null(values), "missing", reason)
        return read.field("day"), read.field("precision"), reason
    if values.null_count:  # dictionaries hold no NULL
        values = values.cast(pa.string()).fill_null("")
    read = by_distinct(values, fold)
    return read.field("day"), read.field("precision"), read.field("reason")


def _fold_days(days: pa.Array) -> pa.Array:
    """Check many days at once as ``_checked`` checks one."""
    year, first = pc.year(days), pc.and_(pc.equal(pc.month(days), 1), pc.equal(pc.day(days), 1))
    filled = pc.is_in(days, value_set=pa.array(FILLED_IN, pa.date32()))
    possible = pc.and_not(pc.and_(pc.greater_equal(year, 1850), pc.less(year, 2100)), filled)
    nothing = pa.scalar(None, pa.string())
    columns = [
        pc.if_else(possible, pc.strftime(days, "%Y%m%d"), nothing),
        pc.if_else(possible, pc.if_else(first, "year", "day"), nothing),
        pc.if_else(possible, nothing, "impossible"),
    ]
    return pa.StructArray.from_arrays(columns, ["day", "precision", "reason"])


@lru_cache(maxsize=200_000)  # a century has 36,500 days, and all batches of a large file have the same ones
def read_date(value: object, order: str, era: str) -> tuple[str | None, str | None, str | None]:  # noqa: PLR0911 - one form each
    """Read one date; return its text and precision, or the reason why it is not a date."""
    if isinstance(value, date):
        return _checked(value.year, value.month, value.day, 0)
    text = unicodedata.normalize("NFKC", str(value)).translate(_CHINESE_DIGITS).strip()
    if not text:
        return None, None, "missing"
    shift = ERAS[era]
    if found := _COMPACT.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        return _checked(int(found[1]), int(found[2]), int(found[3]), shift)
    if found := _DAY_FIRST.fullmatch(text):
        one, two = int(found[1]), int(found[2])
        day, month = (one, two) if order == "dmy" else (two, one)
        return _checked(int(found[3]), month, day, shift)
    if found := _MONTH_ONLY.fullmatch(text):
        return _checked(int(found[1]), int(found[2]), 1, shift, precision="month")
    if found := _TWO_MONTHS.fullmatch(text):
        return f"{found[3]}{found[4]}00", "months", None
    if found := _TWO_YEARS.fullmatch(text):
        return f"{found[2]}0000", "years", None
    if found := _YEAR_ONLY.fullmatch(text):
        return _checked(int(found[1]), 1, 1, shift)
    return None, None, "not_a_date"


def _checked(
    year: int, month: int, day: int, shift: int, precision: str = "day"
) -> tuple[str | None, str | None, str | None]:
    try:
        checked = date(year + shift, month, day)
    except ValueError:
        return None, None, "impossible"
    if not 1850 <= checked.year < 2100 or (checked in FILLED_IN and precision == "day"):
        return None, None, "impossible"
    return f"{checked:%Y%m%d}", "year" if (month, day) == (1, 1) else precision, None

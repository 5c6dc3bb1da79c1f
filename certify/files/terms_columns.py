"""Read the optional columns of people.csv that state the terms of a pension (certify/domain/terms.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from certify.domain.error_codes import ErrorCode
from certify.domain.money import read_amount, read_currency
from certify.domain.terms import MonthlyAmount, Payee, Relation, Terms
from certify.errors import Invalid

COLUMNS = ("monthly_amount", "currency", "ends_on", "review_on", "payee", "relation", "residence", "second_residence")

_NEVER = "never"
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})=(\S+)", re.ASCII)
_MOST_AMOUNTS = 60
_Word = TypeVar("_Word", Payee, Relation)

Day = Callable[[str], date | None]
"""Reads the date of a column, or raises Invalid; empty cells are None."""


def read_columns(cells: Mapping[str, str], starts_on: date, day: Day) -> Terms:
    """Return the terms that the cells of a row state.

    Args:
        cells: cells by column.
        starts_on: the first day of the pension.
        day: reads the date of a column.

    Raises:
        Invalid: a cell cannot be used (``monthly_amount_invalid``, ``currency_invalid``, ``ends_on_invalid``,
            ``review_on_invalid``, ``payee_invalid``, ``relation_invalid``, ``residence_invalid``,
            ``second_residence_invalid``).
    """
    currency = _currency(cells)
    ends_on = day("ends_on")
    if ends_on is not None and ends_on < starts_on:
        raise Invalid("'ends_on' lies before 'starts_on'.", code=ErrorCode.ENDS_ON_INVALID)
    permanent = cells.get("review_on", "").casefold() == _NEVER
    return Terms(
        amounts=_amounts(cells.get("monthly_amount", ""), currency, starts_on),
        currency=currency,
        ends_on=ends_on,
        review_on=None if permanent else day("review_on"),
        permanent=permanent,
        payee=_word(cells, "payee", Payee),
        relation=_word(cells, "relation", Relation),
        residence=_country(cells, "residence"),
        second_residence=_country(cells, "second_residence"),
    )


def _currency(cells: Mapping[str, str]) -> str:
    text, amount = cells.get("currency", ""), cells.get("monthly_amount", "")
    if not amount:
        return ""  # a currency alone, as in a column with one value in each row, says nothing
    try:
        return read_currency(text)
    except ValueError as error:
        raise Invalid(
            "'currency' is three capital letters, such as EUR, beside each amount.", code=ErrorCode.CURRENCY_INVALID
        ) from error


def _amounts(text: str, currency: str, starts_on: date) -> tuple[MonthlyAmount, ...]:
    """Read ``1250.00``, or amounts with their first days: ``2025-07-01=1200.00;2026-07-01=1250.00``."""
    if not text:
        return ()
    try:
        if "=" not in text:
            return (MonthlyAmount(starts_on, read_amount(text, currency)),)
        return _dated_amounts(text, currency)
    except ValueError as error:
        raise Invalid(f"'monthly_amount': {error}.", code=ErrorCode.MONTHLY_AMOUNT_INVALID) from error


def _dated_amounts(text: str, currency: str) -> tuple[MonthlyAmount, ...]:
    parts = [_DATED.fullmatch(part.strip()) for part in text.split(";")]
    if None in parts or len(parts) > _MOST_AMOUNTS:
        raise ValueError("each amount has its first day: 2026-07-01=1250.00")
    read = tuple(MonthlyAmount(date.fromisoformat(part[1]), read_amount(part[2], currency)) for part in parts if part)
    if [one.since for one in read] != sorted({one.since for one in read}):
        raise ValueError("the days of the amounts must rise")
    return read


def _word(cells: Mapping[str, str], column: str, words: type[_Word]) -> _Word | None:
    text = cells.get(column, "").casefold()
    try:
        return words(text) if text else None
    except ValueError as error:
        known = ", ".join(word.value for word in words)
        raise Invalid(f"'{column}' is one of: {known}.", code=ErrorCode(f"{column}_invalid")) from error


def _country(cells: Mapping[str, str], column: str) -> str:
    text = cells.get(column, "")
    if text and not re.fullmatch(r"[A-Z]{2}", text, re.ASCII):
        raise Invalid(
            f"'{column}' is a country of two capital letters, such as ES.", code=ErrorCode(f"{column}_invalid")
        )
    return text

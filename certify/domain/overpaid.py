"""What was paid for days after the last day of a pension, month by month. It is shown; no bill comes of it.

The service knows no payments. It knows when the policy pays, until which payment the payer was told to pay, and, where
the fund states them, the amounts. A payer who knows the last payment names its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from certify.domain.entitled import Part
from certify.domain.entitlement_rules import PartMonth, PayRule
from certify.domain.money import share_of
from certify.domain.schedule import add_days, add_months
from certify.domain.terms import Terms

MOST_MONTHS = 1200
"""A hundred years of lines: a longer list is a wrong date."""


@dataclass(frozen=True, slots=True)
class Line:
    """One month.

    Attributes:
        month: its first day.
        paid_on: when its pension was paid.
        monthly: what the pension was in that month; None where the fund states no amount.
        paid_share: the share of it that was paid.
        owed_share: the share of it that was owed.
        paid: what was paid.
        owed: what was owed.
        overpaid: the difference.
        notes: why the shares are not one or the amount differs: ``last_month``, ``first_month``, ``part:prison``,
            ``amount_changed``.
    """

    month: date
    paid_on: date
    monthly: Decimal | None
    paid_share: Fraction
    owed_share: Fraction
    paid: Decimal | None
    owed: Decimal | None
    overpaid: Decimal | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overpayment:
    """What was paid for later days than the pension is owed.

    Attributes:
        owed_until: the last day that is owed.
        paid_until: the day of the last payment that is counted.
        lines: the months, from the one of ``owed_until`` if it is owed in part.
        currency: of the amounts; empty if the fund states none.
        total: the sum of the lines; None if the amount of a month is not known, so that only months can be told.
    """

    owed_until: date
    paid_until: date
    lines: tuple[Line, ...]
    currency: str
    total: Decimal | None

    @property
    def months(self) -> Fraction:
        """Return how many months were overpaid, part months as shares."""
        return sum((line.paid_share - line.owed_share for line in self.lines), Fraction(0))


def last_pay_day(rule: PayRule, before: date) -> date:
    """Return the last day before a day on which a pension was paid."""
    days = [rule.pay_day(add_months(before.replace(day=1), months)) for months in range(-3, 3)]
    return max((day for day in days if day < before), default=date.min)


def overpayment(
    rule: PayRule, terms: Terms, parts: Sequence[Part], *, starts_on: date, owed_until: date, paid_until: date
) -> Overpayment:
    """Work out what was paid for days after the last day that is owed.

    Args:
        rule: when the scheme pays, and how part months are counted.
        terms: amounts of the pension.
        parts: parts that were payable, and so paid.
        starts_on: the first day of the pension.
        owed_until: the last day that is owed; before ``starts_on`` if nothing is.
        paid_until: the day of the last payment.

    Returns:
        The months, also those without an amount. Each line is rounded for itself, so the lines add up to the total.
    """
    lines: list[Line] = []
    month = max(starts_on, min(add_days(owed_until, 1), date(9998, 1, 1))).replace(day=1)
    before: Decimal | None = None
    while len(lines) < MOST_MONTHS and month.year < date.max.year and rule.pay_day(month) <= paid_until:
        line = _line(rule, terms, parts, month, starts_on=starts_on, owed_until=owed_until)
        if line.monthly is not None and before is not None and line.monthly != before:
            line = Line(
                line.month, line.paid_on, line.monthly, line.paid_share, line.owed_share, line.paid, line.owed,
                line.overpaid, (*line.notes, "amount_changed"),
            )  # fmt: skip
        before = line.monthly
        lines.append(line)
        month = add_months(month, 1)
    sums = [line.overpaid for line in lines]
    known = [one for one in sums if one is not None]
    total = sum(known, Decimal(0)) if terms.amounts and len(known) == len(sums) else None
    return Overpayment(owed_until, paid_until, tuple(lines), terms.currency, total)


def _line(
    rule: PayRule, terms: Terms, parts: Sequence[Part], month: date, *, starts_on: date, owed_until: date
) -> Line:
    last = add_days(add_months(month, 1), -1)
    first = max(month, starts_on)
    paid_share = _share(rule.part_month, parts, month, last, first, last)
    owed_share = _share(rule.part_month, parts, month, last, first, min(last, owed_until))
    notes = [
        *(["first_month"] if first > month else []),
        *(["last_month"] if month <= owed_until < last else []),
        *sorted({f"part:{part.rule}" for part in parts if part.covers(first) or month <= part.since <= last}),
    ]
    monthly = terms.amount_on(first)
    paid = owed = over = None
    if monthly is not None:
        paid, owed = share_of(monthly, paid_share, terms.currency), share_of(monthly, owed_share, terms.currency)
        over = paid - owed
    return Line(month, rule.pay_day(month), monthly, paid_share, owed_share, paid, owed, over, tuple(notes))


def _share(how: PartMonth, parts: Sequence[Part], month: date, month_end: date, first: date, last: date) -> Fraction:
    """Return the share of a month's amount for its days from ``first`` to ``last``, with the parts that hold then."""
    if last < first:
        return Fraction(0)
    whole = first == month and last == month_end
    if how is PartMonth.WHOLE and not whole:
        first, last, whole = month, month_end, True
    days = [date(month.year, month.month, day) for day in range(first.day, last.day + 1)]
    fractions = [min((part.fraction for part in parts if part.covers(day)), default=Fraction(1)) for day in days]
    total = sum(fractions, Fraction(0))
    if whole or how is not PartMonth.THIRTIETHS:
        return total / month_end.day
    return min(Fraction(len(days), 30), Fraction(1)) * total / len(days)

"""The rules of a scheme about the entitlement itself: its end, its reviews, what is paid in part, and when.

A lawyer of the fund reads them in the policy file; docs/policy.md explains each key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from certify.domain.channels import ATTESTERS
from certify.domain.policy_table import PolicyInvalid, Table
from certify.domain.schedule import add_days, add_months

_CONDITION = re.compile(r"[a-z][a-z_]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?")
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


class PartMonth(StrEnum):
    """How the share of a month is worked out of which only some days are owed."""

    DAYS = "days"  # by the days that the month has
    THIRTIETHS = "thirtieths"  # each month counts thirty days
    WHOLE = "whole"  # a month that has begun is owed whole


class PaidIn(StrEnum):
    """In which month the pension of a month is paid."""

    BEFORE = "month_before"  # in advance
    SAME = "same_month"
    AFTER = "month_after"  # in arrears


@dataclass(frozen=True, slots=True)
class PayRule:
    """When the pension of a month is paid.

    Attributes:
        day: day of the month; the last day in months that are shorter.
        paid_in: in which month.
        part_month: how the share of a month is worked out.
    """

    day: int
    paid_in: PaidIn
    part_month: PartMonth

    def pay_day(self, month: date) -> date:
        """Return the day on which the pension of a month is paid; ``month`` is any day of it."""
        shift = {PaidIn.BEFORE: -1, PaidIn.SAME: 0, PaidIn.AFTER: 1}[self.paid_in]
        first = add_months(month.replace(day=1), shift)
        # From a first of January each day of the month is reached by adding months, which keeps to its last day.
        return add_months(date(first.year, 1, self.day), first.month - 1)


@dataclass(frozen=True, slots=True)
class Continuation:
    """A condition while which a pension goes on beyond its usual end, until an age at most."""

    until_age: int


@dataclass(frozen=True, slots=True)
class EndRule:
    """When a pension ends that is paid until an age.

    Attributes:
        age: completed years.
        last: the last day: ``day`` (on which the age is completed, the day before the birthday), ``month`` (the end of
            its month), ``previous_month``, or a day of the year such as ``03-31``, the first from then on.
        automatic: whether the payment stops at the end by itself, if the fund's own award states the same end.
        announce_days: days before the end from which an officer is asked and the person is told.
        continues_while: conditions while which the pension goes on, by name.
    """

    age: int
    last: str
    automatic: bool
    announce_days: int
    continues_while: Mapping[str, Continuation] = field(default_factory=dict)

    def end(self, birth_date: date, age: int) -> date:
        """Return the last day of a pension that is paid until an age."""
        completed = add_days(add_months(birth_date, 12 * age), -1)
        if self.last == "day":
            return completed
        first = completed.replace(day=1)
        if self.last == "month":
            return add_days(add_months(first, 1), -1)
        if self.last == "previous_month":
            return add_days(first, -1)
        month, day = (int(part) for part in self.last.split("-"))
        this_year = _day_of(completed.year, month, day)
        return this_year if this_year >= completed else _day_of(min(completed.year + 1, date.max.year), month, day)


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """When the condition behind a pension is reviewed, such as a disability.

    Attributes:
        about: name of the condition.
        months: months from one review to the next.
        ask_days: days before the review from which an officer is asked and the person is told.
    """

    about: str
    months: int
    ask_days: int


@dataclass(frozen=True, slots=True)
class PartRule:
    """Which part of a pension is payable while a condition holds that two officers found.

    Attributes:
        fraction: the part, from 0 to less than 1.
        justification: the law that says so.
    """

    fraction: Fraction
    justification: str


@dataclass(frozen=True, slots=True)
class AbroadRule:
    """What proves life of a person who lives in a country.

    Attributes:
        accepts: capacities in which an institution may attest there.
        validity_months: how long such an attestation counts at most.
        apostille: whether a paper from there needs an apostille or a legalisation. A consulate of the fund's own
            country needs none.
        languages: languages in which the form is accepted, the preferred one first.
        justification: the agreement or practice that it rests on.
    """

    accepts: frozenset[str]
    validity_months: int
    apostille: bool
    languages: tuple[str, ...]
    justification: str


@dataclass(frozen=True, slots=True)
class EntitlementRules:
    """All rules of a scheme about the entitlement itself.

    Attributes:
        ends_at: when the pension ends by age; None if it does not.
        review_every: when its condition is reviewed; None if it is not.
        part_while: what is payable while a condition holds, by kind of record.
        payment: when it is paid; None if the policy does not say, and then no overpayment is worked out.
        abroad: what proves life, by country of residence; a country that is missing follows the common rules.
    """

    ends_at: EndRule | None = None
    review_every: ReviewRule | None = None
    part_while: Mapping[str, PartRule] = field(default_factory=dict)
    payment: PayRule | None = None
    abroad: Mapping[str, AbroadRule] = field(default_factory=dict)

    @property
    def by_date(self) -> bool:
        """Return whether a date alone can change the entitlement, so that SQL must not decide (runs/silent.py)."""
        return self.ends_at is not None or self.review_every is not None

    @property
    def conditions(self) -> frozenset[str]:
        """Return the names of the conditions that an officer can find to be met."""
        found = set(self.ends_at.continues_while) if self.ends_at else set()
        return frozenset(found | ({self.review_every.about} if self.review_every else set()))


def entitlement_rules(top: Table) -> EntitlementRules:
    """Read the rules from the top table of a policy.

    Args:
        top: the table, whose keys are taken.

    Raises:
        PolicyInvalid: a value is missing, unknown or impossible; the text names the table and the key.
    """
    return EntitlementRules(
        ends_at=_end_rule(Table(top.take("ends_at", dict), "ends_at")) if top.has("ends_at") else None,
        review_every=_review_rule(Table(top.take("review_every", dict), "review_every"))
        if top.has("review_every")
        else None,
        part_while={
            name: _part_rule(Table(table, f"part_while.{_condition(name, 'part_while')}"))
            for name, table in top.take("part_while", dict, {}).items()
        },
        payment=_pay_rule(Table(top.take("payment", dict), "payment")) if top.has("payment") else None,
        abroad={
            country: _abroad_rule(Table(table, f"abroad.{_country(country)}"))
            for country, table in top.take("abroad", dict, {}).items()
        },
    )


def _end_rule(table: Table) -> EndRule:
    last = table.take("last", str)
    if last not in ("day", "month", "previous_month") and not _MONTH_DAY.fullmatch(last):
        raise PolicyInvalid(
            f'{table.where}: \'last\' is "day", "month", "previous_month" or a day such as "03-31", not {last!r}'
        )
    age = table.integer("age", 0, 130)
    continues = {}
    for name, data in table.take("continues_while", dict, {}).items():
        inner = Table(data, f"{table.where}.continues_while.{_condition(name, table.where)}")
        continues[name] = Continuation(inner.integer("until_age", age + 1, 131))
        inner.done()
    rule = EndRule(
        age=age,
        last=last,
        automatic=table.take("automatic", bool, False),
        announce_days=table.integer("announce_days", 30, 366),
        continues_while=continues,
    )
    table.done()
    return rule


def _review_rule(table: Table) -> ReviewRule:
    rule = ReviewRule(
        about=_condition(table.take("about", str), table.where),
        months=table.integer("months", 1, 240),
        ask_days=table.integer("ask_days", 30, 366),
    )
    table.done()
    return rule


def _part_rule(table: Table) -> PartRule:
    text = table.take("fraction", str)
    match = re.fullmatch(r"([0-9]{1,4})/([1-9][0-9]{0,3})", text)
    fraction = Fraction(int(match[1]), int(match[2])) if match else None
    if fraction is None or fraction >= 1:
        raise PolicyInvalid(f'{table.where}: \'fraction\' is a part such as "1/2" or "0/1", not {text!r}')
    rule = PartRule(fraction, table.take("justification", str))
    table.done()
    return rule


def _pay_rule(table: Table) -> PayRule:
    rule = PayRule(
        day=table.integer("day", 1, 31),
        paid_in=table.word("paid_in", PaidIn),
        part_month=table.word("part_month", PartMonth),
    )
    table.done()
    return rule


def _abroad_rule(table: Table) -> AbroadRule:
    languages = table.take("languages", list)
    if not languages or any(not isinstance(one, str) or not _LANGUAGE.fullmatch(one) for one in languages):
        raise PolicyInvalid(f'{table.where}: \'languages\' has codes such as "pt" or "zh-Hans", not {languages!r}')
    accepts = frozenset(channel.value for channel in table.channels("accepts"))
    if not accepts or accepts - ATTESTERS:
        raise PolicyInvalid(f"{table.where}: 'accepts' has some of {', '.join(sorted(ATTESTERS))}")
    rule = AbroadRule(
        accepts=accepts,
        validity_months=table.integer("validity_months", 1, 36),
        apostille=table.take("apostille", bool),
        languages=tuple(languages),
        justification=table.take("justification", str),
    )
    table.done()
    return rule


def _condition(name: Any, where: str) -> str:
    if not isinstance(name, str) or not _CONDITION.fullmatch(name):
        raise PolicyInvalid(f"{where}: a condition is up to 40 small letters or _, not {name!r}")
    return name


def _country(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise PolicyInvalid(f"abroad.{code}: a country is two capital letters")
    return code


def _day_of(year: int, month: int, day: int) -> date:
    """Return a day of a year; 29 February is 28 February in common years."""
    return add_months(date(year, 1, day), month - 1)

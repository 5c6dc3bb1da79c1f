"""The terms of one pension that its fund may state: amount, award's end, review, payee, second residence.

All are optional. They are written as one canonical JSON text, so that a row, its MAC and each determination hold the
same text, and a pension without terms is as it was in releases that knew none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Payee(StrEnum):
    """Who receives the payment for the person."""

    GUARDIAN = "guardian"  # a parent or guardian of a child, or of a person who cannot act
    INSTITUTION = "institution"  # a home or an office that cares for the person


class Relation(StrEnum):
    """The relation of the person to the insured person who died."""

    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class MonthlyAmount:
    """What the pension is a month, from a day on."""

    since: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one pension.

    Attributes:
        amounts: what it is a month, by rising day; empty if the fund states no amount.
        currency: of the amounts; empty without them.
        ends_on: the last day of the award, where the fund awarded the pension until a day.
        review_on: the day of the next medical review that the award states.
        permanent: whether the award says that no review is due.
        payee: who receives the payment, if that is not the person.
        relation: to the insured person who died, for survivors and orphans.
        residence: country where the person lives, two capital letters; empty if the fund does not state it.
        second_residence: country of a second residence that the fund knows of, two capital letters; or empty.
    """

    amounts: tuple[MonthlyAmount, ...] = ()
    currency: str = ""
    ends_on: date | None = None
    review_on: date | None = None
    permanent: bool = False
    payee: Payee | None = None
    relation: Relation | None = None
    residence: str = ""
    second_residence: str = ""

    def amount_on(self, day: date) -> Decimal | None:
        """Return what the pension is a month on a day; None if the fund states no amount for it."""
        return next((one.amount for one in reversed(self.amounts) if one.since <= day), None)


NO_TERMS = Terms()

BINDING = ("ends_on", "review_on", "permanent", "second_residence")
"""Names of terms that can change a decision. The others are only shown or added up."""


def write_terms(terms: Terms) -> str | None:
    """Return terms as canonical JSON text without what is not stated; None if nothing is stated."""
    stated: dict[str, object] = {
        "amounts": [[one.since.isoformat(), str(one.amount)] for one in terms.amounts],
        "currency": terms.currency,
        "ends_on": terms.ends_on.isoformat() if terms.ends_on else None,
        "review_on": terms.review_on.isoformat() if terms.review_on else None,
        "permanent": terms.permanent,
        "payee": terms.payee.value if terms.payee else None,
        "relation": terms.relation.value if terms.relation else None,
        "residence": terms.residence,
        "second_residence": terms.second_residence,
    }
    known = {name: value for name, value in stated.items() if value}
    # The form of certify.domain.codec.canonical, which stands above this file.
    return json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if known else None


def read_terms(text: str | None) -> Terms:
    """Undo ``write_terms``.

    Raises:
        ValueError: the text is not one that ``write_terms`` returned.
    """
    if text is None:
        return NO_TERMS
    try:
        data = json.loads(text)
        return Terms(
            amounts=tuple(
                MonthlyAmount(date.fromisoformat(since), Decimal(amount)) for since, amount in data.pop("amounts", ())
            ),
            currency=data.pop("currency", ""),
            ends_on=_day(data.pop("ends_on", None)),
            review_on=_day(data.pop("review_on", None)),
            permanent=data.pop("permanent", False),
            payee=Payee(data.pop("payee")) if "payee" in data else None,
            relation=Relation(data.pop("relation")) if "relation" in data else None,
            residence=data.pop("residence", ""),
            second_residence=data.pop("second_residence", ""),
        )
    except (ArithmeticError, AttributeError, KeyError, TypeError) as error:
        raise ValueError("these are no terms of a pension") from error


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)

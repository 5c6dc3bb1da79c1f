"""Decide the pensions of people who are new, and of whom nothing is known but their own dates: millions of them.

``decide`` decides one pension of each kind (certify/domain/alike.py). What is stored of each is brief, as with silent
passes: the pension as it was decided, and the hash of the verdict. ``decide`` returns the whole again at any time
(docs/decisions/0044).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from operator import attrgetter
from typing import Any

from certify.decision.cases import case_kinds
from certify.decision.determine import standing_columns
from certify.domain.alike import Likeness
from certify.domain.case_kinds import CaseKind
from certify.domain.codec import canonical, determination_to_json, wordless
from certify.domain.decide import Determination, Entitlement, NextStep, Payment, Standing, decide
from certify.domain.passage import birthdays, next_change
from certify.policies import PolicyDocument

_ID = "00000000-0000-0000-0000-000000000000"
_REMEMBERED = 1 << 16


@dataclass(frozen=True, slots=True)
class First:
    """What was decided of one pension, and of all that are treated alike.

    Attributes:
        determination: of a pension with an id of zeros.
        standing: the columns of ``entitlements`` that it gives, without ``next_change_on``.
        cases: kinds of the review cases that it opens.
        verdict: the canonical form of the verdict, before and after the id of the pension.
        next_change_on: the first day on which it may change, unless a birthday comes before.
        forecast: the month in which the first proof is due, ``overdue``, or empty for a pension that is certified.
        texts: the values of ``standing``, as PostgreSQL reads them.
    """

    determination: Determination
    standing: Mapping[str, Any]
    cases: tuple[CaseKind, ...]
    verdict: tuple[bytes, bytes]
    next_change_on: date | None
    forecast: str
    texts: tuple[str | None, ...]

    def digest(self, entitlement_id: str) -> str:
        """Return what ``determination_digest`` returns for the pension with this id, in hexadecimal."""
        before, after = self.verdict
        return hashlib.sha256(before + entitlement_id.encode() + after).hexdigest()


class FirstDecisions:
    """Decides pensions, one of each kind, and remembers the result."""

    def __init__(self) -> None:
        self._schemes: dict[tuple[str, date], _Scheme] = {}

    def decide(self, pension: Entitlement, document: PolicyDocument, as_of: date) -> tuple[First, date | None]:
        """Decide a pension about which there is no evidence.

        Args:
            pension: the pension.
            document: the policy of its scheme.
            as_of: today, where the scheme is.

        Returns:
            The decision, and the first day on which it may change.
        """
        scheme = self._schemes.get((document.sha256, as_of))
        if scheme is None:
            scheme = self._schemes[document.sha256, as_of] = _Scheme(document, as_of)
        return scheme.decide(pension)


class _Scheme:
    """The decisions of one scheme on one day."""

    def __init__(self, document: PolicyDocument, as_of: date) -> None:
        self._document, self._as_of = document, as_of
        self._likeness = Likeness(document.policy, as_of)
        self._known: dict[tuple[Any, ...], First] = {}
        self._birthdays: dict[date | None, date | None] = {}

    def decide(self, pension: Entitlement) -> tuple[First, date | None]:
        key = (*self._likeness.key(pension), *_as_they_are(pension))
        first = self._known.get(key)
        if first is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            first = self._known[key] = _decide(self._likeness.of(pension), self._document, self._as_of)
        born, change = pension.birth_date, first.next_change_on
        if born not in self._birthdays:
            days = birthdays(born, self._document.policy)
            self._birthdays[born] = min((day for day in days if day > self._as_of), default=None)
        birthday = self._birthdays[born]
        return first, birthday if change is None or (birthday is not None and birthday < change) else change


_LIKE = {"id", "starts_on", "first_due_on", "birth_date", "terms"}
_as_they_are = attrgetter(*(one.name for one in fields(Entitlement) if one.name not in _LIKE))
"""What counts as it is; a new field of ``Entitlement`` is among it without a word here."""


def _decide(kind: Entitlement, document: PolicyDocument, as_of: date) -> First:
    determination = decide(replace(kind, id=_ID), document.policy, (), as_of)
    before, found, after = canonical(wordless(determination_to_json(determination))).partition(_ID.encode())
    if not found or _ID.encode() in after:
        raise AssertionError("a verdict names its pension once")
    cases = list(case_kinds(determination)) if determination.review else []
    if determination.next_step is NextStep.DOORSTEP:
        cases.append(CaseKind.VISIT)
    stopped = determination.as_of if determination.payment is Payment.STOP else None
    standing = {**standing_columns(determination), "stopped_on": stopped}
    return First(
        determination=determination,
        standing=standing,
        cases=tuple(cases),
        verdict=(before, after),
        next_change_on=next_change(replace(kind, birth_date=None), document.policy, determination),
        forecast=forecast(determination),
        texts=tuple(None if value is None else str(value) for value in standing.values()),
    )


def forecast(determination: Determination) -> str:
    """Return the month in which a first proof is due, ``overdue``, or an empty text for any other standing."""
    if determination.standing is Standing.OVERDUE:
        return Standing.OVERDUE.name.lower()
    if determination.standing in (Standing.DUE, Standing.GRACE):
        return determination.timetable.due_on.isoformat()[:7]
    return ""

"""Decide the pensions of people who are new, and of whom nothing is known but their own dates: millions of them.

``decide`` decides one pension of each kind (certify/domain/alike.py). What is stored of each is brief, as with silent
passes: the pension as it was decided, and the hash of the verdict. ``decide`` returns the whole again at any time
(docs/decisions/0044).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from certify.decision.cases import case_kinds
from certify.decision.determine import standing_columns
from certify.domain.alike import alike
from certify.domain.case_kinds import CaseKind
from certify.domain.codec import canonical, determination_to_json, wordless
from certify.domain.decide import Determination, Entitlement, NextStep, Payment, decide
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
    """

    determination: Determination
    standing: Mapping[str, Any]
    cases: tuple[CaseKind, ...]
    verdict: tuple[bytes, bytes]
    next_change_on: date | None

    def digest(self, entitlement_id: str) -> bytes:
        """Return what ``determination_digest`` returns for the pension with this id."""
        before, after = self.verdict
        return hashlib.sha256(before + entitlement_id.encode() + after).digest()


class FirstDecisions:
    """Decides pensions, one of each kind, and remembers the result."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, date, Entitlement], First] = {}
        self._birthdays: dict[tuple[str, date, date | None], date | None] = {}

    def decide(self, entitlement: Entitlement, document: PolicyDocument, as_of: date) -> tuple[First, date | None]:
        """Decide a pension about which there is no evidence.

        Args:
            entitlement: the pension.
            document: the policy of its scheme.
            as_of: today, where the scheme is.

        Returns:
            The decision, and the first day on which it may change.
        """
        kind = alike(entitlement, document.policy, as_of)
        key = (document.sha256, as_of, kind)
        first = self._known.get(key)
        if first is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            first = self._known[key] = _decide(kind, document, as_of)
        at = (document.sha256, as_of, entitlement.birth_date)
        if at not in self._birthdays:
            if len(self._birthdays) >= _REMEMBERED:
                self._birthdays.clear()
            days = birthdays(entitlement.birth_date, document.policy)
            self._birthdays[at] = min((day for day in days if day > as_of), default=None)
        birthday, change = self._birthdays[at], first.next_change_on
        return first, birthday if change is None or (birthday is not None and birthday < change) else change


def _decide(kind: Entitlement, document: PolicyDocument, as_of: date) -> First:
    determination = decide(replace(kind, id=_ID), document.policy, (), as_of)
    before, found, after = canonical(wordless(determination_to_json(determination))).partition(_ID.encode())
    if not found or _ID.encode() in after:
        raise AssertionError("a verdict names its pension once")
    cases = list(case_kinds(determination)) if determination.review else []
    if determination.next_step is NextStep.DOORSTEP:
        cases.append(CaseKind.VISIT)
    stopped = determination.as_of if determination.payment is Payment.STOP else None
    return First(
        determination=determination,
        standing={**standing_columns(determination), "stopped_on": stopped},
        cases=tuple(cases),
        verdict=(before, after),
        next_change_on=next_change(replace(kind, birth_date=None), document.policy, determination),
    )

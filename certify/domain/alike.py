"""Pensions of people of whom no evidence is known: which of them ``decide`` treats alike.

A file of people brings millions of such pensions. Their determinations differ by a few thousand combinations of dates,
so each combination is decided once (certify/decision/first.py). tests/certify/domain/test_alike.py compares the result
with ``decide`` on random pensions.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from certify.domain.determination import Entitlement
from certify.domain.policy import Policy
from certify.domain.schedule import add_months, age_on
from certify.domain.terms import BINDING, NO_TERMS, Terms


class Likeness:
    """Tells which pensions of one scheme are alike on one day.

    ``decide`` uses the start of a pension only for the day on which its first proof is due, and that day only if no
    proof is valid for longer. It uses the birth date only for the ages that the policy names, and of the terms only
    those that can bind (``terms.BINDING``). Everything else counts as it is, and so does all of a scheme whose pensions
    end by birth date, or are reviewed after their start.

    Args:
        policy: the rules of the scheme.
        as_of: the date of the decisions.
    """

    def __init__(self, policy: Policy, as_of: date) -> None:
        self._months, self._as_of = policy.validity_months, as_of
        self._dated = policy.entitlement.ends_at is not None or policy.entitlement.review_every is not None
        self._ages = sorted({0, policy.min_age or 0, *(band.from_age for band in policy.bands)})
        self._born: dict[date | None, date | None] = {None: None}

    def of(self, pension: Entitlement) -> Entitlement:
        """Return the pension that stands for all that are alike.

        As long as no evidence is known, its determination is that of ``pension`` but for the id, which is empty.
        """
        starts_on, first_due, born, terms = self.key(pension)
        return replace(pension, id="", starts_on=starts_on, first_due_on=first_due, birth_date=born, terms=terms)

    def key(self, pension: Entitlement) -> tuple[date, date | None, date | None, Terms]:
        """Return the start, the first due day, the birth date and the terms of the pension that stands for this one."""
        terms = pension.terms
        if terms is not NO_TERMS:
            terms = Terms(**{name: getattr(terms, name) for name in BINDING})
        if self._dated:
            return pension.starts_on, pension.first_due_on, pension.birth_date, terms
        due = add_months(pension.starts_on, self._months)
        if pension.first_due_on is not None and pension.first_due_on > due:
            due = pension.first_due_on
        proven, first_due = pension.last_proof_on, due
        if proven is not None and proven <= self._as_of and add_months(proven, self._months) >= due:
            first_due = date.min
        birth = pension.birth_date
        if birth not in self._born:
            self._born[birth] = self._representative(birth)
        return date.min, first_due, self._born[birth], terms

    def _representative(self, birth: date | None) -> date | None:
        """Return the birth date of somebody who passes the last of the same ages today; who is not yet born stays."""
        if birth is None:
            return None
        passed = [age for age in self._ages if age <= age_on(birth, self._as_of)]
        return add_months(self._as_of, -12 * passed[-1]) if passed else birth

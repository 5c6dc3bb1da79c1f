"""Pensions of people of whom no evidence is known: which of them ``decide`` treats alike.

A file of people brings millions of such pensions. Their determinations differ by a few thousand combinations of dates,
so each combination is decided once (certify/decision/first.py). tests/certify/domain/test_alike.py compares the result
with ``decide`` on random pensions.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache

from certify.domain.determination import Entitlement
from certify.domain.policy import Policy
from certify.domain.schedule import add_months, age_on

_REMEMBERED = 1 << 16


def alike(entitlement: Entitlement, policy: Policy, as_of: date) -> Entitlement:
    """Return the pension that stands for all that have the same determination as long as no evidence is known.

    ``decide`` uses the start of a pension only for the day on which its first proof is due, and that day only if no
    proof is valid for longer. It uses the birth date only for the ages that the policy names. Everything else stays.

    Args:
        entitlement: the pension.
        policy: the rules of its scheme.
        as_of: the date of the decision.

    Returns:
        A pension without id. Its determination is that of ``entitlement`` but for the id.
    """
    first_due: date | None = _due(entitlement.starts_on, policy.validity_months)
    if entitlement.first_due_on is not None and (first_due is None or entitlement.first_due_on > first_due):
        first_due = entitlement.first_due_on
    proven = entitlement.last_proof_on
    if proven is not None and proven <= as_of and first_due is not None:
        first_due = first_due if first_due > _due(proven, policy.validity_months) else None
    ages = tuple(sorted({0, *(band.from_age for band in policy.bands)} | ({policy.min_age or 0})))
    birth = entitlement.birth_date
    return replace(
        entitlement,
        id="",
        starts_on=date.min,
        first_due_on=first_due,
        birth_date=None if birth is None else _born(birth, ages, as_of),
    )


@lru_cache(_REMEMBERED)
def _due(day: date, months: int) -> date:
    return add_months(day, months)


@lru_cache(_REMEMBERED)
def _born(birth_date: date, ages: tuple[int, ...], as_of: date) -> date:
    """Return a birth date of somebody who has passed the same ages; one not yet born stays."""
    age = age_on(birth_date, as_of)
    passed = [known for known in ages if known <= age]
    return add_months(as_of, -12 * passed[-1]) if passed else birth_date

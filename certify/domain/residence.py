"""Tell which reports of a move agree with what the fund knows: a person can live in two countries by turns.

People spend the winter in another country, or live on both sides of a border. A report that they live there is then no
news, and no reason to ask for a consul.
"""

from __future__ import annotations

from collections.abc import Sequence

from certify.domain.determination import Entitlement
from certify.domain.evidence import AdverseRecord
from certify.domain.policy import Effect, Policy
from certify.domain.reasons import Code, Reason, reason

MOVES = frozenset({"emigration", "residence_abroad"})
"""Kinds that report where a person lives."""


def explained(entitlement: Entitlement, policy: Policy, record: AdverseRecord) -> bool | None:
    """Return whether the second residence that the fund knows explains a record.

    Args:
        entitlement: the pension, with its terms.
        policy: the rules; a kind that can stop the payment is never explained.
        record: an adverse record.

    Returns:
        True if the record names that country; False if it names another one, is no report of a move that matters here,
        or the fund knows of no second residence; None if the record names no country, so that an officer has to look.
    """
    known, rule = entitlement.terms.second_residence, policy.adverse.get(record.kind)
    if not known or record.kind not in MOVES or rule is None or rule.can_stop or rule.effect is Effect.NONE:
        return False
    return None if record.country is None else record.country == known


def explanations(
    entitlement: Entitlement, policy: Policy, records: Sequence[AdverseRecord]
) -> tuple[list[Reason], bool]:
    """Return reasons for records that a second residence may explain, and whether an officer must look.

    Args:
        entitlement: the pension, with its terms.
        policy: the rules of its scheme.
        records: the adverse records that stand.
    """
    found = [(record, explained(entitlement, policy, record)) for record in records]
    country = entitlement.terms.second_residence
    reasons = [
        reason(
            Code.RESIDENCE_EXPLAINED if agrees else Code.RESIDENCE_NOT_NAMED,
            record.id,
            kind=record.kind,
            source=record.source,
            country=country,
        )
        for record, agrees in found
        if agrees is not False
    ]
    return reasons, any(agrees is None for _, agrees in found)

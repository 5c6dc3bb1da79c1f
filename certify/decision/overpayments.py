"""Show what was paid too much for a pension that stopped. The sum is worked out when it is asked for, and never stored.

It rests on the last determination alone: its terms, its policy, and the last day that is owed. If a death is taken
back, the next determination stops nothing, and there is no overpayment any more.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from certify.decision.determinations import find_determination
from certify.decision.determine import entitlement_from_json
from certify.domain.decide import Payment
from certify.domain.entitled import Part
from certify.domain.overpaid import Overpayment, last_pay_day, overpayment
from certify.domain.told import told
from certify.service import Unit
from certify.storage.facts import stored_policy
from certify.storage.tables.people import EntitlementRow


def overpaid(unit: Unit, pension: EntitlementRow, *, paid_until: date | None = None) -> Overpayment | None:
    """Return what was paid for days after the last day that is owed.

    Args:
        unit: the transaction to read in.
        pension: the pension.
        paid_until: the day of the last payment, if the payer states it; by default the last pay day before the payer
            was told to stop.

    Returns:
        The months, and the sum if the fund states amounts; None if the payment is not stopped, no last day is known,
        or the policy does not say when it pays.

    Raises:
        NotFound: the determination or its policy is missing (``determination_not_found``, ``policy_missing``).
    """
    if pension.payment != Payment.STOP or pension.determination_id is None or pension.stopped_on is None:
        return None
    row = find_determination(unit, pension.determination_id)
    said = told(row.verdict)
    rule = stored_policy(unit.db, row.policy_sha256).policy.entitlement.payment
    if said.owed_until is None or rule is None:
        return None
    entitlement = entitlement_from_json(row.inputs["entitlement"])
    return overpayment(
        rule,
        entitlement.terms,
        [Part(part.rule, Fraction(part.fraction), part.since, part.until) for part in said.parts],
        starts_on=entitlement.starts_on,
        owed_until=said.owed_until,
        paid_until=paid_until or last_pay_day(rule, pension.stopped_on),
    )

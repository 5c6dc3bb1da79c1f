"""Answer "may I pay?" for one pension: which share, of what, until when, and what was paid too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from certify.decision.determinations import ProofBehind, proof_behind
from certify.decision.overpayments import overpaid
from certify.domain.decide import Payment
from certify.domain.money import share_of
from certify.domain.overpaid import Overpayment
from certify.domain.schedule import local_date
from certify.domain.terms import Terms, read_terms
from certify.domain.told import NOTHING_TOLD, Told, ToldPart
from certify.service import Unit
from certify.storage.tables.people import EntitlementRow


@dataclass(frozen=True, slots=True)
class Payable:
    """The answer for one pension.

    Attributes:
        behind: the proof behind the standing; None if the pension was never determined.
        told: what the determination says about the entitlement.
        terms: what the fund states of the pension.
        share: the share that is payable today, from 0 to 1.
        amount: what is payable a month; None if the fund states no amount.
        overpaid: what was paid for days after the last day that is owed; None if nothing was, or it is not known.
    """

    behind: ProofBehind | None
    told: Told
    terms: Terms
    share: Fraction
    amount: Decimal | None
    overpaid: Overpayment | None


def payable(unit: Unit, pension: EntitlementRow, *, last_paid_on: date | None = None) -> Payable:
    """Return what a payer needs to know of one pension.

    Args:
        unit: the transaction to read in.
        pension: the pension.
        last_paid_on: day of the last payment, if the payer states it.

    Raises:
        NotFound: a part of the determination is missing (``determination_not_found``, ``policy_missing``).
    """
    behind = None if pension.determination_id is None else proof_behind(unit, pension.determination_id)
    told, terms = behind.entitlement if behind else NOTHING_TOLD, read_terms(pension.terms)
    today = local_date(unit.now, unit.service.policy(pension.scheme).policy.timezone)
    share = Fraction(0) if pension.payment == Payment.STOP else share_on(told.parts, today)
    monthly = terms.amount_on(today)
    return Payable(
        behind,
        told,
        terms,
        share,
        None if monthly is None else share_of(monthly, share, terms.currency),
        overpaid(unit, pension, paid_until=last_paid_on),
    )


def share_on(parts: Sequence[ToldPart], day: date) -> Fraction:
    """Return the share that is payable on a day: the smallest of the parts that hold then."""
    held = [part for part in parts if part.since <= day and (part.until is None or day <= part.until)]
    return min((Fraction(part.fraction) for part in held), default=Fraction(1))


def overpaid_lines(found: Overpayment) -> list[str]:
    """Return an overpayment as sentences for an officer, with the sum worked out line by line."""
    if not found.lines:
        return [f"Owed until {found.owed_until}; nothing was paid for later days by {found.paid_until}."]
    lines = [f"Owed until {found.owed_until}; paid until the payment of {found.paid_until}."]
    for line in found.lines:
        share = f"share paid {line.paid_share}, owed {line.owed_share}"
        sums = "" if line.paid is None else f": {line.paid} - {line.owed} = {line.overpaid} {found.currency}"
        notes = f" ({', '.join(line.notes)})" if line.notes else ""
        lines.append(f"{line.month:%Y-%m}, paid on {line.paid_on}, {share}{sums}{notes}")
    total = f"{found.total} {found.currency}" if found.total is not None else "not known: the fund states no amount"
    return [*lines, f"Overpaid: {found.months} months, {total}. This is no claim and no bill; an officer decides."]

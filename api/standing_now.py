"""Build the answer to a payer: whether pensions may be paid, which part, and what was paid too much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from uuid import UUID

from api.journal import shows
from api.schemas.standings import OverpaidMonthOut, OverpaidOut, PartOut, PensionStandingOut, StandingOut
from certify.decision.determinations import ProofBehind, proof_behind
from certify.decision.overpayments import overpaid
from certify.domain.decide import Payment
from certify.domain.money import share_of
from certify.domain.overpaid import Line, Overpayment
from certify.domain.schedule import local_date
from certify.domain.scope import Scope
from certify.domain.terms import read_terms
from certify.domain.told import NOTHING_TOLD, ToldPart
from certify.service import Unit
from certify.storage.people import entitlements_of
from certify.storage.tables.people import EntitlementRow


def standing(unit: Unit, beneficiary_id: UUID, scope: Scope, last_paid_on: date | None = None) -> StandingOut:
    """Show a payer whether the pensions of a person may be paid.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.
        scope: which pensions the payer may see.
        last_paid_on: day of the last payment, if the payer states it.
    """
    shows(beneficiary_id)
    pensions = [row for row in entitlements_of(unit.db, beneficiary_id) if scope.covers_scheme(row.scheme)]
    return StandingOut(
        beneficiary_id=beneficiary_id,
        as_of=unit.now,
        pensions=[_pension(unit, row, last_paid_on) for row in pensions],
    )


def _pension(unit: Unit, row: EntitlementRow, last_paid_on: date | None) -> PensionStandingOut:
    behind: ProofBehind | None = None if row.determination_id is None else proof_behind(unit, row.determination_id)
    said = behind.entitlement if behind else NOTHING_TOLD
    terms = read_terms(row.terms)
    today = local_date(unit.now, unit.service.policy(row.scheme).policy.timezone)
    share = Fraction(0) if row.payment == Payment.STOP else _share(said.parts, today)
    amount = terms.amount_on(today)
    too_much = overpaid(unit, row, paid_until=last_paid_on)
    return PensionStandingOut(
        scheme=row.scheme,
        payment=row.payment,
        standing=row.standing,
        valid_until=row.valid_until,
        back_pay_from=row.back_pay_from,
        owed_until=said.owed_until,
        overpaid=_overpaid(too_much) if too_much else None,
        entitled_until=said.entitled_until,
        parts=[
            PartOut(
                rule=part.rule,
                fraction=part.fraction,
                since=part.since,
                until=part.until,
                justification=part.justification,
                facts=list(part.facts),
            )
            for part in said.parts
        ],
        payable=str(share),
        payable_amount=None if amount is None else str(share_of(amount, share, terms.currency)),
        currency=terms.currency or None,
        payee=terms.payee,
        method=behind.method if behind else None,
        assurance=behind.assurance if behind else "",
        decided_on=behind.decided_on if behind else None,
    )


def _share(parts: Sequence[ToldPart], today: date) -> Fraction:
    """Return the share that is payable today: the smallest of the parts that hold."""
    held = [part for part in parts if part.since <= today and (part.until is None or today <= part.until)]
    return min((Fraction(part.fraction) for part in held), default=Fraction(1))


def _overpaid(found: Overpayment) -> OverpaidOut:
    return OverpaidOut(
        owed_until=found.owed_until,
        paid_until=found.paid_until,
        months=str(found.months),
        currency=found.currency or None,
        total=None if found.total is None else str(found.total),
        lines=[_line(line) for line in found.lines],
    )


def _line(line: Line) -> OverpaidMonthOut:
    def text(value: object) -> str | None:
        return None if value is None else str(value)

    return OverpaidMonthOut(
        month=f"{line.month:%Y-%m}",
        paid_on=line.paid_on,
        monthly=text(line.monthly),
        paid_share=str(line.paid_share),
        owed_share=str(line.owed_share),
        paid=text(line.paid),
        owed=text(line.owed),
        overpaid=text(line.overpaid),
        notes=list(line.notes),
    )

"""Build the answer to a payer: whether pensions may be paid, which part, and what was paid too much."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from uuid import UUID

from api.journal import shows
from api.schemas.standings import OverpaidMonthOut, OverpaidOut, PartOut, PensionStandingOut, StandingOut
from certify.decision.payable import payable
from certify.domain.overpaid import Line, Overpayment
from certify.domain.scope import Scope
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
    found = payable(unit, row, last_paid_on=last_paid_on)
    said, terms, behind = found.told, found.terms, found.behind
    return PensionStandingOut(
        scheme=row.scheme,
        payment=row.payment,
        standing=row.standing,
        valid_until=row.valid_until,
        back_pay_from=row.back_pay_from,
        owed_until=said.owed_until,
        overpaid=_overpaid(found.overpaid) if found.overpaid else None,
        entitled_until=said.entitled_until,
        parts=[PartOut.model_validate({**asdict(part), "facts": list(part.facts)}) for part in said.parts],
        payable=str(found.share),
        payable_amount=None if found.amount is None else str(found.amount),
        currency=terms.currency or None,
        payee=terms.payee,
        method=behind.method if behind else None,
        assurance=behind.assurance if behind else "",
        decided_on=behind.decided_on if behind else None,
    )


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

"""Draw rulings at random for the audit, and record what a person who had no part in them found."""

from __future__ import annotations

from uuid import UUID

from certify.decision.cases import ensure_case
from certify.decision.proposals import second_officer_needed
from certify.domain.case_kinds import CaseKind
from certify.domain.draws import below
from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Bar
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import RulingAuditOutcome
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.proposals import get_proposal
from certify.storage.ruling_audits import add_ruling_audit, get_ruling_audit
from certify.storage.tables.proposals import ProposalRow, RulingAuditRow

_PARTS = 1_000_000


def draw_ruling(unit: Unit, row: ProposalRow, *, share: float) -> bool:
    """Draw a ruling for the audit with the probability of the policy. No officer can know beforehand which are drawn.

    Args:
        unit: the transaction that carries the ruling out.
        row: the proposal of the ruling.
        share: probability, from 0 to 1.

    Returns:
        Whether it was drawn.
    """
    if row.beneficiary_id is None or below(_PARTS, unit.service.random_bytes) >= share * _PARTS:
        return False
    unit.db.flush()
    add_ruling_audit(unit.db, row.id, row.beneficiary_id, unit.now)
    unit.ledger(LedgerEvent.RULING_DRAWN, row.beneficiary_id, proposal=str(row.id))
    return True


def record_ruling_audit(unit: Unit, proposal_id: UUID, outcome: RulingAuditOutcome, *, officer: str) -> RulingAuditRow:
    """Record the result of the check of a drawn ruling. A wrong ruling opens a review case.

    Args:
        unit: the transaction to write in.
        proposal_id: id of the proposal of the ruling.
        outcome: what the check found.
        officer: the principal who checked.

    Returns:
        The stored audit.

    Raises:
        NotFound: the ruling was not drawn (``audit_not_found``).
        Conflict: the check has a result already (``audit_recorded``), or this officer had a part in the ruling
            (``second_officer_needed``).
    """
    proposal = get_proposal(unit.db, proposal_id)
    if proposal.beneficiary_id is not None:
        get_beneficiary(unit.db, proposal.beneficiary_id, lock=True)
    row = get_ruling_audit(unit.db, proposal_id, lock=True)
    if row.outcome is not None:
        raise Conflict(f"The result of this check is recorded already: {row.outcome}.", code=ErrorCode.AUDIT_RECORDED)
    if unit.is_actor(officer, proposal.proposed_by) or unit.is_actor(officer, proposal.decided_by):
        raise second_officer_needed(Bar.PROPOSED)
    row.outcome, row.checked_by, row.checked_at = outcome.value, officer, unit.now
    unit.ledger(
        LedgerEvent.RULING_AUDITED,
        row.beneficiary_id,
        proposal=str(proposal_id),
        outcome=outcome.value,
        officer=officer,
    )
    if outcome is RulingAuditOutcome.WRONG:
        ensure_case(unit, row.beneficiary_id, CaseKind.FALSE_PASS)
        unit.db.flush()
    return row

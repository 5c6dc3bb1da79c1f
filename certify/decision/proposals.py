"""Keep proposals: one officer proposes an action with a reason, another agrees, refuses, or it is recalled in time.

This file says who may do what to a proposal. What an action does is in ``certify.approvals.actions``, which calls this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Action, ActionReason, Bar, FourEyesRule, barred
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import ProposalState
from certify.errors import Conflict, Invalid
from certify.service import Unit
from certify.storage.enrolled import enroller_of
from certify.storage.people import entitlements_of, get_beneficiary
from certify.storage.proposals import expired_proposals, get_proposal, open_proposal_of
from certify.storage.tables.proposals import ProposalRow

KEPT_OPEN = timedelta(days=14)
"""How long a proposal waits for a second officer. A starting value: an appeal must be answered within ten days
(certify/decision/appeal.py), and who agrees after two weeks decides on a file that has changed."""

MAX_TEXT = 2000
"""Characters of the text of a proposal."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why an action is proposed: a code for counting, and a text for the second officer."""

    reason: ActionReason
    text: str


@dataclass(frozen=True, slots=True)
class Matter:
    """What a proposal is about.

    Attributes:
        action: what is to be done.
        target: id of the case, person, reference or visit, or number of the certificate.
        beneficiary_id: the person, whose row is locked; None when no one knows whose visit it is.
        opened_by: the principal who caused the review case; None for an action without a case.
    """

    action: Action
    target: str
    beneficiary_id: UUID | None
    opened_by: str | None = None


def rules_of(unit: Unit, beneficiary_id: UUID | None) -> list[FourEyesRule]:
    """Return the rules of the schemes of a person; of all schemes when the person is not known or has none."""
    schemes = [row.scheme for row in entitlements_of(unit.db, beneficiary_id)] if beneficiary_id else []
    known = [unit.service.policies[scheme] for scheme in schemes if scheme in unit.service.policies]
    return [document.policy.four_eyes for document in known or unit.service.policies.values()]


def new_proposal(unit: Unit, matter: Matter, officer: str, why: Why) -> ProposalRow:
    """Store a proposal, and record it in the ledger.

    Args:
        unit: the transaction to write in.
        matter: what it is about.
        officer: the principal who proposes.
        why: the reason, whose text is sealed with the person's data key.

    Returns:
        The proposal, in state ``proposed``.

    Raises:
        Invalid: the text is missing or too long (``reason_missing``).
        Conflict: the same action is proposed already (``proposal_open``).
        Gone: the person was erased (``person_erased``).
    """
    written = why.text.strip()
    if not 1 <= len(written) <= MAX_TEXT:
        raise Invalid(
            "The reason has no text, or more than 2,000 characters.",
            hint="Say in a sentence what you saw or read.",
            code=ErrorCode.REASON_MISSING,
        )
    known = open_proposal_of(unit.db, matter.action, matter.target)
    if known is not None:
        raise Conflict(
            f"This is proposed already (proposal {known.id}).",
            hint="Carry that proposal out, or refuse it.",
            code=ErrorCode.PROPOSAL_OPEN,
        )
    proposal_id, person = unit.service.new_id(), matter.beneficiary_id
    row = ProposalRow(
        id=proposal_id,
        action=matter.action.value,
        target=matter.target,
        beneficiary_id=person,
        reason=why.reason.value,
        text_sealed=unit.sealer(person).seal(written.encode(), _label(proposal_id)) if person else None,
        text_plain=None if person else written,
        state=ProposalState.PROPOSED,
        proposed_by=officer,
        proposed_at=unit.now,
        expires_at=unit.now + KEPT_OPEN,
    )
    unit.db.add(row)
    unit.db.flush()
    _note(unit, LedgerEvent.ACTION_PROPOSED, row, target=row.target, reason=row.reason)
    return row


def text_of(unit: Unit, row: ProposalRow) -> str | None:
    """Return what the officer wrote; None when the person was erased.

    Args:
        unit: the transaction to read in.
        row: the proposal.
    """
    if row.beneficiary_id is None or row.text_sealed is None:
        return row.text_plain
    sealers = unit.service.vault.sealers(unit.db, [row.beneficiary_id])
    sealer = sealers.get(row.beneficiary_id)
    return None if sealer is None else sealer.open(row.text_sealed, _label(row.id)).decode()


def lock_proposal(unit: Unit, proposal_id: UUID) -> ProposalRow:
    """Lock a proposal and, before it, its person.

    Raises:
        NotFound: no such proposal (``proposal_not_found``).
    """
    person = get_proposal(unit.db, proposal_id).beneficiary_id
    if person is not None:
        get_beneficiary(unit.db, person, lock=True)
    return get_proposal(unit.db, proposal_id, lock=True)


def require_second(unit: Unit, row: ProposalRow, officer: str, *, opened_by: str | None) -> None:
    """Check that a proposal waits for a second officer, and that this officer may be it.

    Raises:
        Conflict: the proposal is settled (``proposal_settled``), or the officer proposed it, opened the case or
            enrolled the person (``second_officer_needed``).
    """
    require_state(row, ProposalState.PROPOSED)
    if row.expires_at <= unit.now:
        raise settled(row)
    require_impartial(unit, officer, row.beneficiary_id, proposed_by=row.proposed_by, opened_by=opened_by)


def require_impartial(
    unit: Unit, officer: str, beneficiary_id: UUID | None, *, proposed_by: str | None, opened_by: str | None
) -> None:
    """Check that an officer had no part in what is to be decided.

    Raises:
        Conflict: the officer proposed it, opened the case or enrolled the person (``second_officer_needed``).
        RowAltered: the row of the person names another enroller than the ledger (``row_altered``).
    """
    enrolled_by = enroller_of(unit.db, get_beneficiary(unit.db, beneficiary_id)) if beneficiary_id else None
    known = [officer if unit.is_actor(officer, name) else name for name in (proposed_by, opened_by, enrolled_by)]
    bar = barred(officer, proposed_by=known[0], opened_by=known[1], enrolled_by=known[2])
    if bar is not None:
        raise second_officer_needed(bar)


def second_officer_needed(bar: Bar) -> Conflict:
    """Return the refusal of an officer who had a part in what is to be decided (``second_officer_needed``)."""
    return Conflict(
        f"{bar.meaning} Another officer has to decide.",
        hint="Ask a colleague who neither proposed this, nor opened the case, nor enrolled the person.",
        code=ErrorCode.SECOND_OFFICER_NEEDED,
    )


def agree(unit: Unit, row: ProposalRow, officer: str, *, wait: timedelta) -> None:
    """Record that a second officer agrees to an action that waits before it is carried out."""
    row.state, row.decided_by, row.decided_at = ProposalState.WAITING, officer, unit.now
    row.due_at = unit.now + wait
    _note(unit, LedgerEvent.ACTION_AGREED, row, due_at=row.due_at.isoformat())


def close(unit: Unit, row: ProposalRow, officer: str | None = None) -> None:
    """Record that an action was carried out, by a second officer, or after its waiting time."""
    row.state, row.ended_at = ProposalState.CARRIED_OUT, unit.now
    if officer is not None:
        row.decided_by, row.decided_at = officer, unit.now
    _note(unit, LedgerEvent.ACTION_CARRIED_OUT, row, proposed_by=row.proposed_by, decided_by=row.decided_by)


def refuse_proposal(unit: Unit, proposal_id: UUID, *, officer: str) -> ProposalRow:
    """Refuse a proposal, as a second officer.

    Args:
        unit: the transaction to write in.
        proposal_id: id of the proposal.
        officer: the principal who refuses.

    Returns:
        The proposal.

    Raises:
        NotFound: no such proposal (``proposal_not_found``).
        Conflict: it is settled (``proposal_settled``), or this officer proposed it (``second_officer_needed``).
    """
    row = lock_proposal(unit, proposal_id)
    require_state(row, ProposalState.PROPOSED)
    if unit.is_actor(officer, row.proposed_by):
        raise second_officer_needed(Bar.PROPOSED)
    row.state, row.decided_by, row.decided_at, row.ended_at = ProposalState.REFUSED, officer, unit.now, unit.now
    _note(unit, LedgerEvent.ACTION_REFUSED, row)
    return row


def recall_proposal(unit: Unit, proposal_id: UUID, *, by: str) -> ProposalRow:
    """Take a proposal back. Before the decision its author can, while it waits any officer and the person can.

    Args:
        unit: the transaction to write in.
        proposal_id: id of the proposal.
        by: the principal who recalls it; the caller has checked that it is an officer or the person.

    Returns:
        The proposal.

    Raises:
        NotFound: no such proposal (``proposal_not_found``).
        Conflict: it is settled (``proposal_settled``), or another officer proposed it and no one has decided yet
            (``not_your_proposal``).
    """
    row = lock_proposal(unit, proposal_id)
    require_state(row, ProposalState.PROPOSED, ProposalState.WAITING)
    if row.state == ProposalState.PROPOSED and not unit.is_actor(by, row.proposed_by):
        raise Conflict(
            "Another officer proposed this.",
            hint="Refuse the proposal instead of recalling it.",
            code=ErrorCode.NOT_YOUR_PROPOSAL,
        )
    row.state, row.ended_by, row.ended_at = ProposalState.RECALLED, by, unit.now
    _note(unit, LedgerEvent.ACTION_RECALLED, row)
    return row


def expire_proposals(unit: Unit) -> int:
    """Close the proposals on which no second officer decided in time; return how many."""
    rows = expired_proposals(unit.db, unit.now)
    for row in rows:
        row.state, row.ended_at = ProposalState.EXPIRED, unit.now
        _note(unit, LedgerEvent.ACTION_EXPIRED, row)
    return len(rows)


def require_state(row: ProposalRow, *states: ProposalState) -> None:
    """Check that a proposal is in one of these states.

    Raises:
        Conflict: it is settled, or waits for its time already (``proposal_settled``).
    """
    if row.state not in states:
        raise settled(row)


def settled(row: ProposalRow) -> Conflict:
    """Return the refusal to touch a proposal that is not open any more (``proposal_settled``)."""
    state = ProposalState.EXPIRED if row.state == ProposalState.PROPOSED else ProposalState(row.state)
    return Conflict(f"This proposal is settled: {state.meaning}", code=ErrorCode.PROPOSAL_SETTLED)


def _note(unit: Unit, event: LedgerEvent, row: ProposalRow, **details: object) -> None:
    unit.ledger(event, row.beneficiary_id, proposal=str(row.id), action=row.action, **details)


def _label(proposal_id: UUID) -> str:
    return f"proposal:{proposal_id}"

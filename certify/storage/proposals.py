"""Find and lock the proposals of officers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Action
from certify.domain.scope import EVERYTHING, Scope
from certify.domain.states import ProposalState
from certify.errors import NotFound
from certify.storage.scope import within
from certify.storage.tables.doorstep import BundleRow
from certify.storage.tables.proposals import ProposalRow

OPEN = (ProposalState.PROPOSED, ProposalState.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalFilter:
    """Which proposals are wanted; None for all.

    Attributes:
        state: in this state.
        action: of this action.
        beneficiary_id: about this person.
        proposed_by: of this principal.
    """

    state: str | None = None
    action: str | None = None
    beneficiary_id: UUID | None = None
    proposed_by: str | None = None


def get_proposal(db: Session, proposal_id: UUID, *, lock: bool = False) -> ProposalRow:
    """Return a proposal.

    Args:
        db: the session of the transaction.
        proposal_id: id of the proposal.
        lock: lock the row until the transaction ends, and read it again if the session holds it already.

    Raises:
        NotFound: no such proposal (``proposal_not_found``).
    """
    query = select(ProposalRow).where(ProposalRow.id == proposal_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.scalars(query).one_or_none()
    if row is None:
        raise NotFound("There is no such proposal.", code=ErrorCode.PROPOSAL_NOT_FOUND)
    return row


def open_proposal_of(db: Session, action: Action, target: str) -> ProposalRow | None:
    """Return the open proposal of an action on a target; there is one at most."""
    query = select(ProposalRow).where(
        ProposalRow.action == action.value, ProposalRow.target == target, ProposalRow.state.in_(OPEN)
    )
    return db.scalars(query).one_or_none()


def list_proposals(
    db: Session, wanted: ProposalFilter, *, after: UUID | None = None, limit: int, scope: Scope = EVERYTHING
) -> Sequence[ProposalRow]:
    """Return proposals about people in a scope, oldest first.

    Args:
        db: the session of the transaction.
        wanted: which proposals.
        after: the last one of the page before; None for the first page.
        limit: at most so many.
        scope: of the caller. Visits of which no one knows whose they are belong to no scope but everything.
    """
    query = within(select(ProposalRow), scope, ProposalRow.beneficiary_id)  # type: ignore[arg-type]  # none is outside
    for column, value in (
        (ProposalRow.state, wanted.state),
        (ProposalRow.action, wanted.action),
        (ProposalRow.beneficiary_id, wanted.beneficiary_id),
        (ProposalRow.proposed_by, wanted.proposed_by),
    ):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        last = get_proposal(db, after)
        query = query.where(tuple_(ProposalRow.proposed_at, ProposalRow.id) > (last.proposed_at, last.id))
    return db.scalars(query.order_by(ProposalRow.proposed_at, ProposalRow.id).limit(limit)).all()


def due_proposals(db: Session, now: datetime, *, limit: int = 100) -> Sequence[UUID]:
    """Return the waiting proposals whose time has come."""
    query = select(ProposalRow.id).where(ProposalRow.state == ProposalState.WAITING, ProposalRow.due_at <= now)
    return db.scalars(query.order_by(ProposalRow.due_at).limit(limit)).all()


def expired_proposals(db: Session, now: datetime, *, limit: int = 100) -> Sequence[ProposalRow]:
    """Lock and return the proposals on which no second officer decided in time."""
    query = select(ProposalRow).where(ProposalRow.state == ProposalState.PROPOSED, ProposalRow.expires_at <= now)
    return db.scalars(query.order_by(ProposalRow.expires_at).limit(limit).with_for_update(skip_locked=True)).all()


def forget_proposals_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete what officers wrote about a person, and end their open proposals. Who decided what remains."""
    theirs = ProposalRow.beneficiary_id == beneficiary_id
    visits = select(BundleRow.id).where(BundleRow.beneficiary_id == beneficiary_id)
    about = select(ProposalRow).where(theirs | ProposalRow.target.in_([str(visit) for visit in db.scalars(visits)]))
    for row in db.scalars(about):  # as objects, so that each row is sealed again
        row.text_sealed = row.text_plain = None
        if row.beneficiary_id == beneficiary_id and row.state in OPEN and row.action != Action.ERASE.value:
            row.state = ProposalState.EXPIRED
    db.flush()

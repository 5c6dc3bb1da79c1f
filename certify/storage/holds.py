"""Find holds on agents, and the visits that a hold covers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import String, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from certify.domain.sources import INTEGRITY
from certify.domain.states import BundleState, HoldState
from certify.storage.tables.decisions import EvidenceRow
from certify.storage.tables.doorstep import AgentHoldRow, BundleRow

_BUNDLE, _GIVEN_BACK = "bundle:", ":back"


def hold_record(bundle_id: UUID) -> str:
    """Return the number of the adverse record by which a visit is held, at the source ``integrity``."""
    return f"{_BUNDLE}{bundle_id}"


def release_record(bundle_id: UUID) -> str:
    """Return the number of the record that takes the adverse record of a visit back."""
    return f"{hold_record(bundle_id)}{_GIVEN_BACK}"


def open_holds(db: Session) -> Sequence[AgentHoldRow]:
    """Return the holds that wait for a supervisor, oldest first."""
    query = select(AgentHoldRow).where(AgentHoldRow.state == HoldState.OPEN)
    return db.scalars(query.order_by(AgentHoldRow.opened_at)).all()


def open_hold_of(db: Session, agent_id: UUID) -> AgentHoldRow | None:
    """Return the open hold of an agent; there is one at most."""
    query = select(AgentHoldRow).where(AgentHoldRow.agent_id == agent_id, AgentHoldRow.state == HoldState.OPEN)
    return db.scalars(query).one_or_none()


def agent_of_hold(db: Session, hold_id: UUID) -> UUID | None:
    """Return the agent of a hold; None when there is no such hold."""
    return db.scalar(select(AgentHoldRow.agent_id).where(AgentHoldRow.id == hold_id))


def lock_hold(db: Session, hold_id: UUID) -> AgentHoldRow:
    """Lock a hold that exists, and return it."""
    return db.get_one(AgentHoldRow, hold_id, with_for_update=True)


def decided_until(db: Session, agent_id: UUID) -> datetime | None:
    """Return when a supervisor last decided a hold of an agent, either way; None when none was decided."""
    return db.scalar(select(func.max(AgentHoldRow.decided_at)).where(AgentHoldRow.agent_id == agent_id))


def undecided_bundles(db: Session, ids: Collection[UUID], *, opened_after: datetime | None) -> Sequence[BundleRow]:
    """Return those of the bundles that were opened after an instant, by person; all of them without an instant."""
    query = select(BundleRow).where(BundleRow.id.in_(ids)).order_by(BundleRow.beneficiary_id, BundleRow.id)
    if opened_after is not None:
        query = query.where(BundleRow.opened_at > opened_after)
    return db.scalars(query).all()


def held_bundles(db: Session, agent_id: UUID) -> Sequence[BundleRow]:
    """Return the visits of an agent that are held, however old, by person; without those that were given back."""
    record = EvidenceRow
    number = literal(_BUNDLE) + cast(BundleRow.id, String)
    held = exists().where(record.source == INTEGRITY, record.external_id == number)
    back = exists().where(record.source == INTEGRITY, record.external_id == number + _GIVEN_BACK)
    query = select(BundleRow).where(BundleRow.agent_id == agent_id, BundleRow.state == BundleState.OPENED, held, ~back)
    return db.scalars(query.order_by(BundleRow.beneficiary_id, BundleRow.id)).all()

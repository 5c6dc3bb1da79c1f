"""Find agents, list them, and lock them while visits are planned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import AgentState
from certify.errors import NotFound
from certify.storage.tables.doorstep import AgentRow, VisitTraceRow


def get_agent(db: Session, agent_id: UUID, *, lock: bool = False) -> AgentRow:
    """Return an agent.

    The lock is FOR NO KEY UPDATE: other transactions can still store rows that refer to the agent. Visits come in while
    hundreds of people are determined.

    Args:
        db: the session.
        agent_id: id of the agent.
        lock: whether to lock the row until the transaction ends.

    Returns:
        The stored agent.

    Raises:
        NotFound: no such agent (``agent_not_found``).
    """
    query = select(AgentRow).where(AgentRow.id == agent_id)
    row = db.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such agent.", code=ErrorCode.AGENT_NOT_FOUND)
    return row


def all_agents(db: Session) -> Sequence[AgentRow]:
    """Return all agents, by badge."""
    return db.scalars(select(AgentRow).order_by(AgentRow.badge)).all()


def has_badge(db: Session, badge: str) -> bool:
    """Tell whether an agent has this badge."""
    return db.scalars(select(AgentRow.id).where(AgentRow.badge == badge)).one_or_none() is not None


def lock_working_agents(db: Session) -> Sequence[AgentRow]:
    """Lock the agents who work, in the order of their ids, and return them.

    Two plannings cannot run at the same time, and no agent becomes ill during one. Rows that refer to agents do not
    wait for this lock (FOR NO KEY UPDATE).
    """
    query = select(AgentRow).where(AgentRow.state == AgentState.ACTIVE).order_by(AgentRow.id)
    return db.scalars(query.with_for_update(key_share=True)).all()


def lock_agents_with_badges(db: Session, badges: Collection[str]) -> dict[str, AgentRow]:
    """Lock the agents with these badges, in the order of their ids (FOR NO KEY UPDATE), and return them by badge."""
    query = select(AgentRow).where(AgentRow.badge.in_(badges)).order_by(AgentRow.id)
    return {row.badge: row for row in db.scalars(query.with_for_update(key_share=True))}


def agents_to_score(db: Session, settled: timedelta) -> list[UUID]:
    """Return the agents with traces that were noted since their last score, by id.

    Args:
        db: the session.
        settled: how long a transaction that notes a trace can last. A trace that was noted shortly before the last
            score may have been invisible to it, because its transaction had not ended.

    Returns:
        The ids of the agents.
    """
    trace = VisitTraceRow
    new = or_(AgentRow.watched_at.is_(None), trace.noted_at > AgentRow.watched_at - settled)
    query = select(AgentRow.id).where(exists().where(trace.agent_id == AgentRow.id, new))
    return list(db.scalars(query.order_by(AgentRow.id)))

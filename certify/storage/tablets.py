"""Find the tablets of agents, their invitations, and the challenges that a passkey answers once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from certify.domain.states import TabletState
from certify.storage.tables.doorstep import TabletChallengeRow, TabletRow


def tablets_of(db: Session, agent_id: UUID) -> Sequence[TabletRow]:
    """Return the tablets of an agent, newest first."""
    query = select(TabletRow).where(TabletRow.agent_id == agent_id)
    return db.scalars(query.order_by(TabletRow.invited_at.desc())).all()


def find_tablet(db: Session, tablet_id: UUID) -> TabletRow | None:
    """Return a tablet; None when there is no such tablet."""
    return db.get(TabletRow, tablet_id)


def lock_tablet(db: Session, tablet_id: UUID) -> TabletRow | None:
    """Lock a tablet and return it; None when there is no such tablet."""
    return db.get(TabletRow, tablet_id, with_for_update=True)


def lock_invited_tablet(db: Session, invite_hash: bytes) -> TabletRow | None:
    """Lock the tablet that waits for this invitation and return it; None when there is none.

    Args:
        db: the session.
        invite_hash: keyed hash of the one-time secret.

    Returns:
        The tablet. Its invitation may be past its time: the caller checks that.
    """
    query = select(TabletRow).where(TabletRow.invite_hash == invite_hash, TabletRow.state == TabletState.INVITED)
    return db.scalars(query.with_for_update()).one_or_none()


def use_challenge(db: Session, challenge: bytes, *, tablet_id: UUID, now: datetime) -> bool:
    """Delete a challenge that was answered, so that it counts once.

    Args:
        db: the session.
        challenge: the challenge, as it was sent.
        tablet_id: the tablet that answered.
        now: the present instant.

    Returns:
        Whether the tablet had this challenge and its time had not run out.
    """
    gone = (
        delete(TabletChallengeRow)
        .where(
            TabletChallengeRow.challenge == challenge,
            TabletChallengeRow.tablet_id == tablet_id,
            TabletChallengeRow.expires_at > now,
        )
        .returning(TabletChallengeRow.challenge)
    )
    return db.scalars(gone).one_or_none() is not None


def purge_challenges(db: Session, now: datetime) -> None:
    """Delete challenges that were not answered in time."""
    db.execute(delete(TabletChallengeRow).where(TabletChallengeRow.expires_at <= now))

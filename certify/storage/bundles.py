"""Find bundles (sealed visits as tablets sent them), read a tablet's chain, and lock what is opened or deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import BundleState, SessionState
from certify.errors import NotFound
from certify.storage.tables.doorstep import BundleRow, VisitRow
from certify.storage.tables.sessions import SessionRow

UNSIGNED = "unsigned"
"""Reason of a refused bundle that its tablet did not sign: its sender is unknown."""


class Link(NamedTuple):
    """What a place in a tablet's chain holds: the bundle's hash, and the hash of the bundle before it."""

    sha256: bytes
    previous: bytes


class SentVisit(NamedTuple):
    """A bundle, with outcome and guidance of its capture session if it has one."""

    bundle: BundleRow
    outcome: str | None
    guidance: Sequence[str]


def lock_bundle(db: Session, bundle_id: UUID) -> BundleRow:
    """Lock a bundle and return it.

    Args:
        db: the session.
        bundle_id: id of the bundle.

    Returns:
        The stored bundle.

    Raises:
        NotFound: no such bundle (``bundle_not_found``).
    """
    row = db.scalars(select(BundleRow).where(BundleRow.id == bundle_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no such sealed visit.", code=ErrorCode.BUNDLE_NOT_FOUND)
    return row


def find_bundle(db: Session, sha256: bytes) -> BundleRow | None:
    """Return the bundle with this hash, if it came before."""
    return db.scalars(select(BundleRow).where(BundleRow.sha256 == sha256)).one_or_none()


def bundles_of_slip(db: Session, start: bytes) -> Sequence[BundleRow]:
    """Return the bundles whose hash begins with these bytes, as the slip of a visit names it; most often one."""
    ends = start.ljust(32, b"\x00"), start.ljust(32, b"\xff")
    return db.scalars(select(BundleRow).where(BundleRow.sha256.between(*ends)).limit(10)).all()


def bundle_of_session(db: Session, session_id: UUID) -> BundleRow | None:
    """Return the bundle that a capture session came from; None when it did not come from a tablet."""
    return db.scalars(select(BundleRow).where(BundleRow.session_id == session_id)).one_or_none()


def bundles_by_id(db: Session, ids: Collection[UUID]) -> dict[UUID, BundleRow]:
    """Return many bundles, by id."""
    return {row.id: row for row in db.scalars(select(BundleRow).where(BundleRow.id.in_(ids)))}


def agents_of_bundles(db: Session, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the agents who made visits, by the ids of their bundles."""
    query = select(BundleRow.id, BundleRow.agent_id)
    return dict(db.execute(query.where(BundleRow.id.in_(ids))).all())


def was_opened(db: Session, tablet_id: UUID, visit_id: UUID) -> bool:
    """Tell whether a bundle of this visit from this tablet was opened."""
    opened = select(BundleRow.id).where(BundleRow.state == BundleState.OPENED)
    same = opened.where(BundleRow.tablet_id == tablet_id, BundleRow.visit_id == visit_id)
    return db.scalars(same).first() is not None


def were_media_used(db: Session, media_sha256: Sequence[str]) -> bool:
    """Tell whether any of these photos, papers and videos was in a bundle that was opened."""
    opened = select(BundleRow.id).where(BundleRow.state == BundleState.OPENED)
    return db.scalars(opened.where(BundleRow.media_sha256.overlap(media_sha256))).first() is not None


def is_place_taken(db: Session, tablet_id: UUID, seq: int) -> bool:
    """Tell whether a place in a tablet's chain has a bundle that was not refused."""
    taken = select(BundleRow.id).where(
        BundleRow.tablet_id == tablet_id, BundleRow.seq == seq, BundleRow.state != BundleState.REFUSED
    )
    return db.scalars(taken).first() is not None


def links_near(db: Session, tablet_id: UUID, seq: int) -> dict[int, Link]:
    """Return what the chain of a tablet holds at a place and at the places before and after it, by place.

    Refused bundles have no place.
    """
    near = select(BundleRow.seq, BundleRow.sha256, BundleRow.previous).where(
        BundleRow.tablet_id == tablet_id,
        BundleRow.state != BundleState.REFUSED,
        BundleRow.seq.in_((seq - 1, seq, seq + 1)),
    )
    return {place: Link(sha256, previous) for place, sha256, previous in db.execute(near)}


def last_link(db: Session, tablet_id: UUID) -> tuple[int, bytes] | None:
    """Return place and hash of the last link of a tablet's chain; None when it has none."""
    query = select(BundleRow.seq, BundleRow.sha256).where(
        BundleRow.tablet_id == tablet_id, BundleRow.state != BundleState.REFUSED
    )
    row = db.execute(query.order_by(BundleRow.seq.desc()).limit(1)).one_or_none()
    return (row.seq, row.sha256) if row else None


def missing_places(db: Session, tablet_id: UUID) -> list[int]:
    """Return the places in a tablet's chain that did not come, although later ones did."""
    query = select(BundleRow.seq).where(BundleRow.tablet_id == tablet_id, BundleRow.reason.is_distinct_from(UNSIGNED))
    came = set(db.scalars(query))
    return [place for place in range(1, max(came, default=0)) if place not in came]


def count_unsigned(db: Session, tablet_id: UUID, since: datetime) -> int:
    """Count the bundles in a tablet's name that it did not sign, received after an instant."""
    query = select(func.count()).where(
        BundleRow.tablet_id == tablet_id, BundleRow.reason == UNSIGNED, BundleRow.received_at > since
    )
    return db.scalar(query) or 0


def count_waiting_of_tablet(db: Session, tablet_id: UUID) -> int:
    """Count the bundles of a tablet that are not opened, or whose capture session is not decided."""
    query = (
        select(func.count())
        .select_from(BundleRow)
        .outerjoin(SessionRow, SessionRow.id == BundleRow.session_id)
        .where(
            BundleRow.tablet_id == tablet_id,
            (BundleRow.state == BundleState.RECEIVED) | (SessionRow.state == SessionState.SUBMITTED),
        )
    )
    return db.scalar(query) or 0


def sent_visits(db: Session, tablet_id: UUID, *, since: datetime, limit: int = 1000) -> list[SentVisit]:
    """Return the bundles that a tablet sent after an instant, newest first."""
    query = (
        select(BundleRow, SessionRow.outcome, SessionRow.guidance)
        .outerjoin(SessionRow, SessionRow.id == BundleRow.session_id)
        .where(BundleRow.tablet_id == tablet_id, BundleRow.received_at > since)
        .order_by(BundleRow.received_at.desc(), BundleRow.seq.desc())
    )
    rows = db.execute(query.limit(limit))
    return [SentVisit(bundle, outcome, guidance or ()) for bundle, outcome, guidance in rows]


def waiting_bundles(db: Session, *, received_before: datetime, limit: int = 100) -> Sequence[UUID]:
    """Return bundles that are not opened yet, oldest first."""
    query = select(BundleRow.id).where(BundleRow.state == BundleState.RECEIVED, BundleRow.received_at < received_before)
    return db.scalars(query.order_by(BundleRow.received_at).limit(limit)).all()


def refused_bundles(db: Session, *, limit: int = 500) -> Sequence[BundleRow]:
    """Return refused bundles, newest first."""
    query = select(BundleRow).where(BundleRow.state == BundleState.REFUSED)
    return db.scalars(query.order_by(BundleRow.received_at.desc()).limit(limit)).all()


def purge_refused(db: Session, now: datetime) -> None:
    """Delete the sealed bytes of refused bundles whose retention time has passed; the rows stay."""
    due = update(BundleRow).where(BundleRow.state == BundleState.REFUSED, BundleRow.delete_after <= now)
    db.execute(due.values(sealed=None, delete_after=None))


def uncounted_of_planned_visits(db: Session, beneficiary_id: UUID) -> set[UUID]:
    """Return the bundles that do not count and are still sealed, of planned visits to a person."""
    visit = select(VisitRow.id).where(VisitRow.id == BundleRow.visit_id, VisitRow.beneficiary_id == beneficiary_id)
    query = select(BundleRow.id).where(
        BundleRow.state.in_((BundleState.REFUSED, BundleState.RECEIVED)), BundleRow.sealed.is_not(None), visit.exists()
    )
    return set(db.scalars(query))


def uncounted_outside_plan(db: Session) -> Iterator[tuple[UUID, bytes]]:
    """Read the bundles that do not count, are still sealed, and are of no planned visit: ids and sealed bytes.

    Five at a time, because each can have six megabytes. Unsigned bundles are left out.
    """
    visit = select(VisitRow.id).where(VisitRow.id == BundleRow.visit_id)
    query = select(BundleRow.id, BundleRow.sealed).where(
        BundleRow.state.in_((BundleState.REFUSED, BundleState.RECEIVED)),
        BundleRow.sealed.is_not(None),
        ~visit.exists(),
        BundleRow.reason.is_distinct_from(UNSIGNED),
    )
    for bundle_id, sealed in db.execute(query.execution_options(yield_per=5)):
        yield bundle_id, sealed or b""


def lock_free_bundles(db: Session, ids: Collection[UUID]) -> Sequence[BundleRow]:
    """Lock those of the bundles that no other transaction has locked, and return them as they are stored now."""
    locked = select(BundleRow).where(BundleRow.id.in_(ids)).with_for_update(skip_locked=True)
    return db.scalars(locked.execution_options(populate_existing=True)).all()

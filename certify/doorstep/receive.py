"""Taking in what a tablet sealed: kept before anything else is asked, and once, however often it is sent.

A bundle that is not accepted is *refused* and kept for inquiry with its reason; nothing an agent brings home is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import BundleState, TabletState
from certify.doorstep.bundle import Bundle, chain_start
from certify.doorstep.identify import forget_if_erased
from certify.doorstep.tablets import TabletRefused
from certify.errors import Conflict, Invalid, NotFound
from certify.queue import OPEN
from certify.service import Unit
from certify.storage.tables.doorstep import BundleRow, TabletRow

KEPT_REFUSED = timedelta(days=180)
"""How long a refused bundle is kept for inquiry. A starting value; a fund's rules of evidence may want longer."""
MAX_UNSIGNED = 20
"""Bundles a day in a tablet's name that it did not sign: kept to be looked into, but nobody shall fill the disk."""

ADMISSIBLE = frozenset({"clock_wrong", "tablet_revoked", "chain_broken", "agent_suspended", "keeps_failing"})
"""Refusals that an officer can lift after looking: all else was not made by the tablet, or cannot be read, or came
before."""


def take_bundle(unit: Unit, data: bytes, *, sha256: bytes, sent_wall: datetime | None) -> BundleRow:
    """Store a bundle and enqueue its opening; the same bytes again change nothing.

    Args:
        data: the bundle.
        sha256: what the tablet says its hash is: bytes that were damaged on their way are sent again.
        sent_wall: the tablet's clock when it sent.

    Raises Invalid (``bundle_malformed``, ``bundle_damaged``), TabletRefused for a tablet that was never enrolled.
    """
    bundle = Bundle.parse(data)
    if bundle.sha256 != sha256:
        raise Invalid("The bundle was damaged on its way.", hint="Send it again.", code=ErrorCode.BUNDLE_DAMAGED)
    tablet = unit.db.get(TabletRow, bundle.header.tablet, with_for_update=True)
    known = unit.db.scalars(select(BundleRow).where(BundleRow.sha256 == sha256)).one_or_none()
    if known is not None:
        return known
    if tablet is None or tablet.public_jwk is None:
        raise TabletRefused("This tablet is not known here.", hint="Call your office.")
    tablet.seen_at = unit.now
    reason = _reason(unit, tablet, bundle)
    row = BundleRow(
        id=unit.service.new_id(),
        sha256=sha256,
        tablet_id=tablet.id,
        agent_id=tablet.agent_id,
        seq=bundle.header.seq,
        previous=bundle.header.previous,
        visit_id=bundle.header.visit,
        state=BundleState.RECEIVED,
        size=len(data),
        received_at=unit.now,
        sent_offset_s=None if sent_wall is None else (sent_wall - unit.now).total_seconds(),
        sealed=data,
    )
    if reason is not None:
        mark_refused(unit, row, reason)
    unit.db.add(row)
    unit.db.flush()
    if reason is not None:
        forget_if_erased(unit, row)
    unit.ledger(LedgerEvent.VISIT_RECEIVED, None, bundle=sha256.hex(), tablet=str(tablet.id), refused=reason)
    if reason is None:
        unit.put_job(OPEN, row.id)
    return row


def mark_refused(unit: Unit, row: BundleRow, reason: str) -> None:
    """Refuse a bundle, and keep it for a while."""
    row.state, row.reason, row.delete_after = BundleState.REFUSED, reason, unit.now + KEPT_REFUSED


def admit(unit: Unit, bundle_id: UUID, *, officer: str) -> BundleRow:
    """Let a refused bundle count after all: an officer has looked into it. Raises NotFound, Conflict."""
    row = unit.db.scalars(select(BundleRow).where(BundleRow.id == bundle_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no such visit.", code=ErrorCode.BUNDLE_NOT_FOUND)
    taken = select(BundleRow.id).where(
        BundleRow.tablet_id == row.tablet_id, BundleRow.seq == row.seq, BundleRow.state != BundleState.REFUSED
    )
    if not is_admissible(row) or unit.db.scalars(taken).first() is not None:
        raise Conflict(
            "This visit cannot be let in.",
            hint="Only one that was refused for its clock, its tablet or its place in the chain can, while it is kept.",
            code=ErrorCode.NOT_ADMISSIBLE,
        )
    row.state, row.reason, row.delete_after, row.admitted_by = BundleState.RECEIVED, None, None, officer
    unit.db.flush()
    unit.ledger(LedgerEvent.VISIT_ADMITTED, None, bundle=row.sha256.hex(), officer=officer)
    unit.put_job(OPEN, row.id)
    return row


def is_admissible(row: BundleRow) -> bool:
    """Tell whether an officer can let a bundle in: refused for a reason that can be lifted, and not deleted since."""
    return row.state == BundleState.REFUSED and row.reason in ADMISSIBLE and row.delete_after is not None


def give_up_bundle(unit: Unit, bundle_id: UUID) -> None:
    """Refuse a bundle whose opening keeps failing, so that a person sees it; one opened or let in stays as it is."""
    row = unit.db.scalars(select(BundleRow).where(BundleRow.id == bundle_id).with_for_update()).one()
    if row.state == BundleState.RECEIVED and row.admitted_by is None:
        mark_refused(unit, row, "keeps_failing")
        unit.ledger(LedgerEvent.VISIT_REFUSED, None, bundle=row.sha256.hex(), reason="keeps_failing")


def refused_bundles(unit: Unit, *, limit: int = 500) -> Sequence[BundleRow]:
    """Return the newest refused bundles, newest first."""
    query = select(BundleRow).where(BundleRow.state == BundleState.REFUSED)
    return unit.db.scalars(query.order_by(BundleRow.received_at.desc()).limit(limit)).all()


def waiting_bundles(unit: Unit, *, received_before: datetime, limit: int = 100) -> Sequence[UUID]:
    """Return bundles that are not opened yet, oldest first."""
    query = select(BundleRow.id).where(BundleRow.state == BundleState.RECEIVED, BundleRow.received_at < received_before)
    return unit.db.scalars(query.order_by(BundleRow.received_at).limit(limit)).all()


def purge_refused(unit: Unit) -> None:
    """Delete what was sealed in refused bundles whose time has come; that they were sent stays on record."""
    due = update(BundleRow).where(BundleRow.state == BundleState.REFUSED, BundleRow.delete_after <= unit.now)
    unit.db.execute(due.values(sealed=None, delete_after=None))


def missing_places(unit: Unit, tablet_id: UUID) -> list[int]:
    """Return the places in a tablet's chain that nobody has sent, though later ones came."""
    query = select(BundleRow.seq).where(BundleRow.tablet_id == tablet_id, BundleRow.reason.is_distinct_from("unsigned"))
    there = set(unit.db.scalars(query))
    return [place for place in range(1, max(there, default=0)) if place not in there]


def _reason(unit: Unit, tablet: TabletRow, bundle: Bundle) -> str | None:
    """Say why a bundle cannot count, or None. The tablet's row is locked, so its bundles come one at a time."""
    header, jwk = bundle.header, tablet.public_jwk or {}
    if not bundle.is_signed_by(jwk):
        query = select(func.count()).where(
            BundleRow.tablet_id == tablet.id,
            BundleRow.reason == "unsigned",
            BundleRow.received_at > unit.now - timedelta(days=1),
        )
        if (unit.db.scalar(query) or 0) >= MAX_UNSIGNED:
            raise Invalid("The bundle is not signed by its tablet.", code=ErrorCode.BUNDLE_UNSIGNED)
        return "unsigned"
    if tablet.state != TabletState.ACTIVE:
        return "tablet_revoked"
    near = select(BundleRow.seq, BundleRow.sha256, BundleRow.previous).where(
        BundleRow.tablet_id == tablet.id,
        BundleRow.state != BundleState.REFUSED,
        BundleRow.seq.in_((header.seq - 1, header.seq, header.seq + 1)),
    )
    links = {seq: (sha256, previous) for seq, sha256, previous in unit.db.execute(near)}
    if header.seq in links:
        return "place_taken"
    before = chain_start(tablet.id, jwk) if header.seq == 1 else links.get(header.seq - 1, (None,))[0]
    after = links.get(header.seq + 1, (None, None))[1]
    # The bundle before may still be on its way: then this link is looked at when it comes.
    if before not in (None, header.previous) or after not in (None, bundle.sha256):
        return "chain_broken"
    return None

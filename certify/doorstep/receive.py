"""Receive sealed visits from tablets: each is stored before it is opened, and once, however often it is sent.

A bundle that is not accepted is *refused*, and kept for inquiry with the reason, so that no visit is lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import BundleState, TabletState
from certify.doorstep.bundle import Bundle, chain_start, parse_header
from certify.doorstep.identify import forget_if_erased
from certify.doorstep.tablets import TabletRefused
from certify.errors import Conflict, Invalid
from certify.queue import OPEN
from certify.service import Unit
from certify.storage.bundles import (
    UNSIGNED,
    count_unsigned,
    find_bundle,
    is_place_taken,
    last_link,
    links_near,
    lock_bundle,
)
from certify.storage.tables.doorstep import BundleRow, TabletRow
from certify.storage.tablets import find_tablet, lock_tablet

KEPT_REFUSED = timedelta(days=180)
"""How long a refused bundle is kept for inquiry. A starting value; a fund's rules of evidence may need longer."""
MAX_UNSIGNED = 20
"""Unsigned bundles that are kept for each tablet and day. They are kept for inquiry; the limit protects the disk."""

ADMISSIBLE = frozenset({"clock_wrong", "tablet_revoked", "chain_broken", "agent_suspended", "keeps_failing"})
"""Reasons of refusals that an officer can lift after an inquiry. With any other reason the tablet did not make the
bundle, or it cannot be read, or it came before."""


MAX_AHEAD = 1000
"""Places that a bundle may be ahead of the last one that arrived from its tablet: a month of forty visits a day."""


def require_plausible(unit: Unit, head: bytes) -> None:
    """Check the first bytes of a bundle before the rest is read: its tablet is known, its place is near the last one.

    Args:
        unit: a unit that reads.
        head: the first 2,048 bytes.

    Raises:
        Invalid: the bytes do not begin a bundle (``bundle_malformed``), or its place is implausible
            (``bundle_out_of_place``).
        TabletRefused: the tablet was never enrolled (``tablet_refused``).
    """
    header, _ = parse_header(head)
    tablet = find_tablet(unit.db, header.tablet)
    if tablet is None or tablet.public_jwk is None:
        raise TabletRefused("This tablet is not known here.", hint="Call your office.")
    last = last_link(unit.db, tablet.id)
    if header.seq > (last[0] if last else 0) + MAX_AHEAD:
        raise Invalid(
            "This visit is far beyond the last one of its tablet.",
            hint="Send the visits in their order.",
            code=ErrorCode.BUNDLE_OUT_OF_PLACE,
        )


def take_bundle(unit: Unit, data: bytes, *, sha256: bytes, sent_wall: datetime | None) -> BundleRow:
    """Store a bundle and enqueue its opening; the same bytes again change nothing.

    Args:
        unit: the transaction.
        data: the bundle.
        sha256: the hash that the tablet computed; if it differs, the tablet has to send the bytes again.
        sent_wall: the tablet's wall clock when it sent the bundle; None when it did not report its clock.

    Returns:
        The stored bundle, in state ``received`` or ``refused``.

    Raises:
        Invalid: the bytes are no bundle (``bundle_malformed``) or were damaged in transit (``bundle_damaged``), or
            too many bundles in this tablet's name were unsigned today (``bundle_unsigned``).
        TabletRefused: the tablet was never enrolled (``tablet_refused``).
    """
    bundle = Bundle.parse(data)
    if bundle.sha256 != sha256:
        raise Invalid("The bundle was damaged on its way.", hint="Send it again.", code=ErrorCode.BUNDLE_DAMAGED)
    tablet = lock_tablet(unit.db, bundle.header.tablet)
    known = find_bundle(unit.db, sha256)
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
    """Refuse a bundle, and keep it for ``KEPT_REFUSED``."""
    row.state, row.reason, row.delete_after = BundleState.REFUSED, reason, unit.now + KEPT_REFUSED


def admit(unit: Unit, bundle_id: UUID, *, officer: str) -> BundleRow:
    """Accept a refused bundle after an officer's inquiry, and enqueue its opening.

    Args:
        unit: the transaction.
        bundle_id: id of the bundle.
        officer: who decided it.

    Returns:
        The bundle, in state ``received``.

    Raises:
        NotFound: no such bundle (``bundle_not_found``).
        Conflict: the refusal cannot be lifted, the bytes were deleted, or another bundle took the place in the chain
            (``not_admissible``).
    """
    row = lock_bundle(unit.db, bundle_id)
    require_admissible(unit, row)
    row.state, row.reason, row.delete_after, row.admitted_by = BundleState.RECEIVED, None, None, officer
    unit.db.flush()
    unit.ledger(LedgerEvent.VISIT_ADMITTED, None, bundle=row.sha256.hex(), officer=officer)
    unit.put_job(OPEN, row.id)
    return row


def require_admissible(unit: Unit, row: BundleRow) -> None:
    """Check that an officer can accept a bundle.

    Raises:
        Conflict: the refusal cannot be lifted, the bytes were deleted, or another bundle took the place in the chain
            (``not_admissible``).
    """
    if not is_admissible(row) or is_place_taken(unit.db, row.tablet_id, row.seq):
        raise Conflict(
            "This visit cannot be admitted.",
            hint="A visit can be admitted if clock, tablet or chain was the reason, and while its bytes are kept.",
            code=ErrorCode.NOT_ADMISSIBLE,
        )


def is_admissible(row: BundleRow) -> bool:
    """Tell whether an officer can accept a bundle: its refusal can be lifted, and its bytes were not deleted since."""
    return row.state == BundleState.REFUSED and row.reason in ADMISSIBLE and row.delete_after is not None


def give_up_bundle(unit: Unit, bundle_id: UUID) -> None:
    """Refuse a bundle whose opening keeps failing, so that an officer sees it.

    A bundle that was opened, or that an officer accepted, stays as it is.

    Args:
        unit: the transaction.
        bundle_id: id of the bundle.

    Raises:
        NotFound: no such bundle (``bundle_not_found``).
    """
    row = lock_bundle(unit.db, bundle_id)
    if row.state == BundleState.RECEIVED and row.admitted_by is None:
        mark_refused(unit, row, "keeps_failing")
        unit.ledger(LedgerEvent.VISIT_REFUSED, None, bundle=row.sha256.hex(), reason="keeps_failing")


def _reason(unit: Unit, tablet: TabletRow, bundle: Bundle) -> str | None:
    """Return why a bundle cannot count, or None. The tablet is locked, so its bundles are checked one at a time."""
    header, jwk = bundle.header, tablet.public_jwk or {}
    if not bundle.is_signed_by(jwk):
        if count_unsigned(unit.db, tablet.id, unit.now - timedelta(days=1)) >= MAX_UNSIGNED:
            raise Invalid("The bundle is not signed by its tablet.", code=ErrorCode.BUNDLE_UNSIGNED)
        return UNSIGNED
    if tablet.state != TabletState.ACTIVE:
        return "tablet_revoked"
    links = links_near(unit.db, tablet.id, header.seq)
    if header.seq in links:
        return "place_taken"
    before, after = links.get(header.seq - 1), links.get(header.seq + 1)
    # The bundle before can still be on its way. Then the link to it is checked when it comes.
    previous = None if before is None else before.sha256
    if header.seq == 1:
        previous = chain_start(tablet.id, jwk)
    if previous not in (None, header.previous) or (after is not None and after.previous != bundle.sha256):
        return "chain_broken"
    return None

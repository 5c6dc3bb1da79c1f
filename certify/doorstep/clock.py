"""Compute when a visit was made, from the clock of a tablet without a network and the last signed time.

At each contact the service signs the present time for the tablet (an *anchor*). The tablet notes its wall clock and its
steady clock with the anchor, when a visit begins, and when the visit is sealed. The visit is as long after the anchor
as the wall clock advanced between them. If the wall clock was moved, it differs from the steady clock, which cannot be
set, as long as the page stays open; and it differs from our clock when the bundle is sent.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from certify.service import Unit

TOLERANCE_S = 300.0
"""Seconds. A smaller shift is not a sign of a moved clock: networks delay, clocks drift by seconds a day. A starting
value, not measured."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A reading of a tablet's clocks.

    Attributes:
        wall_ms: milliseconds since 1970 by the wall clock.
        steady_ms: milliseconds since the page was opened. This clock cannot be set; it can stop while the tablet
            sleeps.
        page: drawn by chance when the page was opened. Steady clocks of different pages cannot be compared.
    """

    wall_ms: float
    steady_ms: float
    page: str


@dataclass(frozen=True, slots=True)
class VisitTime:
    """When a visit was made.

    Attributes:
        began: when it began, on our clock.
        sealed: when it was sealed, on our clock.
        shift_s: seconds by which the tablet's clock was moved, as far as this can be seen; 0 when it was not.
        wrong: whether the shift is too large to trust the times.
    """

    began: datetime
    sealed: datetime
    shift_s: float
    wrong: bool


def judge_clock(
    anchored_at: datetime,
    anchor: Stamp,
    began: Stamp,
    sealed: Stamp,
    *,
    received_at: datetime,
    sent_offset_s: float | None,
) -> VisitTime:
    """Compute when a visit was made, and how far the tablet's clock was moved.

    Args:
        anchored_at: the time that the service signed.
        anchor: the tablet's clocks when it received that time.
        began: the tablet's clocks when the visit began.
        sealed: the tablet's clocks when the visit was sealed.
        received_at: when the service received the bundle.
        sent_offset_s: seconds by which the tablet's wall clock was ahead of ours when it sent the bundle; None when the
            tablet did not report its clock.

    Returns:
        The times on our clock, between ``anchored_at`` and ``received_at``.
    """
    at_anchor_s = anchor.wall_ms / 1000 - anchored_at.timestamp()
    shifts = [0.0]
    clocks_agree = anchor.page == began.page == sealed.page and all(
        abs((stamp.wall_ms - anchor.wall_ms) - (stamp.steady_ms - anchor.steady_ms)) <= TOLERANCE_S * 1000
        for stamp in (began, sealed)
    )
    # If both clocks agreed until the visit was sealed, a later change of the wall clock does not matter.
    if sent_offset_s is not None and not clocks_agree:
        shifts.append(abs(sent_offset_s - at_anchor_s))
    for earlier, later in ((anchor, began), (anchor, sealed), (began, sealed)):
        wall_s = (later.wall_ms - earlier.wall_ms) / 1000
        # The steady clock stops while the tablet sleeps, so the wall clock can be ahead of it, but never behind.
        steady_s = (later.steady_ms - earlier.steady_ms) / 1000 if earlier.page == later.page else 0.0
        shifts.append(max(0.0, steady_s - wall_s))
    begin_s, end_s = (stamp.wall_ms / 1000 - at_anchor_s for stamp in (began, sealed))
    shifts.append(max(0.0, end_s - received_at.timestamp()))
    earliest, latest = anchored_at.timestamp(), received_at.timestamp()
    held = [min(max(value, earliest), latest) for value in (begin_s, end_s)]
    shift = max(shifts)
    return VisitTime(
        datetime.fromtimestamp(held[0], UTC), datetime.fromtimestamp(max(held), UTC), shift, shift > TOLERANCE_S
    )


def sign_time(unit: Unit, tablet: UUID) -> str:
    """Return the present time, in milliseconds since 1970, signed for a tablet by a keyed hash."""
    text = str(round(unit.now.timestamp() * 1000))
    return f"{text}.{_mark(unit, tablet, text)}"


def read_time(unit: Unit, tablet: UUID, anchor: str) -> datetime | None:
    """Return the time that the service signed for this tablet; None when the signature is not ours."""
    text, _, mark = anchor.partition(".")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        return None
    if not hmac.compare_digest(mark.encode(), _mark(unit, tablet, text).encode()):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _mark(unit: Unit, tablet: UUID, text: str) -> str:
    return unit.service.vault.lookup_hash(unit.db, "tablet-time", f"{tablet}|{text}").hex()

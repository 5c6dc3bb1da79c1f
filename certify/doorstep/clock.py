"""When a visit was, by a tablet that had no network: its own clock, held against the last time the service told it.

The service signs the time whenever it speaks with a tablet (an *anchor*). The tablet notes its wall clock and its
steady clock beside it, and both again when a visit begins and when it is sealed; so the visit is as long after the
anchor as the tablet's clock went on meanwhile. A clock that somebody moved shows: against the steady clock, which
nobody moves, while the page stays open; and against ours when the bundle is sent.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from certify.service import Unit

TOLERANCE_S = 300.0
"""A clock that is off by less says nothing: networks delay, clocks drift by seconds a day. A starting value."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A reading of a tablet's clocks.

    Attributes:
        wall_ms: since 1970, as the tablet believes.
        steady_ms: since the page was opened; never set, and may stand still while the tablet sleeps.
        page: chosen by chance when the page was opened; steady clocks of different pages have nothing in common.
    """

    wall_ms: float
    steady_ms: float
    page: str


@dataclass(frozen=True, slots=True)
class Judged:
    """When a visit was.

    Attributes:
        began, sealed: on our clock.
        shift_s: by how much the tablet's clock was moved, as far as can be seen; 0 when not at all.
        wrong: whether that is too much to believe the times.
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
) -> Judged:
    """Work out when a visit was.

    Args:
        anchored_at: what the service signed.
        anchor: the tablet's clocks when that came.
        began: when the visit began.
        sealed: when it was sealed.
        received_at: when the bundle came in.
        sent_offset_s: the tablet's wall clock less ours when it was sent; None when it did not say.
    """
    at_anchor_s = anchor.wall_ms / 1000 - anchored_at.timestamp()
    shifts = [0.0]
    went_along = anchor.page == began.page == sealed.page and all(
        abs((stamp.wall_ms - anchor.wall_ms) - (stamp.steady_ms - anchor.steady_ms)) <= TOLERANCE_S * 1000
        for stamp in (began, sealed)
    )
    # Where both clocks went along with each other all the time, it says nothing that one was moved later on.
    if sent_offset_s is not None and not went_along:
        shifts.append(abs(sent_offset_s - at_anchor_s))
    for earlier, later in ((anchor, began), (anchor, sealed), (began, sealed)):
        wall_s = (later.wall_ms - earlier.wall_ms) / 1000
        # The wall clock can only be ahead of the steady one, which sleeps with the tablet: never behind.
        steady_s = (later.steady_ms - earlier.steady_ms) / 1000 if earlier.page == later.page else 0.0
        shifts.append(max(0.0, steady_s - wall_s))
    begin_s, end_s = (stamp.wall_ms / 1000 - at_anchor_s for stamp in (began, sealed))
    shifts.append(max(0.0, end_s - received_at.timestamp()))
    earliest, latest = anchored_at.timestamp(), received_at.timestamp()
    held = [min(max(value, earliest), latest) for value in (begin_s, end_s)]
    shift = max(shifts)
    return Judged(
        datetime.fromtimestamp(held[0], UTC), datetime.fromtimestamp(max(held), UTC), shift, shift > TOLERANCE_S
    )


def sign_time(unit: Unit, tablet: UUID) -> str:
    """Return the present time, signed for a tablet."""
    text = str(round(unit.now.timestamp() * 1000))
    return f"{text}.{_mark(unit, tablet, text)}"


def read_time(unit: Unit, tablet: UUID, anchor: str) -> datetime | None:
    """Return the time that was signed for this tablet; None when it was not signed by us."""
    text, _, mark = anchor.partition(".")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        return None
    if not hmac.compare_digest(mark.encode(), _mark(unit, tablet, text).encode()):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _mark(unit: Unit, tablet: UUID, text: str) -> str:
    return unit.service.vault.lookup_hash(unit.db, "tablet-time", f"{tablet}|{text}").hex()

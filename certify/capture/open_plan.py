"""Keep the plan that a caller was shown until it is answered, so that no one can draw plans until one suits.

A film that was recorded earlier answers one plan. If plans could be drawn freely, a caller would wait until that plan
comes again: there are 22 standard plans. So a caller has one plan at a time:

* The same device, asking again, gets the same open session.
* If the session has ended without media, the next one has the same plan, for a day. Nothing is counted for it.
* All callers who are not recognised share one plan for a person, whatever they call their devices.
* Another plan is drawn only once media were sent for the last one: a new plan costs an attempt.

The same rules hold for decoy sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from certify.domain.profile import Demand
from certify.domain.states import Possession, SessionState
from certify.service import Unit
from certify.storage.plans import failed_plans, newest_session
from certify.storage.tables.sessions import SessionRow

FAILURES_COUNT = timedelta(days=30)
"""The time in which the shipped policies count attempts."""

KEPT = timedelta(days=1)
"""How long a plan is kept that was not answered. Longer would give an attacker more time to make a film for it; shorter
would give more draws. A starting value."""


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """What a caller has already.

    Attributes:
        session: the open session that the caller gets again; None if there is none.
        plan: the plan that the next session has; None if a new one is drawn.
    """

    session: SessionRow | None = None
    plan: Mapping[str, Any] | None = None


def open_plan(
    unit: Unit,
    beneficiary_id: UUID,
    demand: Demand,
    *,
    device: bytes | None,
    public_entry: bool,
    possession: Possession,
    assisted: bool,
    decoy: bytes | None = None,
) -> OpenPlan:
    """Return the open session of a caller, or the plan that was drawn for them and not answered.

    Args:
        unit: the transaction that holds the lock of the person.
        beneficiary_id: the person, or the row that stands for no person.
        demand: how much a session asks now. A plan that fits another demand is not used again.
        device: keyed hash of what the phone calls itself; None when it did not say.
        public_entry: whether the caller only gave an identifier and a birth date.
        possession: whether the session is opened with something that only the person has.
        assisted: whether a helper holds the phone.
        decoy: mark of an unknown identifier; None for people.
    """
    found = newest_session(
        unit.db,
        beneficiary_id,
        decoy=decoy,
        public_entry=public_entry,
        device=device,
        since=unit.now - KEPT,
    )
    unanswered = [row for row in found if row.submitted_at is None and _fits(row, demand)]
    # Media for the newest plan were sent from another device: that plan is used up for all.
    if public_entry and found and newest(found).submitted_at is not None:
        unanswered = []
    for row in unanswered:
        same = row.device == device and row.possession == possession and row.assisted == assisted
        if same and row.state == SessionState.OPEN and unit.now < row.expires_at:
            return OpenPlan(session=row)
    return OpenPlan(plan=unanswered[0].plan if unanswered else None)


def newest(rows: list[SessionRow]) -> SessionRow:
    """Return the session that was opened last."""
    return max(rows, key=lambda row: row.created_at)


def hardest_failed(unit: Unit, beneficiary_id: UUID, *, decoy: bytes | None, window: timedelta) -> int:
    """Return how many signs of fraud the hardest plan answered that a caller who was not recognised failed.

    Args:
        unit: the transaction to read in.
        beneficiary_id: the person, or the row that stands for no person.
        decoy: mark of an unknown identifier; None for people.
        window: the time in which failed attempts count.
    """
    rows = failed_plans(unit.db, beneficiary_id, decoy=decoy, since=unit.now - window)
    return max((_level(row) for row in rows), default=0)


def _level(row: SessionRow) -> int:
    return sum(str(why).startswith("risk:") for why in (row.plan or {}).get("because", ()))


def _fits(row: SessionRow, demand: Demand) -> bool:
    """Return whether a plan asks what the demand asks: as much, and nothing that it does not allow."""
    plan = row.plan or {}
    prompts = [step["prompt"] for step in plan.get("steps", ())]
    return (
        row.profile == demand.profile
        and len(prompts) == demand.prompts
        and len(plan.get("flashes", ())) == demand.flashes
        and set(prompts) <= demand.allowed
    )

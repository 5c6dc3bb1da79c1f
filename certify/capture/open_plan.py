"""Keep the plan that a caller was shown until it is answered, so that no one can draw plans until one suits.

A film that was recorded earlier answers one plan. If plans could be drawn freely, a caller would wait until that plan
comes again: there are 22 standard plans. So each new plan costs an attempt:

* The same device, asking again, gets the same open session.
* A session that follows has the same plan as long as no media were sent for it, for a day, whatever the callers call
  their devices. Nothing is counted for it.
* Callers who are not recognised share the plans of the number that they entered, known or not. Those who are
  recognised (a sign-in, an officer) share those of the person. Neither sees the plans of the others.
* After a failure, a caller who is not recognised is never asked for less.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from certify.domain.asked import LATE_FOR
from certify.domain.channels import Channel
from certify.domain.profile import TURNS, Demand
from certify.domain.states import SessionState
from certify.service import Unit
from certify.storage.plans import failed_plans, own_plans, public_plans
from certify.storage.tables.sessions import SessionRow

FAILURES_COUNT = timedelta(days=30)
"""How long a failure counts for the same device: the time in which the shipped policies count attempts."""

KEPT = timedelta(days=1)
"""How long a plan is kept that was not answered, and how long the failures of other devices count. Longer would give an
attacker more time to make a film for the plan, and would let strangers make it harder for a person for longer; shorter
would give more draws. A starting value."""


def is_closed(unit: Unit, row: SessionRow) -> bool:
    """Tell whether a session takes no media any more.

    After its minutes it still takes, once, a recording that a phone without a network kept, for as long as the plan is
    kept anyway; docs/decisions/0047-recordings-that-arrive-late.md has the reasons.

    Args:
        unit: the transaction to read in.
        row: the session.
    """
    if row.state == SessionState.OPEN and unit.now < row.expires_at:
        return False
    if row.submitted_at is not None or row.plan is None or row.channel != Channel.REMOTE:
        return True
    return unit.now >= row.created_at + LATE_FOR or _was_answered(unit, row)


def _was_answered(unit: Unit, row: SessionRow) -> bool:
    """Tell whether media were sent for the plan of a session, in another session that had the same one."""
    since = unit.now - 2 * KEPT
    rows = public_plans(unit.db, row.asked, since) if row.asked else own_plans(unit.db, row.beneficiary_id, since)
    return any(other.submitted_at is not None and _asks(other) == _asks(row) for other in rows)


def unanswered(rows: Sequence[SessionRow], demand: Demand, *, harder_on: bytes | None = None) -> list[SessionRow]:
    """Return the sessions whose plan fits what is asked now and for which no media were sent.

    Args:
        rows: earlier sessions of callers who share their plans, newest first.
        demand: how much a session asks now.
        harder_on: the device whose plans fit too if they ask for more: an easier one does not come by waiting. What
            other devices were asked makes nothing harder here.
    """
    answered = [_asks(row) for row in rows if row.submitted_at is not None]
    return [
        row
        for row in rows
        if row.submitted_at is None
        and _asks(row) not in answered
        and _fits(row, demand, harder=harder_on is not None and row.device == harder_on)
    ]


def still_open(unit: Unit, row: SessionRow) -> bool:
    """Tell whether a session is open and has at least half its time left, so that it can be given again."""
    half = timedelta(minutes=unit.service.settings.session_minutes / 2)
    return row.state == SessionState.OPEN and row.expires_at >= unit.now + half


def hardest_failed(unit: Unit, asked: bytes, device: bytes) -> int:
    """Return how many signs of fraud the hardest plan answered that a caller failed who was not recognised.

    Args:
        unit: the transaction to read in.
        asked: keyed hash of the number and birth date that were entered.
        device: keyed hash of what the device calls itself.
    """
    rows = failed_plans(unit.db, asked, device, since=unit.now - FAILURES_COUNT, others_since=unit.now - KEPT)
    return max(
        (sum(str(why).startswith("risk:") for why in (row.plan or {}).get("because", ())) for row in rows), default=0
    )


def _asks(row: SessionRow) -> tuple[Any, Any]:
    plan = row.plan or {}
    return plan.get("steps"), plan.get("flashes")


def _one_kind(prompts: Sequence[str]) -> bool:
    return len({"turn" if prompt in TURNS else prompt for prompt in prompts}) == 1


def _fits(row: SessionRow, demand: Demand, *, harder: bool) -> bool:
    """Tell whether a plan asks as much as the demand, and nothing that it does not allow."""
    plan = row.plan or {}
    prompts = [step["prompt"] for step in plan.get("steps", ())]
    flashes = len(plan.get("flashes", ()))
    if not demand.must <= set(prompts) <= demand.allowed:
        return False
    if any("back_ms" not in step for step in plan.get("steps", ())):
        return False  # of an earlier release, which asked for less
    if harder and _one_kind(prompts) == demand.gentle:  # only gentle plans have one kind of movement
        return len(prompts) >= demand.prompts and flashes >= demand.flashes
    return (row.profile, len(prompts), flashes) == (demand.profile, demand.prompts, demand.flashes)

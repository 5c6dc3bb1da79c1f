"""What a session asked and what the media answered, from the plan and the source that are stored with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from certify.domain.profile import NEW_DEVICE, TURNS
from certify.domain.states import Challenge

Plan = Mapping[str, Any]
"""A plan as it is stored (``models.liveness.plan``), with what belongs to the session: ``because`` and ``live``."""


def takes_of(plan: Plan) -> Sequence[Plan]:
    """Return the plans of a live capture, one for each take; visits and earlier releases have only one."""
    takes: Sequence[Plan] = plan.get("live") or (plan,)
    return takes


LATE = "late"
"""In the source of a session: its recording arrived, and was announced, after the minutes of the session."""
LATE_FOR = timedelta(days=1)
"""For so long after a session was opened it takes a recording: as long as its plan is kept anyway
(certify/capture/open_plan.py), so that an attacker gains no time by it."""


def asked_plan(plan: Plan | None, source: Mapping[str, Any] | None) -> Plan | None:
    """Return the plan that the media of a session had to answer.

    Args:
        plan: as stored with the session.
        source: where the media came from, likewise.
    """
    if plan is None or source is None or source.get("way") != "live":
        return plan
    takes = takes_of(plan)
    return takes[min(int(source.get("take", 0)), len(takes) - 1)]


def prompts_asked(plan: Plan | None, source: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the names of the prompts that the media of a session had to answer."""
    return frozenset(step["prompt"] for step in (asked_plan(plan, source) or {}).get("steps", ()))


def known_before(plan: Plan | None, source: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    """Return how the plan became known: what an officer needs who wonders whether a film could be made for it.

    Args:
        plan: as stored with the session.
        source: where the media came from, likewise.
        now: when the media came.

    Returns:
        The way in, the seconds since the plan was drawn (None for earlier releases), and, for a live capture, the take
        and how often its takes had been shown before. In a first live capture each prompt is unknown until its moment;
        a recording knows its plan from the beginning.
    """
    said, drawn = source or {}, (plan or {}).get("drawn_at")
    way = said.get("way", "upload")
    live = {"take": said.get("take", 0), "begun_before": said.get("begun", 0)} if way == "live" else {}
    return {"way": way, "known_s": drawn and round((now - datetime.fromisoformat(drawn)).total_seconds())} | live


def challenge_of(
    plan: Plan | None, *, followed: bool, lit: bool, unclear: bool = False, because: Collection[str] = ()
) -> Challenge:
    """Tell how much of a plan a film answered.

    Args:
        plan: what was asked (:func:`asked_plan`); None if nothing was.
        followed: whether the film followed the prompts.
        lit: whether it showed the light of the screen.
        unclear: whether nothing but that light kept it from showing life: the room was too bright, for example.
        because: why so much was asked (``because`` of the stored plan).
    """
    steps = (plan or {}).get("steps", ())
    # Steps of earlier releases asked no one back; a recording follows them too often.
    if not followed or not steps or any("back_ms" not in step for step in steps):
        return Challenge.NONE
    if lit:
        return Challenge.FULL
    if unclear:
        return Challenge.UNLIT
    kinds = {"turn" if step["prompt"] in TURNS else step["prompt"] for step in steps}
    if len(kinds) == 1:
        return Challenge.ONE_MOVEMENT
    # A program that is driven live makes every movement. Only light stops it, and this person must not see it.
    return Challenge.MOVEMENTS if NEW_DEVICE in because else Challenge.FULL
